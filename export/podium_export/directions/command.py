"""`podium directions`: finds a direction of a model's latent space from two folders of pictures."""

import json
from pathlib import Path

import click

from podium_export.directions.direction import METHODS
from podium_export.outcome import outcome


@click.command(no_args_is_help=True)
@click.argument("model")
@click.option(
    "--repository",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of all models.",
)
@click.option("--positive", required=True, type=click.Path(path_type=Path), help="Pictures with the property.")
@click.option("--negative", required=True, type=click.Path(path_type=Path), help="Pictures without it.")
@click.option("--name", required=True, help="What the direction is called, as in smile.")
@click.option(
    "--method",
    type=click.Choice(list(METHODS)),
    default="difference-of-means",
    show_default=True,
    help="How the way is found.",
)
@click.option(
    "--class", "class_name", metavar="INDEX|NAME", help="What the pictures show, for an encoder that is told."
)
@click.option("--json", "for_programs", is_flag=True, help="Print JSON instead of sentences.")
def directions(
    *,
    model: str,
    repository: Path,
    positive: Path,
    negative: Path,
    name: str,
    method: str,
    class_name: str | None,
    for_programs: bool,
) -> None:
    """Find a direction of MODEL's latent space, and publish it in the model's next version.

    MODEL is a name in the repository, or name/version. Its encoder sees the pictures of both folders; a third of
    each is held out to measure how well the direction tells them apart. Then `podium edit MODEL --direction NAME`
    moves pictures along it: a strength of 1 is the way from the mean of the one kind to that of the other.
    """
    with outcome():
        from podium_export.progress import on_terminal

        with on_terminal() as progress:
            progress.step("Loading ONNX Runtime")
            from podium_export.directions.finding import Wanted, find_direction
            from podium_export.directions.report import as_json, report

            wanted = Wanted(name, positive, negative, method, class_name)
            found = find_direction(repository, model, wanted, progress)
        if for_programs:
            click.echo(json.dumps(as_json(found), ensure_ascii=False))
        else:
            report(found)
