"""Stop texts: found wherever the pieces end, never shown, and nothing else is ever lost."""

import itertools

from hypothesis import given
from hypothesis import strategies as st
from podium_server.text.stops import StopFinder, StopTexts

# Few characters, so that stop texts begin, overlap and appear often; one of four bytes, one that combines.
LETTERS = st.text(alphabet="ab\N{GRINNING FACE}\N{COMBINING ACUTE ACCENT}", max_size=30)
STOPS = st.lists(st.text(alphabet="ab\N{GRINNING FACE}", min_size=1, max_size=5), min_size=1, max_size=4)


def cut(text: str, stops: list[str]) -> tuple[str, bool]:
    """The text before the stop text that is complete first, the longest if several are; and whether there is any."""
    for end in range(1, len(text) + 1):
        complete = [stop for stop in stops if text[:end].endswith(stop)]
        if complete:
            return text[: end - max(map(len, complete))], True
    return text, False


def pieces_of(text: str, ends: list[int]) -> list[str]:
    """The text in pieces that end at these places."""
    places = [0, *sorted(end % (len(text) + 1) for end in ends), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(places)]


@given(text=LETTERS, stops=STOPS, ends=st.lists(st.integers(0, 30), max_size=8))
def test_the_pieces_are_the_text_up_to_its_first_stop_text(text: str, stops: list[str], ends: list[int]) -> None:
    """Wherever the pieces end."""
    finder = StopFinder(StopTexts(stops))
    shown = "".join([finder.feed(piece) for piece in pieces_of(text, ends)])
    shown += finder.finish()
    assert (shown, finder.found) == cut(text, stops)


@given(text=LETTERS, stops=STOPS)
def test_what_is_shown_is_never_taken_back(text: str, stops: list[str]) -> None:
    """After each character, what was shown is all that no stop text can begin in any more."""
    finder, shown = StopFinder(StopTexts(stops)), ""
    for length, char in enumerate(text, 1):
        shown += finder.feed(char)
        whole, found = cut(text[:length], stops)
        if found:
            assert shown == whole
            return
        beginnings = {stop[:n] for stop in stops for n in range(1, len(stop))}
        held = max((n for n in range(length + 1) if text[length - n : length] in {"", *beginnings}), default=0)
        assert shown == whole[: length - held]


def test_nothing_follows_a_stop_text() -> None:
    """Not even what comes in the same piece."""
    finder = StopFinder(StopTexts(["\n\n"]))
    assert [finder.feed(piece) for piece in ("one\n", "two\n", "\nthree", "four")] == ["one", "\ntwo", "", ""]
    assert finder.found
    assert finder.finish() == ""


def test_a_stop_text_inside_a_longer_one_that_does_not_come_is_found() -> None:
    """ "abcx" has "bc", though "abcd" had begun before it."""
    finder = StopFinder(StopTexts(["abcd", "bc"]))
    assert finder.feed("abcx") == "a"
    assert finder.found
