"""`podium edit`: pictures moved along a named direction of latent space."""

from pathlib import Path

import click

from podium_client.client import Client
from podium_client.commands.latent_ends import place_of_file, place_of_seed
from podium_client.commands.options import Server, json_option, server_options, shows_errors, timeout_option
from podium_client.commands.picture_files import Destination, output_option
from podium_client.commands.picture_options import MAX_SEED, class_option, file_type, numbers
from podium_client.commands.picture_report import Report
from podium_client.picture_requests import ClassLike
from podium_client.sheets.answers import edit_sheet


@click.command()
@click.argument("model")
@click.argument("files", nargs=-1, type=file_type)
@click.option(
    "--from-seed",
    "seeds",
    type=click.IntRange(0, MAX_SEED),
    multiple=True,
    help="Edit this seed's first sample too; may be given several times.",
)
@click.option("--direction", default=None, help="The direction's name.")
@click.option(
    "--strength",
    "strengths",
    metavar="N,N,…",
    default="-2,-1,0,1,2",
    show_default=True,
    callback=numbers(float, "-2,-1,0,1,2"),
    help="How far, a picture each; negative: the other way.",
)
@class_option
@output_option
@server_options
@timeout_option
@json_option
@shows_errors
def edit(
    *,
    model: str,
    files: tuple[Path, ...],
    seeds: tuple[int, ...],
    direction: str | None,
    strengths: tuple[float, ...],
    condition: ClassLike | None,
    destination: Destination,
    server: Server,
    timeout: float,
    as_json: bool,
) -> None:
    """Move pictures along a named direction of latent space, a row each.

    MODEL is a name, name/version or name@alias. FILES are PNG, JPEG or WebP files. A strength of 1 goes from the
    middle of the examples without the property to the middle of those with it.
    """
    if not files and not seeds:
        raise click.UsageError("nothing to edit: give FILES or --from-seed")
    with server.client(timeout) as client:
        if direction is None:
            raise click.UsageError(f"--direction is missing: {_directions(client, model)}")
        places = [place_of_file(file, condition) for file in files]
        places += [place_of_seed(client, model, seed, condition) for seed in seeds]
        classes = {place.condition for place in places}
        edits = client.edit(
            model,
            [place.source for place in places],
            direction,
            strengths=strengths,
            condition=classes.pop() if len(classes) == 1 else condition,
        )
    sheet = edit_sheet([place.name for place in places], [place.picture for place in places], edits, direction)
    more = {"sources": [place.name for place in places], "direction": direction, "strengths": list(strengths)}
    Report("edit", destination, as_json).report(sheet, edits, more)


def _directions(client: Client, model: str) -> str:
    names = [direction.name for direction in client.model(model).manifest.latent_space.directions]
    if not names:
        return f"{model} has no named directions; `podium directions` finds one"
    return f"{model} has {', '.join(names)}"
