"""Tokenizers of Hugging Face's library, which is imported when a package brings one."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from podium_server.text.tokens import Encoded

_INCOMPLETE = "\N{REPLACEMENT CHARACTER}"
# A character is at most four bytes, each at least one token: more tokens than these do not wait for one.
_MAX_HELD = 64


class HuggingFaceTokens:
    """The tokens of a tokenizer's file.

    Args:
        path: the file.

    Raises:
        ValueError: it is none, or the library is not installed.
    """

    def __init__(self, path: Path) -> None:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise ValueError("hugging_face: needs the library 'tokenizers'; install podium[server]") from error
        try:
            content = path.read_text(encoding="utf-8")
            self._library: Any = Tokenizer.from_str(content)
        except Exception as error:  # the library raises plain exceptions
            raise ValueError(f"hugging_face.file '{path.name}' is no tokenizer: {error}") from error
        self._library.no_truncation()
        self._library.no_padding()
        # A caller who writes "<|endoftext|>" means these characters, not the token.
        self._library.encode_special_tokens = True
        self.size = 1 + max(self._library.get_vocab(with_added_tokens=True).values(), default=-1)
        self._unknown_id = _unknown_id(self._library, json.loads(content)["model"])
        # Without an unknown token the library leaves out in silence what has none.
        self._drops = self._unknown_id is None and self._library.normalizer is None

    def encode(self, text: str) -> Encoded:
        """Cut a text into tokens."""
        encoding = self._library.encode(text, add_special_tokens=False)
        ids: list[int] = encoding.ids
        if self._drops:
            dropped = {char for char in set(text) if self._is_dropped(char)}
            return Encoded(ids, [char for char in text if char in dropped])
        spans = zip(ids, encoding.offsets, strict=True)
        return Encoded(ids, [text[start:end] for token_id, (start, end) in spans if token_id == self._unknown_id])

    def _is_dropped(self, char: str) -> bool:
        """Whether a character alone has no token; the library's offsets do not tell."""
        return not char.isspace() and not self._library.encode(char, add_special_tokens=False).ids

    def writer(self, hidden: frozenset[int]) -> "HuggingFaceWriter":
        """Begin a text."""
        return HuggingFaceWriter(self._library, hidden)


def _unknown_id(library: Any, model: dict[str, Any]) -> int | None:
    """The id of what has no token: by its text, or with Unigram by its number."""
    text = model.get("unk_token")
    found: int | None = model.get("unk_id") if text is None else library.token_to_id(text)
    return found


class HuggingFaceWriter:
    """Decodes the last tokens again with each new one, and gives what is new.

    Where a token's text depends on its neighbours (a space before a word, bytes of one character), the tokens of the
    piece before stand in front of the new ones.

    Args:
        library: the library's tokenizer.
        hidden: ids that are no part of the text.
    """

    def __init__(self, library: Any, hidden: frozenset[int]) -> None:
        self._library = library
        self._hidden = hidden
        self._before: list[int] = []
        self._held: list[int] = []

    def write(self, token_ids: Sequence[int]) -> str:
        """Give the text that is complete with the tokens."""
        shown = [token_id for token_id in token_ids if token_id not in self._hidden]
        self._held += shown
        text = self._new_text()
        if text and not text.endswith(_INCOMPLETE):
            self._advance()
            return text
        # The tokens end inside a character: those before it are told one by one.
        del self._held[len(self._held) - len(shown) :]
        return "".join([self._write_one(token_id) for token_id in shown])

    def _write_one(self, token_id: int) -> str:
        self._held.append(token_id)
        text, full = self._new_text(), len(self._held) >= _MAX_HELD
        if text.endswith(_INCOMPLETE) and not full:
            return ""
        if text or full:
            self._advance()
        return text

    def finish(self) -> str:
        """Give what was held back."""
        text = self._new_text()
        self._advance()
        return text

    def _advance(self) -> None:
        self._before, self._held = self._held, []

    def _new_text(self) -> str:
        """What the held tokens add to the text of those before."""
        if not self._held:
            return ""
        return self._decode(self._before + self._held)[len(self._decode(self._before)) :]

    def _decode(self, ids: list[int]) -> str:
        text: str = self._library.decode(ids, skip_special_tokens=True)
        return text
