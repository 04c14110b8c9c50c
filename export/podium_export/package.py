"""Publishes a package: written in a hidden folder of the repository, then renamed into place.

A rename is one step for whoever looks on, so a server sees the whole version or nothing. The hidden folder's
name begins with a dot, which servers pass over; what a killed export left is swept by a later one.
"""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import json_format
from podium.v1 import model_manifest_pb2

from podium_export.digest import sha256_of
from podium_export.errors import OptionError, PackageError

MANIFEST = "model.json"
"""The manifest's file name in a version folder."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""What a model may be called."""

_HIDDEN = ".podium-export-"
_STALE_S = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a package goes.

    Attributes:
        repository: the folder of all models; made if it is missing.
        name: the model's name: letters, digits, ".", "_" and "-".
        version: 1 or more; None: the number after the highest that exists.
    """

    repository: Path
    name: str
    version: int | None = None

    def check(self) -> None:
        """Refuse a bad name or a taken version before any work is done.

        Raises:
            OptionError: the name or the version is not one.
            PackageError: the version exists, or the repository is a file.
        """
        if not NAME.fullmatch(self.name):
            raise OptionError(
                f'--name "{self.name}": a model\'s name is 1 to 100 letters, digits, ".", "_" and "-", and begins '
                "with a letter or digit"
            )
        if self.version is not None and self.version < 1:
            raise OptionError(f"--version {self.version}: a version is 1 or more")
        if self.repository.exists() and not self.repository.is_dir():
            raise PackageError(f"--repository {self.repository}: this is a file; give a folder")
        if self.version is not None and (self.model / str(self.version)).exists():
            raise _taken(self.model, self.version)

    @property
    def model(self) -> Path:
        """The model's folder."""
        return self.repository / self.name


@contextmanager
def staging(repository: Path) -> Generator[Path]:
    """Make a hidden folder of the repository to write in; removed at the end unless it was published.

    Raises:
        PackageError: the repository cannot be written.
    """
    try:
        repository.mkdir(parents=True, exist_ok=True)
        _sweep(repository)
        folder = Path(tempfile.mkdtemp(prefix=_HIDDEN, dir=repository))
    except OSError as error:
        raise PackageError(f"--repository {repository}: cannot be written: {error.strerror}") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_manifest(folder: Path, manifest: model_manifest_pb2.ModelManifest) -> None:
    """Write the manifest with the digest of every other file of the folder."""
    del manifest.files[:]
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != MANIFEST:
            manifest.files.add(
                name=path.relative_to(folder).as_posix(), size_bytes=path.stat().st_size, sha256=sha256_of(path)
            )
    text = json_format.MessageToJson(manifest, preserving_proto_field_name=True, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def publish(folder: Path, destination: Destination) -> Path:
    """Rename a finished folder to `<repository>/<name>/<version>`.

    Args:
        folder: what `staging` gave, with everything in it.
        destination: where it goes.

    Raises:
        OptionError: the name or the version is not one.
        PackageError: the version exists.

    Returns:
        The version's folder.
    """
    destination.check()
    _flush(folder)
    folder.chmod(0o755)
    model = destination.model
    model.mkdir(exist_ok=True)
    try:
        while True:
            number = destination.version or _next_version(model)
            if _rename(folder, model / str(number)):
                _flush_folder(model)
                return model / str(number)
            if destination.version is not None:
                raise _taken(model, destination.version)
    finally:
        if not any(model.iterdir()):
            model.rmdir()


def _rename(folder: Path, target: Path) -> bool:
    """Rename unless the target exists; an empty target counts, though a rename would replace it."""
    if target.exists():
        return False
    try:
        folder.rename(target)
    except OSError:
        if target.exists():
            return False
        raise
    return True


def _next_version(model: Path) -> int:
    """Give the number after the highest version, loadable or not."""
    numbers = [int(path.name) for path in model.iterdir() if path.name.isascii() and path.name.isdigit()]
    return max(numbers, default=0) + 1


def _taken(model: Path, version: int) -> PackageError:
    free = _next_version(model)
    return PackageError(
        f"--version {version}: {model / str(version)} exists, and a version is never overwritten; the next free "
        f"one is {free}, which is taken when --version is left out"
    )


def _flush(folder: Path) -> None:
    """Bring every file to the disk before the rename makes it visible."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as stream:
                os.fsync(stream.fileno())
    _flush_folder(folder)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(repository: Path) -> None:
    """Remove hidden folders that exports left behind when they were killed, once they are a day old."""
    for folder in repository.glob(f"{_HIDDEN}*"):
        with suppress(FileNotFoundError):  # another export may sweep the same one
            if time.time() - folder.stat().st_mtime > _STALE_S:
                shutil.rmtree(folder, ignore_errors=True)
