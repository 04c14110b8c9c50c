"""`podium inspect`: shows what is inside a package."""

import json
from pathlib import Path

import click
from rich.console import Console

from podium_export.errors import ExportError


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
def inspect(path: Path, for_programs: bool, picture: Path | None) -> None:
    """Show the layers, tensors and history of PATH: a version folder, a model folder or an ONNX file.

    A layer is listed with its output without the batch, its weights without biases, and its receptive field: the
    side of the input window that one of its values depends on. K is a filter's side, P the padding (before+after
    where they differ), S the stride, D the dilation, G the groups.
    """
    from podium_export.inspection.as_json import as_json
    from podium_export.inspection.examined import examine
    from podium_export.inspection.opened import open_path
    from podium_export.inspection.report import report

    try:
        examined = examine(open_path(path))
        if for_programs:
            click.echo(json.dumps(as_json(examined), ensure_ascii=False, indent=2))
        else:
            Console().print(report(examined))
        if picture is not None:
            from podium_export.inspection.filters import draw_filters

            _save(draw_filters(examined), picture)
            click.echo(f"filters drawn in {picture}", err=True)
    except ExportError as error:
        raise click.ClickException(str(error)) from error


def _save(image: object, path: Path) -> None:
    from PIL import Image

    assert isinstance(image, Image.Image)
    try:
        image.save(path)
    except (OSError, ValueError) as error:
        raise ExportError(f"--filters {path}: cannot be written: {error}; give a file such as filters.png") from error
