"""`podium reconstruct`: what an autoencoder keeps of pictures, or makes of noisy ones."""

from pathlib import Path

import click

from podium_client.commands.options import Server, json_option, server_options, shows_errors, timeout_option
from podium_client.commands.picture_files import Destination, output_option
from podium_client.commands.picture_options import class_option, file_type
from podium_client.commands.picture_report import Report, opened
from podium_client.picture_requests import ClassLike
from podium_client.sheets.answers import reconstruction_sheet


@click.command()
@click.argument("model")
@click.argument("files", nargs=-1, required=True, type=file_type)
@class_option
@output_option
@server_options
@timeout_option
@json_option
@shows_errors
def reconstruct(
    *,
    model: str,
    files: tuple[Path, ...],
    condition: ClassLike | None,
    destination: Destination,
    server: Server,
    timeout: float,
    as_json: bool,
) -> None:
    """Encode and decode pictures, and save what came of them beside what was given.

    MODEL is a name, name/version or name@alias. FILES are PNG, JPEG or WebP files. Each picture's mean squared error
    is over the network's own numbers.
    """
    given = [opened(file) for file in files]
    with server.client(timeout) as client:
        made = client.reconstruct(model, files, condition=condition)
    sheet = reconstruction_sheet([file.stem for file in files], given, made)
    more = {"sources": [str(file) for file in files], "mean_squared_errors": list(made.mean_squared_errors)}
    Report("reconstruct", destination, as_json).report(sheet, made, more)
