"""The text of a sequence: whatever the tokens and however they come, the whole text up to its first stop text."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from podium.v1 import model_manifest_pb2 as pb
from podium_server.text.sequence_text import SequenceText, StopWatch
from podium_server.text.stops import StopTexts
from podium_server.text.tokenizer import Tokenizer

from tests.server.text.test_stops import cut

BYTES = Tokenizer(pb.Tokenizer(bytes=pb.ByteTokens(offset=1), special_ids=[0]), Path(), ())
LETTERS = Tokenizer(
    pb.Tokenizer(
        vocabulary=pb.Vocabulary(tokens=["ab", "a", "b", "", "é", "<s>", "aab"], unit=pb.TEXT_UNIT_CHARACTER),
        special_ids=[5],
    ),
    Path(),
    (),
)
WORDS = Tokenizer(
    pb.Tokenizer(vocabulary=pb.Vocabulary(tokens=["a", "ab", "b", "é"], unit=pb.TEXT_UNIT_WORD)), Path(), ()
)
STOPS = st.lists(st.sampled_from(["a", "ab", "ba", "b a", "é", "aa", "a b"]), max_size=3)
ENDS = st.lists(st.integers(0, 40), max_size=6)


def written(tokenizer: Tokenizer, ids: list[int], stops: list[str], ends: list[int]) -> tuple[str, bool]:
    """What is shown of tokens that come in groups, and whether a stop text has appeared."""
    text = SequenceText(tokenizer.writer(), StopTexts(stops) if stops else None)
    places = [0, *sorted(end % (len(ids) + 1) for end in ends), len(ids)]
    shown = [text.write(ids[start:end]) for start, end in itertools.pairwise(places)]
    return "".join(shown) + text.finish(), text.stopped


@pytest.mark.parametrize(("tokenizer", "size"), [(LETTERS, 7), (WORDS, 4)], ids=["letters", "words"])
@given(data=st.data(), stops=STOPS, ends=ENDS)
def test_what_is_shown_is_the_text_up_to_its_first_stop_text(
    tokenizer: Tokenizer, size: int, data: st.DataObject, stops: list[str], ends: list[int]
) -> None:
    """Of tokens at random, in groups at random."""
    ids = data.draw(st.lists(st.integers(0, size - 1), max_size=40))
    assert written(tokenizer, ids, stops, ends) == cut(tokenizer.decode(ids), stops)


@given(text=st.text(max_size=20), stops=st.lists(st.text(min_size=1, max_size=3), max_size=3), ends=ENDS)
def test_any_text_may_be_a_stop_text(text: str, stops: list[str], ends: list[int]) -> None:
    """Of any characters, which come byte by byte."""
    ids = [byte + 1 for byte in text.encode()]
    assert written(BYTES, ids, stops, ends) == cut(text, stops)


@given(ids=st.lists(st.integers(0, 256), max_size=40), stops=STOPS)
def test_the_watch_ends_a_sequence_with_the_token_that_completes_a_stop_text(ids: list[int], stops: list[str]) -> None:
    """Neither before nor later, whatever the bytes are."""
    if not stops:
        return
    watch = StopWatch(SequenceText(BYTES.writer(), StopTexts(stops)))
    for length, token_id in enumerate(ids, 1):
        whole = bytes(one - 1 for one in ids[:length] if one).decode(errors="replace")
        ends = watch.ends(token_id)
        assert ends == cut(whole, stops)[1]
        if ends:
            return
