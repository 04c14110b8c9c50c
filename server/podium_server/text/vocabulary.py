"""Tokens that a package lists: characters, words, or runs of letters."""

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from podium.v1 import model_manifest_pb2 as pb

from podium_server.text.tokens import Encoded

_LETTER_RUN = re.compile(r"[a-z]+|[^\sa-z]")
# How a text is cut into units, and what is between two of them when they are joined.
_UNITS: Mapping[int, tuple[Callable[[str], Sequence[str]], str]] = MappingProxyType(
    {
        int(pb.TEXT_UNIT_CHARACTER): (lambda text: text, ""),
        int(pb.TEXT_UNIT_WORD): (str.split, " "),
        int(pb.TEXT_UNIT_LETTER_RUN): (_LETTER_RUN.findall, " "),
    }
)


class VocabularyTokens:
    """Tokens by the text of each.

    Args:
        spec: what the manifest says.
        special: ids that no text is cut into.

    Raises:
        ValueError: the vocabulary is none; the message begins with the field.
    """

    def __init__(self, spec: pb.Vocabulary, special: frozenset[int]) -> None:
        if not spec.tokens:
            raise ValueError("vocabulary.tokens is empty; it must have the text of each token")
        if int(spec.unit) not in _UNITS:
            raise ValueError("vocabulary.unit must be CHARACTER, WORD or LETTER_RUN")
        self._texts = tuple(spec.tokens)
        self.size = len(self._texts)
        self._unknown_id = spec.unknown_id if spec.HasField("unknown_id") else None
        if self._unknown_id is not None and self._unknown_id >= self.size:
            raise ValueError(f"vocabulary.unknown_id is {self._unknown_id}; ids are 0 … {self.size - 1}")
        self._cut, self._separator = _UNITS[int(spec.unit)]
        self._lowercase = spec.lowercase
        self._shown: dict[frozenset[int], tuple[str, ...]] = {}  # a model has few kinds of texts: two
        self._ids: dict[str, int] = {}
        for token_id, text in enumerate(self._texts):
            # A token that is not one unit stands for no part of a text.
            if token_id not in special and list(self._cut(text)) == [text]:
                self._ids.setdefault(text, token_id)

    def encode(self, text: str) -> Encoded:
        """Cut a text into tokens; of equal tokens, the first counts."""
        units = self._cut(text.lower() if self._lowercase else text)
        found = list(map(self._ids.get, units))
        if None not in found:
            return Encoded([token_id for token_id in found if token_id is not None], ())
        unknown = [unit for unit, token_id in zip(units, found, strict=True) if token_id is None]
        ids = [self._unknown_id if token_id is None else token_id for token_id in found]
        return Encoded([token_id for token_id in ids if token_id is not None], unknown)

    def writer(self, hidden: frozenset[int]) -> "JoinedWriter":
        """Begin a text."""
        shown = self._shown.get(hidden)
        if shown is None:
            shown = tuple("" if token_id in hidden else text for token_id, text in enumerate(self._texts))
            self._shown[hidden] = shown
        return JoinedWriter(shown, self._separator)


class JoinedWriter:
    """Joins the texts of tokens.

    Args:
        texts: by id; empty for tokens that are no part of the text.
        separator: what is between two of them.
    """

    def __init__(self, texts: Sequence[str], separator: str) -> None:
        self._texts = texts
        self._separator = separator
        self._between = ""

    def write(self, token_ids: Sequence[int]) -> str:
        """Give the tokens' texts, and what is between them and those before."""
        texts = [text for token_id in token_ids if (text := self._texts[token_id])]
        if not texts:
            return ""
        between, self._between = self._between, self._separator
        return between + self._separator.join(texts)

    def finish(self) -> str:
        """Give nothing: tokens are whole texts."""
        return ""
