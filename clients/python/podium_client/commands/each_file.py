"""Files answered one by one, several under way, in their order: one that fails does not stop the others."""

import asyncio
import os
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import click

from podium_client.errors import (
    ModelNotFoundError,
    NoServerError,
    PodiumError,
    UnsupportedError,
    WrongTaskError,
)

T = TypeVar("T")

_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})

# Errors that every other file would meet too.
_FATAL = (NoServerError, ModelNotFoundError, WrongTaskError, UnsupportedError)

concurrency_option = click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    default=16,
    show_default=True,
    help="Pictures under way at once.",
)


@dataclass(frozen=True, slots=True)
class Answered(Generic[T]):
    """One file's result, or why it has none."""

    file: Path
    result: T | PodiumError | OSError


async def answer_each(
    files: Iterable[Path],
    ask: Callable[[Path], Awaitable[T]],
    concurrency: int,
    show: Callable[[Answered[T]], None],
) -> None:
    """Show the answers of files in order, with up to `concurrency` under way.

    Raises:
        PodiumError: what every file would meet, such as that there is no such model.
    """
    under_way: deque[asyncio.Task[Answered[T]]] = deque()
    try:
        for file in files:
            under_way.append(asyncio.create_task(_answer(file, ask)))
            if len(under_way) == concurrency:
                show(await under_way.popleft())
        while under_way:
            show(await under_way.popleft())
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def _answer(file: Path, ask: Callable[[Path], Awaitable[T]]) -> Answered[T]:
    try:
        return Answered(file, await ask(file))
    except _FATAL:
        raise
    except (PodiumError, OSError) as error:
        return Answered(file, error)


def pictures_in(files: Iterable[Path]) -> Iterable[Path]:
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


def message_of(error: PodiumError | OSError) -> str:
    """Say what went wrong with a file, for people."""
    if isinstance(error, PodiumError):
        return str(error)
    return os.strerror(error.errno) if error.errno else str(error)


def error_record(error: PodiumError | OSError) -> dict[str, Any]:
    """Say it for programs."""
    reason = error.reason if isinstance(error, PodiumError) else type(error).__name__
    return {"error": {"reason": reason, "message": message_of(error)}}
