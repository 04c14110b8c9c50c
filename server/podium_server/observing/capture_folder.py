"""The folder where captured calls lie: never more than so many bytes, the oldest make room."""

import errno
import os
from collections import deque
from pathlib import Path

SUFFIX = ".captured.binpb"


class CaptureFolder:
    """Writes files whose names sort by age; used by one thread.

    Args:
        folder: made when it is missing, for its owner alone.
        max_bytes: that all its captured calls may take together.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):  # told at the start, and not by the first call
            raise PermissionError(errno.EACCES, "cannot be written", str(folder))
        self._folder = folder
        self._max_bytes = max_bytes
        found = sorted(path for path in folder.iterdir() if path.name.endswith(SUFFIX))
        self._kept = deque((path, path.stat().st_size) for path in found)
        self._bytes = sum(size for _, size in self._kept)

    def write(self, name: str, data: bytes) -> bool:
        """Keep a call, whole or not at all; False for one that is larger than all may be together.

        Raises:
            OSError: it cannot be written.
        """
        if len(data) > self._max_bytes:
            return False
        while self._bytes + len(data) > self._max_bytes:
            oldest, size = self._kept[0]
            oldest.unlink(missing_ok=True)
            self._kept.popleft()
            self._bytes -= size
        path = self._folder / (name + SUFFIX)
        unfinished = path.with_suffix(".unfinished")
        try:
            with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(data)
            unfinished.rename(path)
        except OSError:  # a full disk, above all: what is there of it would be counted by nobody
            unfinished.unlink(missing_ok=True)
            raise
        self._kept.append((path, len(data)))
        self._bytes += len(data)
        return True
