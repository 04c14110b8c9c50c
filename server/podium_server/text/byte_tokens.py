"""Tokens that are the bytes of UTF-8."""

import codecs
from collections.abc import Sequence

from podium.v1 import model_manifest_pb2 as pb

from podium_server.text.tokens import Encoded

_NUM_BYTES = 256
_new_decoder = codecs.getincrementaldecoder("utf-8")


class ByteTokens:
    """The byte b is the token b + offset; ids below the offset have no text.

    Args:
        spec: what the manifest says.
    """

    def __init__(self, spec: pb.ByteTokens) -> None:
        self._offset = spec.offset
        self.size = _NUM_BYTES + spec.offset

    def encode(self, text: str) -> Encoded:
        """Cut a text into bytes; there is none without tokens."""
        return Encoded([byte + self._offset for byte in text.encode()], ())

    def writer(self, hidden: frozenset[int]) -> "ByteWriter":
        """Begin a text."""
        return ByteWriter(self._offset, hidden)


class ByteWriter:
    """Gives characters when their last byte is there; bytes that are no UTF-8 become U+FFFD.

    Args:
        offset: what is added to a byte to make its id.
        hidden: ids that are no part of the text.
    """

    def __init__(self, offset: int, hidden: frozenset[int]) -> None:
        self._offset = offset
        self._hidden = hidden
        self._decoder = _new_decoder("replace")

    def write(self, token_ids: Sequence[int]) -> str:
        """Give the characters that the bytes complete."""
        offset, hidden = self._offset, self._hidden
        given = [token_id - offset for token_id in token_ids if token_id >= offset and token_id not in hidden]
        return self._decoder.decode(bytes(given))

    def finish(self) -> str:
        """Give U+FFFD where the last character lacks a byte."""
        return self._decoder.decode(b"", final=True)
