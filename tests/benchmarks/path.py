"""Where a request's processor time goes in the server: `python -m tests.benchmarks.path`.

Measures the server as it comes, then again with a profiler in its event loop's thread, and prints the functions
with the most time of their own. The profiler slows what it counts, so read its microseconds as shares; calls a
request are exact.
"""

import os
import pstats
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import click
from podium_client.load.closed_loop import Load, drive
from podium_client.load.event_loop import run
from podium_client.load.infer_request import PATH

from tests.benchmarks.benchmarked_model import read_model
from tests.benchmarks.processor import processor_seconds
from tests.benchmarks.subjects import PodiumServer

Function: TypeAlias = tuple[str, int, str]  # file, line, name
Costs: TypeAlias = tuple[int, int, float, float, Mapping[Any, Any]]  # outermost calls, calls, own s, total s, callers

_WRITE_TIMEOUT_S = 10.0
_SOURCE_ROOTS = ("site-packages/", "/server/", "/proto/gen/", "/lib/python3")


@dataclass(frozen=True, slots=True)
class Step:
    """One function of the event loop's thread.

    Attributes:
        where: its file, line and name.
        calls: a request.
        own_us: microseconds a request in it alone, under the profiler.
        total_us: with everything that it calls.
    """

    where: str
    calls: float
    own_us: float
    total_us: float


def _steps(file: Path, num_requests: int) -> Iterator[Step]:
    """Read a profile."""
    # `get_stats_profile` would keep one function of each name only.
    stats: Mapping[Function, Costs] = vars(pstats.Stats(str(file)))["stats"]
    for (path, line, name), (_, calls, own_s, total_s, _) in stats.items():
        where = f"{_short(path)}:{line} {name}" if line else name
        yield Step(where, calls / num_requests, 1e6 * own_s / num_requests, 1e6 * total_s / num_requests)


def _short(path: str) -> str:
    for root in _SOURCE_ROOTS:
        path = path.rpartition(root)[2]
    return path


def _load(server: PodiumServer, request: bytes, callers: int, seconds: float, *, profiled: bool) -> tuple[int, float]:
    """Load the server; give requests answered in the window and the server's processor seconds."""
    readings: list[float] = []

    def on_window(opened: bool) -> None:
        readings.append(processor_seconds(server.pid))
        if profiled:
            os.kill(server.pid, signal.SIGUSR1 if opened else signal.SIGUSR2)

    connections = -(-callers // 16)
    load = Load("127.0.0.1", server.port, PATH, request, callers, connections, warmup_s=1, seconds=seconds)
    measured = run(drive(load, on_window=on_window))
    return len(measured.latencies_s), readings[1] - readings[0]


@click.command()
@click.option("--models", "repository", type=click.Path(path_type=Path), default=Path("models"), help="The repository.")
@click.option("--model", "name", default="digits", show_default=True)
@click.option("--callers", default=64, show_default=True)
@click.option("--seconds", default=5.0, show_default=True, help="Of each of the two measurements.")
@click.option("--top", default=40, show_default=True, help="Functions to print.")
def main(*, repository: Path, name: str, callers: int, seconds: float, top: int) -> None:
    """Print which functions of the server's event loop a request's time goes to."""
    request = read_model(repository, name).request
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "stats"
        command = ("-m", "tests.benchmarks.profiled", str(file))
        with closing(PodiumServer(repository, command)) as server:
            plain, plain_s = _load(server, request, callers, seconds, profiled=False)
            count, profiled_s = _load(server, request, callers, seconds, profiled=True)
            _wait_for(file)
        steps = sorted(_steps(file, count), key=lambda step: step.own_us, reverse=True)
    for what, num_requests, cpu_s in (("as it comes", plain, plain_s), ("profiled", count, profiled_s)):
        cost = f"{1e6 * cpu_s / num_requests:.0f} µs of processor time a request"
        click.echo(f"{what}: {num_requests / seconds:,.0f} requests/s, {cost}")
    click.echo(f"\n{'own µs':>8} {'with callees':>12} {'calls':>7}  function")
    for step in steps[:top]:
        click.echo(f"{step.own_us:8.2f} {step.total_us:12.2f} {step.calls:7.2f}  {step.where}")
    click.echo(f"{sum(step.own_us for step in steps):8.2f} {'':12} {'':7}  all functions")


def _wait_for(file: Path) -> None:
    """Wait until the server has written its profile."""
    end = time.monotonic() + _WRITE_TIMEOUT_S
    while not file.exists():
        if time.monotonic() > end:
            raise click.ClickException("the server did not write its profile")
        time.sleep(0.05)


if __name__ == "__main__":
    main()
