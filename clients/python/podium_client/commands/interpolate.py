"""`podium interpolate`: the way from one picture to another."""

from pathlib import Path
from typing import cast

import click

from podium_client.commands.latent_ends import Place, place_of_file, place_of_seed
from podium_client.commands.options import Server, json_option, server_options, shows_errors, timeout_option
from podium_client.commands.picture_files import Destination, output_option
from podium_client.commands.picture_options import class_option, file_type, seed_option
from podium_client.commands.picture_report import Report
from podium_client.picture_requests import ClassLike
from podium_client.picture_requests import Path as WayPath
from podium_client.sheets.answers import way_sheet


@click.command()
@click.argument("model")
@click.argument("files", metavar="[A] [B]", nargs=-1, type=file_type)
@seed_option("--from-seed", text="Begin at this seed's first sample, instead of at file A.")
@seed_option("--to-seed", text="End at this seed's first sample, instead of at file B.")
@click.option(
    "--steps", type=click.IntRange(2, 256), default=8, show_default=True, help="Pictures, both ends included."
)
@click.option(
    "--path",
    type=click.Choice(["linear", "spherical"]),
    default=None,
    help="How the way is divided.  [default: as suits the model's prior]",
)
@class_option
@output_option
@server_options
@timeout_option
@json_option
@shows_errors
def interpolate(
    *,
    model: str,
    files: tuple[Path, ...],
    from_seed: int | None,
    to_seed: int | None,
    steps: int,
    path: str | None,
    condition: ClassLike | None,
    destination: Destination,
    server: Server,
    timeout: float,
    as_json: bool,
) -> None:
    """Show the way from one picture to another through latent space.

    MODEL is a name, name/version or name@alias. A and B are PNG, JPEG or WebP files; either end may be a seed's
    first sample instead, as for models that cannot encode pictures.
    """
    if len(files) + (from_seed is not None) + (to_seed is not None) != 2:
        raise click.UsageError("a way has two ends: two files, --from-seed and --to-seed, or one of each")
    left = list(files)
    with server.client(timeout) as client:

        def end(seed: int | None, condition: ClassLike | None) -> Place:
            if seed is None:
                return place_of_file(left.pop(0), condition)
            return place_of_seed(client, model, seed, condition)

        start = end(from_seed, condition)
        finish = end(to_seed, start.condition)
        way = client.interpolate(
            model,
            start.source,
            finish.source,
            steps=steps,
            path=cast("WayPath | None", path),
            condition=finish.condition,
        )
    sheet = way_sheet(way, (start.picture, finish.picture), (start.name, finish.name))
    more = {"start": start.name, "end": finish.name}
    Report("interpolate", destination, as_json).report(sheet, way, more)
