"""Measure podium beside ONNX Runtime alone and gRPC alone: `python -m tests.benchmarks`."""

import json
from contextlib import ExitStack, closing
from pathlib import Path

import click

from tests.benchmarks.benchmarked_model import BenchmarkedModel, read_model
from tests.benchmarks.comparison import Comparison, SamplingComparison
from tests.benchmarks.environment import environment, num_cores
from tests.benchmarks.report import Report
from tests.benchmarks.rounds import Contest, take_turns
from tests.benchmarks.sampling import CALLERS as SAMPLING_CALLERS
from tests.benchmarks.sampling import DECODER, DecoderAlone, PodiumSampling, decoder_path, sampled_calls
from tests.benchmarks.subjects import Echo, Generator, OnnxRuntimeAlone, Podium, PodiumServer, Subject

_MODELS = ("digits", "efficientnet-lite0", "digits-vae", "digits-gan")
_SEARCH_SECONDS = 0.7


def _tell(message: str) -> None:
    click.echo(message, err=True)


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


def _enter_sampling(
    stack: ExitStack, model: str, onnx_path: Path, generator: Generator, server: PodiumServer | None
) -> tuple[list[Subject], dict[str, str]]:
    """Start the subjects of sampling one model, and say what was chosen."""
    alone = stack.enter_context(closing(DecoderAlone(onnx_path, num_cores(), _SEARCH_SECONDS, _tell)))
    choices = {f"{model}, samples, {alone.name}": str(alone.best)}
    subjects: list[Subject] = [alone]
    if server:
        choices[f"{model}, samples, podium"] = server.plan(model, DECODER)
        subjects += [PodiumSampling(call, server, generator) for call in sampled_calls(model)]
    return subjects, choices


@click.command()
@click.option("--models", "repository", type=click.Path(path_type=Path), default=Path("models"), help="The repository.")
@click.option("--model", "names", multiple=True, default=_MODELS, show_default=True, help="What to measure.")
@click.option("--callers", multiple=True, type=int, default=(1, 16, 64), show_default=True, help="Of classifiers.")
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
    contests: list[Contest] = []
    samplings: list[Contest] = []
    choices: dict[str, str] = {}
    with ExitStack() as stack:
        server = None if baselines else stack.enter_context(closing(PodiumServer(repository)))
        generator = stack.enter_context(closing(Generator()))
        for name in names:
            if (decoder := decoder_path(repository, name)).is_file():
                subjects, chosen = _enter_sampling(stack, name, decoder, generator, server)
                samplings += [Contest(name, count, subjects) for count in SAMPLING_CALLERS]
            else:
                subjects, chosen = _enter(stack, read_model(repository, name), generator, server, seconds)
                contests += [Contest(name, count, subjects) for count in callers]
            choices |= chosen
        points = take_turns([*contests, *samplings], rounds, seconds, _tell)
    turns = zip([*contests, *samplings], points, strict=True)
    entries = [(contest.model, contest.callers, num_cores(), by_subject) for contest, by_subject in turns]
    comparisons = [Comparison(*entry) for entry in entries[: len(contests)]]
    report = Report(before, choices, comparisons, [SamplingComparison(*entry) for entry in entries[len(contests) :]])
    click.echo(report.markdown())
    if output:
        output.write_text(json.dumps(report.json(), indent=2))


if __name__ == "__main__":
    main()
