"""`podium inspect`: shows what is inside a package."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from podium_export.errors import ExportError

if TYPE_CHECKING:
    from podium_export.inspection.latent_use import LatentUse
    from podium_export.inspection.opened import Opened


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--json", "for_programs", is_flag=True, help="Print JSON instead of tables.")
@click.option(
    "--filters",
    "picture",
    metavar="FILE.png",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Draw the first layer's filters, or a linear layer's templates.",
)
@click.option(
    "--kl",
    "pictures",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Of a VAE: encode these pictures, and show which latent dimensions are in use.",
)
@click.option(
    "--class", "class_name", metavar="INDEX|NAME", help="With --kl: what they show, for an encoder that is told."
)
def inspect(
    path: Path, for_programs: bool, picture: Path | None, pictures: Path | None, class_name: str | None
) -> None:
    """Show the layers, tensors and history of PATH: a version folder, a model folder or an ONNX file.

    A layer is listed with its output without the batch, its weights without biases, and its receptive field: the
    side of the input window that one of its values depends on. K is a filter's side, P the padding (before+after
    where they differ), S the stride, D the dilation, G the groups.
    """
    if class_name is not None and pictures is None:
        raise click.UsageError("--class goes with --kl")
    from podium_export.inspection.as_json import as_json
    from podium_export.inspection.examined import examine
    from podium_export.inspection.opened import open_path
    from podium_export.inspection.report import report

    try:
        opened = open_path(path)
        examined = examine(opened)
        use = None if pictures is None else _latent_use(opened, pictures, class_name)
        if for_programs:
            click.echo(json.dumps(as_json(examined, use), ensure_ascii=False, indent=2))
        else:
            Console().print(report(examined, use))
        if picture is not None:
            from podium_export.inspection.filters import draw_filters

            _save(draw_filters(examined), picture)
            click.echo(f"filters drawn in {picture}", err=True)
    except ExportError as error:
        raise click.ClickException(str(error)) from error


def _latent_use(opened: "Opened", pictures: Path, class_name: str | None) -> "LatentUse":
    """Encode the pictures; only this needs ONNX Runtime."""
    from podium_export.inspection.latent_use import latent_use
    from podium_export.progress import on_terminal

    with on_terminal() as progress:
        progress.step("Encoding pictures")
        return latent_use(opened, pictures, class_name, progress.detail)


def _save(image: object, path: Path) -> None:
    from PIL import Image

    assert isinstance(image, Image.Image)
    try:
        image.save(path)
    except (OSError, ValueError) as error:
        raise ExportError(f"--filters {path}: cannot be written: {error}; give a file such as filters.png") from error
