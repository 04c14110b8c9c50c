"""Reads which text each token of a network stands for: `--vocabulary`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from podium_export.errors import VocabularyError

BYTES = "bytes"
"""What is typed in place of a file when tokens are the bytes of UTF-8."""


@dataclass(frozen=True, slots=True)
class TokenList:
    """Tokens by id; empty for ids that are never written."""

    tokens: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many ids there are."""
        return len(self.tokens)

    def id_of(self, token: str) -> int | None:
        """Find a token."""
        return self.tokens.index(token) if token and token in self.tokens else None

    def text_of(self, number: int) -> str:
        """Give a token's text."""
        return self.tokens[number]


@dataclass(frozen=True, slots=True)
class ByteList:
    """The 256 bytes, an id each."""

    size: int = 256

    def id_of(self, token: str) -> int | None:
        """Find the byte of an ASCII character."""
        return ord(token) if len(token) == 1 and token.isascii() else None

    def text_of(self, number: int) -> str:
        """Give the character of an ASCII byte; empty for others, which are parts of one."""
        return chr(number) if number < 128 else ""


@dataclass(frozen=True, slots=True)
class TokenizerFile:
    """A file of Hugging Face's tokenizers.

    Attributes:
        content: the file.
        id_by_token: its tokens, added ones too.
    """

    content: bytes
    id_by_token: Mapping[str, int]

    @property
    def size(self) -> int:
        """How many ids there are."""
        return max(self.id_by_token.values(), default=-1) + 1

    def id_of(self, token: str) -> int | None:
        """Find a token."""
        return self.id_by_token.get(token)

    def text_of(self, number: int) -> str:
        """Give a token's text; empty where there is none."""
        return next((token for token, own in self.id_by_token.items() if own == number), "")


TokenTable: TypeAlias = TokenList | ByteList | TokenizerFile


def read_vocabulary(place: str, num_tokens: int, option: str = "--vocabulary") -> TokenTable:
    """Read a vocabulary and compare it with the network.

    A file is JSON (a list of tokens by id, an object from token to id or from id to token, several of these under
    names of their own, of which the one that fits is taken), Hugging Face's tokenizer.json, or text with a token a
    line.

    Args:
        place: the file, or "bytes".
        num_tokens: the logits of the network, or the ids that it reads.
        option: what to call it in messages.

    Raises:
        VocabularyError: the file is not one of these, or has another number of tokens.
    """
    table = ByteList() if place == BYTES else _read(Path(place), num_tokens, option)
    few = table.size > num_tokens if isinstance(table, TokenizerFile) else table.size != num_tokens
    if few:
        raise VocabularyError(
            f"{option} {place}: {table.size} tokens, and the network has {num_tokens}: give the vocabulary that it "
            "was trained with, a token an id"
        )
    return table


def _read(path: Path, num_tokens: int, option: str) -> TokenTable:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise VocabularyError(f"{option} {path}: cannot be read as text: {error}") from error
    if path.suffix != ".json" and not text.lstrip().startswith(("[", "{")):
        return _checked(path, _lines(path, text, option), option)
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        if path.suffix != ".json":  # a list of tokens that begins with a bracket
            return _checked(path, _lines(path, text, option), option)
        raise VocabularyError(f"{option} {path}: not JSON: {error}") from error
    if isinstance(content, Mapping) and isinstance(content.get("model"), Mapping):
        return _tokenizer_file(path, text, option)
    tokens = _from_json(content)
    if tokens is None:
        tokens = _named(path, content, num_tokens, option)
    return _checked(path, tokens, option)


def _lines(path: Path, text: str, option: str) -> list[str]:
    """Take one token a line; spaces count."""
    lines = text.split("\n")
    lines = [line.removesuffix("\r") for line in (lines[:-1] if lines[-1] == "" else lines)]
    if "" in lines:
        raise VocabularyError(
            f"{option} {path}: line {lines.index('') + 1} is empty: a token a line; where one is a line break, give a "
            'JSON list, as in ["a", "\\n"]'
        )
    return lines


def _from_json(content: Any) -> list[str] | None:
    """Take a list, an object from token to id, or one from id to token; None: it is none of these."""
    if isinstance(content, list) and all(isinstance(token, str | None) for token in content):
        return [token or "" for token in content]
    if not isinstance(content, Mapping) or not content:
        return None
    if all(isinstance(value, int) and value >= 0 for value in content.values()):
        return _by_id({value: token for token, value in content.items()}, len(content))
    if all(key.isdecimal() and isinstance(value, str) for key, value in content.items()):
        return _by_id({int(key): token for key, token in content.items()}, len(content))
    return None


def _by_id(token_by_id: Mapping[int, str], count: int) -> list[str] | None:
    """Put tokens in order; ids that are left out have none."""
    size = max(token_by_id) + 1
    if len(token_by_id) != count or size > 2 * count + 16:
        return None
    return [token_by_id.get(number, "") for number in range(size)]


def _named(path: Path, content: Any, num_tokens: int, option: str) -> list[str]:
    """Take the one of several vocabularies that has as many tokens as the network."""
    found = {name: _from_json(part) for name, part in content.items()} if isinstance(content, Mapping) else {}
    tables = {name: tokens for name, tokens in found.items() if tokens is not None}
    fitting = [tokens for tokens in tables.values() if len(tokens) == num_tokens]
    if len(fitting) == 1:
        return fitting[0]
    if tables:
        counts = ", ".join(f'"{name}" {len(tokens)}' for name, tokens in tables.items())
        raise VocabularyError(
            f"{option} {path}: it holds several vocabularies ({counts}), and not one of them alone has the "
            f"{num_tokens} tokens of the network: give the right one in a file of its own"
        )
    raise VocabularyError(
        f"{option} {path}: must be a list of tokens, an object from token to id or from id to token (ids from 0, each "
        "once), or a tokenizer.json of Hugging Face"
    )


def _checked(path: Path, tokens: Sequence[str], option: str) -> TokenList:
    place_by_token: dict[str, int] = {}
    for place, token in enumerate(tokens):
        if token and place_by_token.setdefault(token, place) != place:
            raise VocabularyError(
                f"{option} {path}: ids {place_by_token[token]} and {place} are both {token!r}: each token has one id"
            )
    if not place_by_token:
        raise VocabularyError(f"{option} {path}: there is no token in it")
    return TokenList(tuple(tokens))


def _tokenizer_file(path: Path, text: str, option: str) -> TokenizerFile:
    """Read a tokenizer.json as the server will: by the library itself."""
    from tokenizers import Tokenizer

    try:
        library: Any = Tokenizer.from_str(text)
    except Exception as error:  # the library raises plain exceptions
        raise VocabularyError(
            f"{option} {path}: looks like a tokenizer.json, and Hugging Face's library cannot read it: {error}"
        ) from error
    return TokenizerFile(path.read_bytes(), library.get_vocab(with_added_tokens=True))
