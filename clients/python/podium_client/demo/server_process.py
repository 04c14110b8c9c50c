"""A `podium serve` of its own for the demo, on free ports."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

# The line that `podium serve` prints once it is ready.
_READY_LINE = re.compile(r"serving gRPC on (?P<grpc>\S+), HTTP on (?P<http>\S+)")

_START_LIMIT_S = 300.0  # a first start measures every graph
_STOP_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a server listens, as HOST:PORT.

    Attributes:
        grpc: the gRPC port.
        http: the HTTP port.
    """

    grpc: str
    http: str


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A running server.

    Attributes:
        addresses: where it listens.
        log: the file with what it writes to its standard error.
        process: itself.
    """

    addresses: Addresses
    log: Path
    process: "subprocess.Popen[str]"

    def stop(self) -> int:
        """Ask it to stop with SIGTERM, and give its exit status; -9 when it did not stop in time."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


@contextmanager
def serving(repository: Path, log: Path) -> Generator[ServerProcess]:
    """Serve a repository until the block is left.

    Raises:
        click.ClickException: the server did not start; with the end of its log.
    """
    command = [sys.executable, "-m", "podium_client", "serve", str(repository), "--grpc-port=0", "--http-port=0"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PODIUM_")}
    with log.open("w") as stream:
        process = subprocess.Popen(  # noqa: S603  this very program
            command, stdout=subprocess.PIPE, stderr=stream, env=environment, text=True
        )
    try:
        yield ServerProcess(_await_ready(process, log), log, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def _await_ready(process: "subprocess.Popen[str]", log: Path) -> Addresses:
    assert process.stdout is not None
    watchdog = threading.Timer(_START_LIMIT_S, process.kill)
    watchdog.start()
    try:
        for line in process.stdout:
            if match := _READY_LINE.search(line):
                return Addresses(match["grpc"], match["http"])
    finally:
        watchdog.cancel()
        watchdog.join()
    tail = "\n".join(log.read_text().splitlines()[-15:])
    raise click.ClickException(f"`podium serve` ended with status {process.wait()} before it was ready:\n{tail}")
