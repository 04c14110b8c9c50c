"""`podium sample`: pictures drawn from a model's prior."""

import json
from collections.abc import Iterator
from pathlib import Path

import click

from podium_client.client import Client
from podium_client.commands.options import Server, json_option, server_options, shows_errors, timeout_option
from podium_client.commands.picture_files import Destination, output_option
from podium_client.commands.picture_options import MAX_SEED, class_option, seed_option
from podium_client.commands.picture_report import Report, answer_record, class_names_of, picture_record, save_each
from podium_client.picture_requests import ClassLike
from podium_client.pictures import Picture
from podium_client.sheets.answers import sample_sheet

_MOST_A_CALL = 1024
_SHOWN_OF_A_FOLDER = 64


@click.command()
@click.argument("model")
@click.option(
    "-n", "--count", type=click.IntRange(1, 1_000_000), default=16, show_default=True, help="Pictures to draw."
)
@seed_option("--seed", text="Makes the same pictures again.  [default: a new one, which is told]")
@class_option
@click.option(
    "--temperature",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Below 1: more typical and less varied; normal priors only.",
)
@click.option(
    "--truncation",
    type=click.FloatRange(0, min_open=True),
    default=None,
    help="Draw again what is farther than this many standard deviations from 0; normal priors only.",
)
@click.option(
    "--first-index", type=click.IntRange(0, MAX_SEED), default=0, help="Go on after so many pictures of a seed."
)
@output_option
@server_options
@timeout_option
@json_option
@shows_errors
def sample(
    *,
    model: str,
    count: int,
    seed: int | None,
    condition: ClassLike | None,
    temperature: float,
    truncation: float | None,
    first_index: int,
    destination: Destination,
    server: Server,
    timeout: float,
    as_json: bool,
) -> None:
    """Draw pictures from a model's prior, and save them.

    MODEL is a name, name/version or name@alias. A model with classes draws them in turn, unless told one. The same
    seed gives the same pictures, and each of them depends on the seed and its index alone.
    """
    report = Report("sample", destination, as_json)
    with server.client(timeout) as client:
        draw = client.sample if count <= _MOST_A_CALL else client.stream_sample
        pictures = iter(
            draw(
                model,
                count,
                seed=seed,
                condition=condition,
                temperature=temperature,
                truncation=truncation,
                first_index=first_index,
            )
        )
        if destination.folder is not None:
            _save_each(client, report, destination.folder, pictures, first_index)
            return
        drawn = list(pictures)
        names = _class_names(client, drawn)
        report.report(sample_sheet(drawn, names), drawn, {}, names)


def _class_names(client: Client, pictures: list[Picture]) -> list[str]:
    return [] if pictures[0].class_index is None else class_names_of(client, pictures[0].metadata)


def _save_each(client: Client, report: Report, folder: Path, pictures: Iterator[Picture], first_index: int) -> None:
    """Write each picture as it comes, however many there are."""
    files: list[Path] = []
    kept: list[Picture] = []
    for index, picture in enumerate(pictures, first_index):
        files += save_each(folder, [picture], index)
        if report.as_json or len(kept) < _SHOWN_OF_A_FOLDER:
            kept.append(picture)
    names, metadata = _class_names(client, kept), kept[0].metadata
    if report.as_json:
        records = [
            {**picture_record(picture, names), "file": str(file)} for picture, file in zip(kept, files, strict=True)
        ]
        click.echo(json.dumps(answer_record(metadata, files, {"pictures": records}), indent=2))
        return
    sheet = sample_sheet(kept, names, title=f"{len(files):,} samples")
    report.show(sheet, sheet.draw(), metadata, files)
