"""`podium classify`: what pictures show."""

import asyncio
import dataclasses
import json
import os
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from podium_client.answers import Classification
from podium_client.async_client import AsyncClient
from podium_client.commands.bars import bars_table
from podium_client.commands.options import address_option, json_option, shows_errors, timeout_option
from podium_client.errors import (
    ModelNotFoundError,
    NoServerError,
    PodiumError,
    UnsupportedError,
    WrongTaskError,
)

_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})

# Errors that every other file would meet too.
_FATAL = (NoServerError, ModelNotFoundError, WrongTaskError, UnsupportedError)


@dataclass(frozen=True, slots=True)
class Options:
    """How each picture is asked for."""

    model: str
    top_k: int
    logits: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """One file's result, or why it has none."""

    file: Path
    result: Classification | PodiumError | OSError


@click.command()
@click.argument("model")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--top-k", type=click.IntRange(min=1), default=5, show_default=True, help="Classes to name.")
@click.option("--logits", is_flag=True, help="Show the network's raw output too; with --json all of it.")
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=16,
    show_default=True,
    help="Pictures under way at once.",
)
@address_option
@timeout_option
@json_option
@shows_errors
def classify(
    *,
    model: str,
    files: tuple[Path, ...],
    top_k: int,
    logits: bool,
    concurrency: int,
    address: str,
    timeout: float,
    as_json: bool,
) -> None:
    """Say what pictures show, with labels and probabilities.

    MODEL is a name, name/version or name@alias. FILES are PNG, JPEG or WebP files, or directories, of which
    every such file is taken, without those in directories below. A file that cannot be answered is reported,
    the others are answered, and the exit status is 1.
    """
    console, errors = Console(), Console(stderr=True)
    answers: list[Answered] = []

    def show(answered: Answered) -> None:
        answers.append(answered)
        if not as_json:
            _print(answered, console, errors)

    async def run() -> None:
        async with AsyncClient(address, timeout=timeout) as client:
            options = Options(model, top_k, logits)
            await _classify_all(client, options, _pictures(files), concurrency, show)

    asyncio.run(run())
    if as_json:
        click.echo(json.dumps([_record(answered) for answered in answers], indent=2))
    if not all(isinstance(answered.result, Classification) for answered in answers):
        click.get_current_context().exit(1)


async def _classify_all(
    client: AsyncClient,
    options: Options,
    files: Iterable[Path],
    concurrency: int,
    show: Callable[[Answered], None],
) -> None:
    """Show the answers of files in order, with up to `concurrency` under way."""
    under_way: deque[asyncio.Task[Answered]] = deque()
    try:
        for file in files:
            under_way.append(asyncio.create_task(_classify_one(client, options, file)))
            if len(under_way) == concurrency:
                show(await under_way.popleft())
        while under_way:
            show(await under_way.popleft())
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _classify_one(client: AsyncClient, options: Options, file: Path) -> Answered:
    try:
        result = await client.classify(options.model, file, top_k=options.top_k, return_logits=options.logits)
    except _FATAL:
        raise
    except (PodiumError, OSError) as error:
        return Answered(file, error)
    return Answered(file, result)


def _pictures(files: Iterable[Path]) -> Iterable[Path]:
    """Name every file, and of a directory the pictures in it.

    Raises:
        click.ClickException: a directory without pictures.
    """
    for file in files:
        if not file.is_dir():
            yield file
            continue
        inside = sorted(path for path in file.iterdir() if path.suffix.lower() in _SUFFIXES and path.is_file())
        if not inside:
            raise click.ClickException(f"{file}: a directory without pictures ({', '.join(sorted(_SUFFIXES))})")
        yield from inside


def _print(answered: Answered, console: Console, errors: Console) -> None:
    title = Text(str(answered.file), style="bold")
    match answered.result:
        case Classification() as result:
            meta = result.metadata
            title.append(f"  {meta.model}/{meta.version} · {meta.timings.total_ms:.1f} ms", style="dim")
            console.print(title, soft_wrap=True)
            console.print(bars_table(result))
        case error:
            errors.print(title.append(f"  {_message(error)}", style="not bold red"), soft_wrap=True)


def _message(error: PodiumError | OSError) -> str:
    if isinstance(error, PodiumError):
        return str(error)
    return os.strerror(error.errno) if error.errno else str(error)


def _record(answered: Answered) -> dict[str, Any]:
    match answered.result:
        case Classification() as result:
            return {
                "file": str(answered.file),
                "classes": [dataclasses.asdict(score) for score in result.classes],
                **({} if result.logits is None else {"logits": result.logits.tolist()}),
                "metadata": dataclasses.asdict(result.metadata),
            }
        case error:
            reason = error.reason if isinstance(error, PodiumError) else type(error).__name__
            return {"file": str(answered.file), "error": {"reason": reason, "message": _message(error)}}
