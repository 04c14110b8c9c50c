"""What the command line says of texts: the vocabulary and its use, and how a model writes unless it is asked."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import click
from podium.v1 import model_manifest_pb2 as pb

from podium_export.flags import gathered, given_flags

TEXT_UNITS: Mapping[str, "pb.TextUnit"] = MappingProxyType(
    {
        "character": pb.TEXT_UNIT_CHARACTER,
        "word": pb.TEXT_UNIT_WORD,
        "letter-run": pb.TEXT_UNIT_LETTER_RUN,
    }
)
"""--text-unit."""
_MOST = 2**32 - 1  # what a manifest's counts hold


@dataclass(frozen=True, slots=True)
class TextFlags:
    """The flags on texts, each None or empty where it was not given.

    Attributes:
        vocabulary: of what is written: a file, or "bytes".
        source_vocabulary: of what an encoder reads, the same.
        text_unit: a key of `TEXT_UNITS`.
        lowercase: whether texts are made lower-case first.
        unknown_token: the token that stands for what is not in the vocabulary.
        start_token: tokens that begin every text, in order.
        end_token: tokens that end a text.
        temperature: the decoding defaults, as `podium.v1.Decoding` has them.
        top_k: the same.
        top_p: the same.
        repetition_penalty: the same.
        max_tokens: the same.
    """

    vocabulary: str | None = None
    source_vocabulary: str | None = None
    text_unit: str | None = None
    lowercase: bool | None = None
    unknown_token: str | None = None
    start_token: tuple[str, ...] = ()
    end_token: tuple[str, ...] = ()
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    repetition_penalty: float | None = None
    max_tokens: int | None = None

    @property
    def given(self) -> list[str]:
        """List the flags that were given, as they are typed."""
        return given_flags(self)


_TEXT = (
    click.option("--vocabulary", metavar="FILE|bytes", help="The text of each token: JSON, tokenizer.json, or a list."),
    click.option("--source-vocabulary", metavar="FILE|bytes", help="The same, of what an encoder reads."),
    click.option("--text-unit", type=click.Choice(list(TEXT_UNITS)), help="How a text is cut [by the vocabulary]."),
    click.option("--lowercase", is_flag=True, default=None, help="Texts are made lower-case first."),
    click.option("--unknown-token", metavar="TOKEN", help="Stands for what is not in the vocabulary."),
    click.option("--start-token", multiple=True, metavar="TOKEN", help="Begins every text; repeatable."),
    click.option("--end-token", multiple=True, metavar="TOKEN", help="Ends a text; repeatable."),
    click.option("--temperature", type=click.FloatRange(0, 100), help="How bold, unless a request says."),
    click.option("--top-k", type=click.IntRange(0, _MOST), help="Of how many tokens, the same [all]."),
    click.option("--top-p", type=click.FloatRange(0, 1, min_open=True), help="Of which probability, the same [1]."),
    click.option(
        "--repetition-penalty", type=click.FloatRange(0, 100, min_open=True), help="Of repeated tokens, the same [1]."
    ),
    click.option("--max-tokens", type=click.IntRange(1, _MOST), help="The most written, the same [256]."),
)


def text(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what a model that writes may be told of its texts, handed to the command as `texts`."""
    return gathered(command, _TEXT, "texts", TextFlags)
