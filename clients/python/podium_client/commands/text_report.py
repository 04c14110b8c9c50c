"""How the commands of texts report: what was written for people, JSON for programs."""

import dataclasses
import sys
import unicodedata
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from podium_client.answers import ResponseMetadata
from podium_client.sequences import GeneratedSequence, GenerationUsage

_KEPT = frozenset("\n\t")


def visible(text: str) -> str:
    """Replace what a terminal would obey instead of showing it: a network may write any character."""
    return "".join(
        "\ufffd" if unicodedata.category(character) == "Cc" and character not in _KEPT else character
        for character in text
    )


def standard_input(what: str) -> str:
    """Read all of the standard input as UTF-8.

    Args:
        what: what to say where nobody writes to it.

    Raises:
        click.UsageError: it is a terminal.
        click.ClickException: it is something else than UTF-8.
    """
    if sys.stdin.isatty():
        raise click.UsageError(what)
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise click.ClickException(f"standard input is not UTF-8: byte {error.start} is {error.reason}") from error


def tell(metadata: ResponseMetadata, *more: str) -> None:
    """Say on standard error who answered, and by which seed it can be made again."""
    seed = [] if metadata.seed is None else [f"seed {metadata.seed}"]
    parts = [f"{metadata.model}/{metadata.version}", *seed, *more]
    Console(stderr=True, highlight=False).print(Text(" · ".join(parts), style="dim"), soft_wrap=True)


def sequence_record(sequence: GeneratedSequence) -> dict[str, Any]:
    """Say for programs what was written; log-probabilities where they were asked for."""
    record = dataclasses.asdict(sequence)
    if sequence.log_probabilities is None:
        del record["log_probabilities"]
    return {**record, "probability": sequence.probability}


def answer_record(metadata: ResponseMetadata, usage: GenerationUsage) -> dict[str, Any]:
    """Say for programs who answered, and what it cost."""
    return {"metadata": dataclasses.asdict(metadata), "usage": dataclasses.asdict(usage)}
