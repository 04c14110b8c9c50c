"""Compiles a manifest's tokenizer: from a text to the ids that a network reads, and from ids to the text."""

from collections.abc import Collection, Sequence
from pathlib import Path

from podium.v1 import model_manifest_pb2 as pb

from podium_server.errors import InvalidArgument
from podium_server.text.byte_tokens import ByteTokens
from podium_server.text.hugging_face import HuggingFaceTokens
from podium_server.text.tokens import Tokens, Writer
from podium_server.text.vocabulary import VocabularyTokens

MAX_NAMED = 5
_NOTHING: frozenset[int] = frozenset()


class Tokenizer:
    """Tokens of one language of a model.

    Attributes:
        start_ids: put before every text.
        end_ids: put after a text that is read whole.
        special_ids: never part of a text.
        size: the number of ids: 0 … size - 1.
    """

    def __init__(self, spec: pb.Tokenizer, folder: Path, files: Collection[str]) -> None:
        """Compile a tokenizer.

        Args:
            spec: what the manifest says.
            folder: the version folder.
            files: the names of the files that the manifest vouches for.

        Raises:
            ValueError: it is none; the message begins with the field.
        """
        self.start_ids, self.end_ids = tuple(spec.start_ids), tuple(spec.end_ids)
        self.special_ids = frozenset(spec.special_ids)
        self._tokens = _compile(spec, self.special_ids, folder, files)
        self.size = self._tokens.size
        for field, ids in (("start_ids", self.start_ids), ("end_ids", self.end_ids), ("special_ids", self.special_ids)):
            if max(ids, default=0) >= self.size:
                raise ValueError(f"{field} has {max(ids)}; ids are 0 … {self.size - 1}")

    def encode(self, text: str, field: str, *, replace_unknown: bool) -> list[int]:
        """Cut a text into tokens, without start and end.

        Args:
            text: the text.
            field: its path in the request.
            replace_unknown: whether what has no token becomes the unknown token, or is left out where there is none.

        Raises:
            InvalidArgument: the text has characters or words without a token; some are named.
        """
        encoded = self._tokens.encode(text)
        if encoded.unknown and not replace_unknown:
            raise InvalidArgument(f"{field}: {_say_unknown(encoded.unknown)}", field)
        return encoded.ids

    def decode(self, ids: Sequence[int]) -> str:
        """Make the text of tokens."""
        writer = self.writer()
        return writer.write(ids) + writer.finish()

    def writer(self, hidden: frozenset[int] = _NOTHING) -> Writer:
        """Begin a text; special tokens and those of `hidden` are no part of it."""
        return self._tokens.writer(self.special_ids | hidden)


def _compile(spec: pb.Tokenizer, special: frozenset[int], folder: Path, files: Collection[str]) -> Tokens:
    kind = spec.WhichOneof("kind")
    if kind == "vocabulary":
        return VocabularyTokens(spec.vocabulary, special)
    if kind == "bytes":
        return ByteTokens(spec.bytes)
    if kind == "hugging_face":
        name = spec.hugging_face.file
        if name not in files:
            raise ValueError(f"hugging_face.file is '{name}', which `files` does not list")
        return HuggingFaceTokens(folder / name)
    raise ValueError("is empty; it must have vocabulary, bytes or hugging_face")


def _say_unknown(unknown: Sequence[str]) -> str:
    """Name what has no token: characters with their code points, words as they are."""
    distinct = list(dict.fromkeys(unknown))
    things = "characters" if all(len(each) == 1 for each in distinct) else "words"
    named = [f"{each!r} (U+{ord(each):04X})" if len(each) == 1 else repr(each[:50]) for each in distinct[:MAX_NAMED]]
    more = f" and {len(distinct) - MAX_NAMED} more" if len(distinct) > MAX_NAMED else ""
    return (
        f"has {things} that the model has no token for: {', '.join(named)}{more}; leave them out, or set "
        "replace_unknown"
    )
