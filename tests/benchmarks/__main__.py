"""Measure podium beside ONNX Runtime alone and gRPC alone: `python -m tests.benchmarks`."""

import json
from collections.abc import Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import click

from tests.benchmarks.benchmarked_model import BenchmarkedModel, read_model
from tests.benchmarks.comparison import Comparison
from tests.benchmarks.environment import environment, num_cores
from tests.benchmarks.point import Point
from tests.benchmarks.report import Report
from tests.benchmarks.subjects import Echo, Generator, OnnxRuntimeAlone, Podium, PodiumServer, Subject

_MODELS = ("digits", "efficientnet-lite0")
_SEARCH_SECONDS = 0.7


def _tell(message: str) -> None:
    click.echo(message, err=True)


def _rounds(
    models: dict[str, Sequence[Subject]], callers: Sequence[int], rounds: int, seconds: float
) -> list[Comparison]:
    """Measure in turns: each round goes through models, callers and subjects in the same order."""
    points: dict[tuple[str, int], dict[str, list[Point]]] = {
        (model, count): {subject.name: [] for subject in subjects}
        for model, subjects in models.items()
        for count in callers
    }
    for index in range(rounds):
        for (model, count), by_subject in points.items():
            for subject in models[model]:
                point = subject.measure(count, seconds)
                by_subject[subject.name].append(point)
                where = f"{model}, {count} callers, {subject.name}"
                _tell(f"round {index + 1}/{rounds}: {where}: {point.per_s:,.0f}/s")
    return [Comparison(*key, num_cores(), by_subject) for key, by_subject in points.items()]


def _enter(
    stack: ExitStack,
    model: BenchmarkedModel,
    generator: Generator,
    server: PodiumServer | None,
    seconds: float,
) -> tuple[list[Subject], dict[str, str]]:
    """Start the subjects of one model, and say what each chose."""
    alone = stack.enter_context(closing(OnnxRuntimeAlone(model, num_cores(), _SEARCH_SECONDS, _tell)))
    echo = stack.enter_context(closing(Echo(model, generator, seconds)))
    choices = {
        f"{model.name}, {alone.name}": f"{alone.best}; for one row {alone.lone}",
        f"{model.name}, {echo.name}": echo.loop,
    }
    subjects: list[Subject] = [alone, echo]
    if server:
        podium = Podium(model, server, generator)
        choices[f"{model.name}, {podium.name}"] = podium.plan()
        subjects.append(podium)
    return subjects, choices


@click.command()
@click.option("--models", "repository", type=click.Path(path_type=Path), default=Path("models"), help="The repository.")
@click.option("--model", "names", multiple=True, default=_MODELS, show_default=True, help="What to measure.")
@click.option("--callers", multiple=True, type=int, default=(1, 16, 64), show_default=True)
@click.option("--rounds", default=5, show_default=True, help="How often each is measured.")
@click.option("--seconds", default=3.0, show_default=True, help="Of each measurement.")
@click.option("--quick", is_flag=True, help="One short round, to see that everything runs.")
@click.option("--baselines", is_flag=True, help="Without podium.")
@click.option("--output", type=click.Path(path_type=Path), help="Write every point as JSON here.")
def main(
    *,
    repository: Path,
    names: tuple[str, ...],
    callers: tuple[int, ...],
    rounds: int,
    seconds: float,
    quick: bool,
    baselines: bool,
    output: Path | None,
) -> None:
    """Measure podium, ONNX Runtime alone and a gRPC echo alone in turns, and print tables of it."""
    if quick:
        rounds, seconds = 1, 0.5
    before = environment()
    models: dict[str, Sequence[Subject]] = {}
    choices: dict[str, str] = {}
    with ExitStack() as stack:
        server = None if baselines else stack.enter_context(closing(PodiumServer(repository)))
        generator = stack.enter_context(closing(Generator()))
        for name in names:
            models[name], chosen = _enter(stack, read_model(repository, name), generator, server, seconds)
            choices |= chosen
        report = Report(before, choices, _rounds(models, callers, rounds, seconds))
    click.echo(report.markdown())
    if output:
        output.write_text(json.dumps(report.json(), indent=2))


if __name__ == "__main__":
    main()
