"""What it costs to count, time and name every call: `python -m tests.benchmarks.observability`.

One server takes turns with itself: as it comes (metrics, request ids, `server-timing`, exemplars; no access log, no
traces), with all that but trailing metadata, and without any of it (`unobserved.py`). It is one process with one layout
of sessions, and turns are short, so that they differ in nothing else. The aim: 2 % of throughput at most.
"""

import os
import signal
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

import click

from tests.benchmarks.benchmarked_model import BenchmarkedModel, read_model
from tests.benchmarks.comparison import Ratio
from tests.benchmarks.point import Point, middle
from tests.benchmarks.rounds import Contest, take_turns
from tests.benchmarks.subjects import Generator, Podium, PodiumServer
from tests.server.publishing import publish

_SWITCHED = ("-m", "tests.benchmarks.unobserved")
_STATES = {"without": signal.SIGUSR1, "untold": signal.SIGHUP, "as it comes": signal.SIGUSR2}


class _Switched(Podium):
    """Podium after a signal, under a name of its own."""

    def __init__(
        self, name: str, number: signal.Signals, model: BenchmarkedModel, server: PodiumServer, generator: Generator
    ) -> None:
        super().__init__(model, server, generator)
        self.name = name
        self._pid, self._number = server.pid, number

    def measure(self, callers: int, seconds: float) -> Point:
        """Switch, and load the model."""
        os.kill(self._pid, self._number)
        return super().measure(callers, seconds)


@click.command()
@click.option("--models", "repository", type=click.Path(path_type=Path), help="The repository; by itself y = 2x.")
@click.option("--model", "name", default="double", show_default=True, help="What to call.")
@click.option("--callers", multiple=True, type=int, default=(1, 64), show_default=True)
@click.option("--rounds", default=50, show_default=True)
@click.option("--seconds", default=0.5, show_default=True, help="Of each measurement.")
def main(*, repository: Path | None, name: str, callers: tuple[int, ...], rounds: int, seconds: float) -> None:
    """Measure what observability costs."""
    with ExitStack() as stack:
        if repository is None:
            repository = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            publish(repository, name, 1)
        model, generator = read_model(repository, name), stack.enter_context(closing(Generator()))
        server = stack.enter_context(closing(PodiumServer(repository, _SWITCHED, ("--log-level=warning",))))
        subjects = [_Switched(state, number, model, server, generator) for state, number in _STATES.items()]
        contests = [Contest(name, count, subjects) for count in callers]
        click.echo(f"{name}: {server.plan(name, 'model')}")
        measured = take_turns(contests, rounds, seconds, lambda _: None)
    click.echo("| callers | podium | requests/s | of those without | processor µs a request | of that without |")
    click.echo("|--:|---|--:|--:|--:|--:|")
    for contest, by_subject in zip(contests, measured, strict=True):
        without = by_subject["without"]
        for state, points in by_subject.items():
            pairs = list(zip(points, without, strict=True))
            pace = Ratio.of([each.per_s / other.per_s for each, other in pairs]).middle
            cost = Ratio.of([each.cpu_s_per_1000 / other.cpu_s_per_1000 for each, other in pairs]).middle
            m = middle(points)
            figures = f"{m.per_s:,.0f} | {pace:.3f} | {1e3 * m.cpu_s_per_1000:.1f} | {cost:.3f}"
            click.echo(f"| {contest.callers} | {state} | {figures} |")


if __name__ == "__main__":
    main()
