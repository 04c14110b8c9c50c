"""The server under attack: a process of its own, whose memory and files can be counted."""

import contextlib
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

# A request that would take the machine's memory takes a trace instead, and the machine is other people's too.
MOST_ADDRESSES = 6 * 2**30
_READY = re.compile(r"podium: serving gRPC on (\S+), HTTP on (\S+)")
LIMITS = (
    "--max-message-bytes=4MiB", "--max-image-pixels=1000000", "--max-images-per-request=64", "--queue-rows=256",
    "--max-output-tokens=200", "--max-prompt-tokens=5000", "--max-sequences-per-request=64", "--max-video-frames=500",
    "--cores=1", "--sessions=1", "--threads=1", "--max-batch-rows=8", "--max-request-memory-bytes=64MiB",
    "--max-calls-per-client=64", "--max-silence-s=2",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attacked:
    """A server that runs.

    Attributes:
        address: of gRPC.
        http: of the metrics page.
        process: the process.
        log: what it wrote.
    """

    address: str
    http: str
    process: "subprocess.Popen[str]"
    log: Path

    def memory_bytes(self) -> int:
        """What it holds in memory."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def num_files(self) -> int:
        """The files and sockets that it has open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def page(self, path: str) -> str:
        """Ask for a page."""
        with urlopen(f"http://{self.http}{path}", timeout=30) as response:
            return str(response.read().decode())


@contextlib.contextmanager
def serve(repository: Path, folder: Path, settings: Sequence[str] = LIMITS) -> Generator[Attacked, None, None]:
    """Serve a repository on 127.0.0.1 until the block ends; the server must then end well.

    Args:
        repository: the models.
        folder: where its log and its cache are.
        settings: how it runs, as flags.
    """
    command = [
        sys.executable, "-m", "podium_client", "serve", str(repository), "--grpc-port=0", "--http-port=0",
        "--device=cpu", f"--cache-dir={folder / 'cache'}", "--drain-s=10", *settings,
    ]  # fmt: skip
    log = folder / "log"
    with (
        log.open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
    ):
        resource.prlimit(process.pid, resource.RLIMIT_AS, (MOST_ADDRESSES, MOST_ADDRESSES))
        try:
            assert process.stdout is not None
            match = _READY.match(process.stdout.readline())
            if match is None:
                raise RuntimeError(f"the server did not start:\n{log.read_text()}")
            yield Attacked(match[1], match[2], process, log)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
