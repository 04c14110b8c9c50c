"""Measure podium beside ONNX Runtime alone and gRPC alone: `python -m tests.benchmarks`."""

import json
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path

import click

from tests.benchmarks.benchmarked_model import BenchmarkedModel, read_model
from tests.benchmarks.comparison import Comparison, SamplingComparison, TextComparison
from tests.benchmarks.environment import environment, num_cores
from tests.benchmarks.report import Report
from tests.benchmarks.rounds import Contest, take_turns
from tests.benchmarks.sampling import CALLERS as SAMPLING_CALLERS
from tests.benchmarks.sampling import DECODER, DecoderAlone, PodiumSampling, decoder_path, sampled_calls
from tests.benchmarks.subjects import Echo, Generator, OnnxRuntimeAlone, Podium, PodiumServer, Subject
from tests.benchmarks.texts import STREAMS, StepsAlone, TextReaders, step_folder, text_subjects

_MODELS = ("digits", "efficientnet-lite0", "digits-vae", "digits-gan", "shakespeare")
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


def _enter_texts(
    stack: ExitStack, model: str, folder: Path, server: PodiumServer | None
) -> tuple[list[Subject], dict[str, str]]:
    """Start the subjects of one model's texts, and say what was chosen."""
    alone = stack.enter_context(closing(StepsAlone(folder, num_cores(), _SEARCH_SECONDS)))
    threads = ", ".join(f"{count} for {streams}" for streams, count in alone.threads.items())
    subjects: list[Subject] = [alone]
    if server:
        readers = stack.enter_context(closing(TextReaders()))
        subjects += text_subjects(model, server, readers)
    return subjects, {f"{model}, texts, {alone.name}, threads by streams": threads}


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
    texts: list[Contest] = []
    choices: dict[str, str] = {}
    with ExitStack() as stack:
        server = None if baselines else stack.enter_context(closing(PodiumServer(repository)))
        generator = stack.enter_context(closing(Generator()))
        for name in names:
            if (decoder := decoder_path(repository, name)).is_file():
                subjects, chosen = _enter_sampling(stack, name, decoder, generator, server)
                samplings += [Contest(name, count, subjects) for count in SAMPLING_CALLERS]
            elif folder := step_folder(repository, name):
                subjects, chosen = _enter_texts(stack, name, folder, server)
                texts += [Contest(name, count, subjects) for count in STREAMS]
            else:
                subjects, chosen = _enter(stack, read_model(repository, name), generator, server, seconds)
                contests += [Contest(name, count, subjects) for count in callers]
            choices |= chosen
        points = take_turns([*contests, *samplings, *texts], rounds, seconds, _tell)
    turns = zip([*contests, *samplings, *texts], points, strict=True)
    entries = iter([(contest.model, contest.callers, num_cores(), by_subject) for contest, by_subject in turns])
    report = Report(
        before,
        choices,
        [Comparison(*entry) for entry in islice(entries, len(contests))],
        [SamplingComparison(*entry) for entry in islice(entries, len(samplings))],
        [TextComparison(*entry) for entry in entries],
    )
    click.echo(report.markdown())
    if output:
        output.write_text(json.dumps(report.json(), indent=2))


if __name__ == "__main__":
    main()
