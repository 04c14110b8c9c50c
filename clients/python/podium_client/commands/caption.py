"""`podium caption`: pictures described in words."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import click
from PIL import ImageOps
from rich.console import Console
from rich.text import Text

from podium_client.commands.bars import sequences_table
from podium_client.commands.decoding_options import decoding_options, num_best_option, text_seed_option
from podium_client.commands.each_file import (
    Answered,
    answer_each,
    concurrency_option,
    error_record,
    message_of,
    pictures_in,
)
from podium_client.commands.options import Server, json_option, server_options, shows_errors, timeout_option
from podium_client.commands.picture_report import opened
from podium_client.commands.terminal_picture import Display, display_of, show_sheet
from podium_client.commands.text_report import answer_record, sequence_record
from podium_client.decoding import DecodingOptions
from podium_client.sequences import GeneratedSequences
from podium_client.sheets.answers import note
from podium_client.sheets.sheet import Row, Sheet

_SIDE = 240  # pixels of a picture in the terminal


@click.command()
@click.argument("model")
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
@num_best_option(3)
@decoding_options
@text_seed_option
@concurrency_option
@server_options
@timeout_option
@json_option
@shows_errors
def caption(
    *,
    model: str,
    photos: tuple[Path, ...],
    num_best: int,
    decoding: DecodingOptions,
    seed: int | None,
    concurrency: int,
    server: Server,
    timeout: float,
    as_json: bool,
) -> None:
    """Describe pictures in words, with probabilities.

    MODEL is a name, name/version or name@alias. PHOTOS are PNG, JPEG or WebP files, or directories, of which every
    such file is taken, without those in directories below. Each is shown where the terminal can. One that cannot be
    answered is reported, the others are answered, and the exit status is 1.
    """
    console, errors = Console(highlight=False), Console(stderr=True)
    answers: list[Answered[GeneratedSequences]] = []

    def show(answered: Answered[GeneratedSequences]) -> None:
        answers.append(answered)
        if not as_json:
            _print(answered, console, errors)

    async def run() -> None:
        async with server.async_client(timeout) as client:

            async def ask(file: Path) -> GeneratedSequences:
                return await client.caption(model, file, num_best=num_best, seed=seed, **decoding)

            await answer_each(pictures_in(photos), ask, concurrency, show)

    asyncio.run(run())
    if as_json:
        click.echo(json.dumps([_record(answered) for answered in answers], indent=2))
    if not all(isinstance(answered.result, GeneratedSequences) for answered in answers):
        click.get_current_context().exit(1)


def _print(answered: Answered[GeneratedSequences], console: Console, errors: Console) -> None:
    title = Text(str(answered.file), style="bold")
    match answered.result:
        case GeneratedSequences() as result:
            title.append(f"  {note(result.metadata)} · {result.metadata.timings.total_ms:.1f} ms", style="not bold dim")
            console.print(title, soft_wrap=True)
            _show_picture(answered.file, console)
            console.print(sequences_table(result))
        case error:
            errors.print(title.append(f"  {message_of(error)}", style="not bold red"), soft_wrap=True)


def _show_picture(file: Path, console: Console) -> None:
    display = display_of(console, os.environ)
    if display is not Display.NOTHING:
        picture = ImageOps.contain(opened(file), (_SIDE, _SIDE))
        show_sheet(Sheet("", "", [Row([picture])]), picture, console, display)


def _record(answered: Answered[GeneratedSequences]) -> dict[str, Any]:
    match answered.result:
        case GeneratedSequences() as result:
            captions = [sequence_record(sequence) for sequence in result]
            told = answer_record(result.metadata, result.usage)
            return {"file": str(answered.file), "captions": captions, **told}
        case error:
            return {"file": str(answered.file), **error_record(error)}
