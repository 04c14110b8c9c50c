"""`podium classify`: what pictures and clips show."""

import asyncio
import dataclasses
import json
from pathlib import Path
from typing import Any, Literal, TypeAlias

import click
from rich.console import Console
from rich.text import Text

from podium_client.answers import Classification
from podium_client.commands.bars import bars_table
from podium_client.commands.clip_report import clip_record, clip_title, print_clip
from podium_client.commands.each_file import (
    Answered,
    answer_each,
    concurrency_option,
    error_record,
    message_of,
    pictures_in,
)
from podium_client.commands.options import Server, json_option, server_options, shows_errors, timeout_option
from podium_client.video_answers import VideoClassification

_CLIPS = frozenset({".mp4", ".m4v", ".mov", ".avi", ".webm", ".mkv", ".gif"})
_Result: TypeAlias = Classification | VideoClassification


@click.command()
@click.argument("model")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--top-k", type=click.IntRange(min=1), default=5, show_default=True, help="Classes to name.")
@click.option("--logits", is_flag=True, help="Show the network's raw output too; with --json all of it.")
@click.option(
    "--decode",
    type=click.Choice(["client", "server"]),
    default="client",
    show_default=True,
    help="Where clips are decoded: here, and only frames travel, or on the server.",
)
@concurrency_option
@server_options
@timeout_option
@json_option
@shows_errors
def classify(
    *,
    model: str,
    files: tuple[Path, ...],
    top_k: int,
    logits: bool,
    decode: Literal["client", "server"],
    concurrency: int,
    server: Server,
    timeout: float,
    as_json: bool,
) -> None:
    """Say what pictures and clips show, with labels and probabilities.

    MODEL is a name, name/version or name@alias. FILES are PNG, JPEG or WebP files, or directories, of which
    every such file is taken, without those in directories below; or clips, for a model of clips: MP4, MOV, AVI,
    WebM, MKV or GIF files. A file that cannot be answered is reported, the others are answered, and the exit status
    is 1.
    """
    console, errors = Console(), Console(stderr=True)
    answers: list[Answered[_Result]] = []

    def show(answered: Answered[_Result]) -> None:
        answers.append(answered)
        if not as_json:
            _print(answered, console, errors)

    async def run() -> None:
        async with server.async_client(timeout) as client:

            async def ask(file: Path) -> _Result:
                if file.suffix.lower() in _CLIPS:
                    return await client.classify_video(model, file, top_k=top_k, return_logits=logits, decode=decode)
                return await client.classify(model, file, top_k=top_k, return_logits=logits)

            await answer_each(pictures_in(files), ask, concurrency, show)

    asyncio.run(run())
    if as_json:
        click.echo(json.dumps([_record(answered) for answered in answers], indent=2))
    if not all(isinstance(answered.result, Classification | VideoClassification) for answered in answers):
        click.get_current_context().exit(1)


def _print(answered: Answered[_Result], console: Console, errors: Console) -> None:
    title = Text(str(answered.file), style="bold")
    match answered.result:
        case Classification() as result:
            meta = result.metadata
            title.append(f"  {meta.model}/{meta.version} · {meta.timings.total_ms:.1f} ms", style="dim")
            console.print(title, soft_wrap=True)
            console.print(bars_table(result))
        case VideoClassification() as result:
            console.print(title.append(f"  {clip_title(result)}", style="dim"), soft_wrap=True)
            print_clip(result, console)
        case error:
            errors.print(title.append(f"  {message_of(error)}", style="not bold red"), soft_wrap=True)


def _record(answered: Answered[_Result]) -> dict[str, Any]:
    match answered.result:
        case Classification() as result:
            return {
                "file": str(answered.file),
                "classes": [dataclasses.asdict(score) for score in result.classes],
                **({} if result.logits is None else {"logits": result.logits.tolist()}),
                "metadata": dataclasses.asdict(result.metadata),
            }
        case VideoClassification() as result:
            return {"file": str(answered.file), **clip_record(result)}
        case error:
            return {"file": str(answered.file), **error_record(error)}
