"""`podium export` and `podium import`; PyTorch is loaded once the command line is known to be right."""

from collections.abc import Sequence
from pathlib import Path

import click

from podium_export import clip_flags, options, text_flags
from podium_export.clip_flags import ClipFlags
from podium_export.options import Choices
from podium_export.outcome import outcome
from podium_export.text_flags import TextFlags


@click.command(no_args_is_help=True)
@click.argument("architecture", required=False)
@click.option("--module", metavar="PACKAGE.MODULE:FACTORY", help="A network of your own, not ARCHITECTURE.")
@click.option("--checkpoint", required=True, type=click.Path(path_type=Path), help="The file of weights.")
@click.option("--weights-key", default="", metavar="KEY", help='Where in the file they are, as in "ema.model".')
@click.option("--allow", multiple=True, metavar="CLASS", help="Read it too, as argparse.Namespace; repeatable.")
@click.option("--input", "inputs", multiple=True, metavar="NAME:TYPE:SHAPE", help="With --module; repeatable.")
@click.option("--output", "outputs", multiple=True, metavar="NAME", help="With --module; repeatable.")
@click.option("--state", "states", multiple=True, metavar="NAME:TYPE:SHAPE", help="With --module; repeatable.")
@options.destination
@options.model
@click.option(
    "--cell",
    metavar="CELL",
    help="Of char-rnn and cnn-rnn, where the weights fit several, as gru-reset-before or mut3.",
)
@click.option("--series", type=click.Path(path_type=Path), help="JSON: what a forecaster measures, and when.")
@text_flags.text
@clip_flags.clips
def export(
    *,
    architecture: str | None,
    module: str | None,
    checkpoint: Path,
    weights_key: str,
    allow: tuple[str, ...],
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    states: tuple[str, ...],
    name: str,
    repository: Path,
    version: int | None,
    choices: Choices,
    cell: str | None,
    series: Path | None,
    texts: TextFlags,
    clips: ClipFlags,
) -> None:
    """Convert a checkpoint to ONNX, compare it with PyTorch, publish it for `podium serve`.

    ARCHITECTURE is one of the bundled networks; a wrong name lists them.
    """
    _check_network(architecture, module, (*inputs, *outputs, *states), cell)
    with outcome():
        from podium_export.architecture import NetworkChoices
        from podium_export.choose import architecture_named
        from podium_export.package import Destination

        destination = Destination(repository, name, version)
        destination.check()
        known = None if architecture is None else architecture_named(architecture, choices=NetworkChoices(cell))

        from podium_export.progress import on_terminal

        with on_terminal() as progress:
            progress.step("Loading PyTorch")
            from podium_export.assembling import Source
            from podium_export.checkpoint import load_checkpoint
            from podium_export.describing import described
            from podium_export.exporting import export_network
            from podium_export.fitting import fit_architecture
            from podium_export.own_network import own_blueprint, own_network
            from podium_export.report import report
            from podium_export.series_file import with_series

            progress.step("Reading the checkpoint")
            weights = load_checkpoint(checkpoint, key=weights_key, allow=allow)
            if known is not None:
                blueprint = known.blueprint(fit_architecture(known, weights).network)
            else:
                assert module is not None
                network = own_network(module, weights)
                blueprint = own_blueprint(network, choices, inputs, outputs, states)
            if series is not None:
                blueprint = with_series(blueprint, series)
            blueprint = described(blueprint, choices, texts, clips)
            source = Source(module or architecture or "", weights.file_name, weights.sha256)
            published = export_network(blueprint, source, destination, progress=progress)
        report(published, destination)


def _check_network(architecture: str | None, module: str | None, own: Sequence[str], cell: str | None) -> None:
    """Refuse a command line that names no network or two, or says of the one what goes with the other."""
    if (architecture is None) == (module is None):
        raise click.UsageError("give either ARCHITECTURE or --module, one of them")
    if architecture is not None and own:
        raise click.UsageError("--input, --output and --state go with --module: a bundled architecture knows its own")
    if module is not None and cell:
        raise click.UsageError("--cell goes with an architecture: a network of your own is what its code says")


@click.command(no_args_is_help=True)
@click.argument("file", type=click.Path(path_type=Path))
@options.destination
@options.model
def import_onnx(*, file: Path, name: str, repository: Path, version: int | None, choices: Choices) -> None:
    """Check an ONNX file made elsewhere, and publish it for `podium serve`.

    It is compared with itself, run without any optimization, at several sizes.
    """
    if choices.task not in options.IMPORTED_TASKS:
        raise click.UsageError(f"--task is required: {' or '.join(options.IMPORTED_TASKS)}")
    with outcome():
        from podium_export.package import Destination

        destination = Destination(repository, name, version)
        destination.check()

        from podium_export.progress import on_terminal

        with on_terminal() as progress:
            progress.step("Reading the file")
            from podium_export.describing import described
            from podium_export.importing import import_graph, imported_blueprint
            from podium_export.onnx_file import read_onnx
            from podium_export.report import report

            source = read_onnx(file)
            blueprint = described(imported_blueprint(source, choices.axis), choices)
            published = import_graph(blueprint, source, destination, progress=progress)
        report(published, destination)
