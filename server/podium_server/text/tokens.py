"""What every kind of tokenizer does: values and protocols, without errors or fields of a request."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text as tokens.

    Attributes:
        ids: the tokens, with the unknown token for what has none, or without it where there is no unknown token.
        unknown: the characters or words that have no token, in order.
    """

    ids: list[int]
    unknown: Sequence[str]


class Writer(Protocol):
    """The text of one sequence as its tokens come; what it gives, joined, is the text of all the tokens."""

    def write(self, token_ids: Sequence[int]) -> str:
        """Take the next tokens, and give the whole characters that are complete with them."""
        ...

    def finish(self) -> str:
        """Give what is left, once no token comes any more."""
        ...


class Tokens(Protocol):
    """Tokens and their texts."""

    @property
    def size(self) -> int:
        """The number of ids: 0 … size - 1."""
        ...

    def encode(self, text: str) -> Encoded:
        """Cut a text into tokens."""
        ...

    def writer(self, hidden: frozenset[int]) -> Writer:
        """Begin a text; tokens of `hidden` are no part of it."""
        ...
