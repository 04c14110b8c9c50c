"""`podium traverse`: what single dimensions of latent space do."""

from pathlib import Path

import click

from podium_client.commands.latent_ends import Place, place_of_file, place_of_seed
from podium_client.commands.options import Server, json_option, server_options, shows_errors, timeout_option
from podium_client.commands.picture_files import Destination, output_option
from podium_client.commands.picture_options import class_option, file_type, numbers, seed_option
from podium_client.commands.picture_report import Report
from podium_client.picture_requests import ClassLike
from podium_client.sheets.answers import traversal_sheet


@click.command()
@click.argument("model")
@click.argument("file", required=False, type=file_type)
@seed_option("--from-seed", text="Vary this seed's first sample, instead of a file's picture.")
@click.option(
    "--dimensions",
    metavar="N,N,…",
    callback=numbers(int, "0,3"),
    help="Which, such as 0,3.  [default: all, at most 64]",
)
@click.option("--low", type=float, default=None, help="In standard deviations of the prior.  [default: -3]")
@click.option("--high", type=float, default=None, help="In standard deviations of the prior.  [default: 3]")
@click.option("--steps", type=click.IntRange(2, 64), default=8, show_default=True, help="Pictures a dimension.")
@class_option
@output_option
@server_options
@timeout_option
@json_option
@shows_errors
def traverse(
    *,
    model: str,
    file: Path | None,
    from_seed: int | None,
    dimensions: tuple[int, ...],
    low: float | None,
    high: float | None,
    steps: int,
    condition: ClassLike | None,
    destination: Destination,
    server: Server,
    timeout: float,
    as_json: bool,
) -> None:
    """Vary single dimensions of a latent, a row of pictures each.

    MODEL is a name, name/version or name@alias. What is varied is the latent of all zeros, of FILE's picture, or of
    a seed's first sample.
    """
    if file is not None and from_seed is not None:
        raise click.UsageError("give FILE or --from-seed, not both")
    with server.client(timeout) as client:
        place: Place | None = None
        if file is not None:
            place = place_of_file(file, condition)
        elif from_seed is not None:
            place = place_of_seed(client, model, from_seed, condition)
        traversal = client.traverse(
            model,
            place.source if place else None,
            dimensions=dimensions,
            low=low,
            high=high,
            steps=steps,
            condition=place.condition if place else condition,
        )
    of = f" of {place.name}" if place else ""
    pictures = [picture for row in traversal.rows for picture in row]
    rows = [{"dimension": row.dimension, "values": [float(value) for value in row.values]} for row in traversal.rows]
    sheet = traversal_sheet(traversal, f"Traversal{of}")
    Report("traverse", destination, as_json).report(sheet, pictures, {"rows": rows})
