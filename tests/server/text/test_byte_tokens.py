"""Bytes as tokens: every text has them, and a character is shown when its last byte is there."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from podium.v1 import model_manifest_pb2 as pb
from podium_server.text.tokenizer import Tokenizer

TEXTS = st.text(max_size=40)
BYTES = Tokenizer(pb.Tokenizer(bytes=pb.ByteTokens(offset=3), start_ids=[1], special_ids=[0, 1, 2]), Path(), ())


@given(TEXTS)
def test_ids_are_the_bytes_of_utf_8_plus_the_offset(text: str) -> None:
    """And back."""
    ids = BYTES.encode(text, "prompt", replace_unknown=False)
    assert ids == [byte + 3 for byte in text.encode()]
    assert BYTES.decode(ids) == text
    assert BYTES.size == 259


@given(TEXTS)
def test_each_character_comes_whole_with_its_last_byte(text: str) -> None:
    """A piece is a character, or nothing yet."""
    writer = BYTES.writer()
    pieces = [writer.write([byte + 3]) for byte in text.encode()]
    assert [piece for piece in pieces if piece] == list(text)
    assert writer.finish() == ""


@given(st.lists(st.integers(0, 258), max_size=60))
def test_bytes_that_are_no_text_become_the_replacement_character(ids: list[int]) -> None:
    """As Python decodes all of them at once; ids below the offset are no bytes."""
    writer = BYTES.writer()
    pieces = "".join([writer.write([token_id]) for token_id in ids]) + writer.finish()
    assert pieces == bytes(token_id - 3 for token_id in ids if token_id >= 3).decode(errors="replace")
