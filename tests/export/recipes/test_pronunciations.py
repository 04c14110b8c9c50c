"""Words, their pronunciations, and how many are right."""

import pytest
from podium_export.recipes.pronunciation_figures import distance, phoneme_error, without_stress, words_right
from podium_export.recipes.pronunciations import read_dictionary, split

LINES = """'bout B AW1 T
aalborg AO1 L B AO0 R G # place, danish
either IY1 DH ER0
either(2) AY1 DH ER0
a.m. EY2 EH1 M
air-force EH1 R F AO0 R S
"""


def test_lines_are_read_as_the_dictionary_writes_them() -> None:
    """Comments are left out, and so are words with other marks; a number in brackets is another way to say it."""
    assert read_dictionary(LINES) == {
        "'bout": [("B", "AW1", "T")],
        "aalborg": [("AO1", "L", "B", "AO0", "R", "G")],
        "either": [("IY1", "DH", "ER0"), ("AY1", "DH", "ER0")],
    }


def test_a_word_and_its_possessive_are_on_one_side() -> None:
    """Else half of a held-out word would be known; about a twenty-fifth of all is held out, the same every time."""
    names = [f"{a}{b}{c}" for a in "bcdfgh" for b in "aeiou" for c in "lmnprstvwxz"]
    ways = {name: [("AH0",)] for word in names for name in (word, f"{word}'s")}
    words = split(ways)
    assert words.learned.keys() | words.held_out.keys() == ways.keys()
    assert not words.learned.keys() & words.held_out.keys()
    assert all((f"{word}'s" in words.held_out) == (word in words.held_out) for word in names)
    assert 0 < len(words.held_out) < 0.1 * len(ways)
    assert split(dict(reversed(ways.items()))).held_out.keys() == words.held_out.keys()


def test_the_phonemes_are_those_of_the_learned_words() -> None:
    """Each once, in order."""
    assert split({"kappa": [("K", "AE1"), ("K", "AA1")], "beta": [("B", "AE1")]}).phonemes == ["AA1", "AE1", "B", "K"]


@pytest.mark.parametrize(
    ("one", "other", "changes"),
    [("kitten", "sitting", 3), ("flaw", "lawn", 2), ("", "abc", 3), ("abc", "", 3), ("same", "same", 0)],
)
def test_the_distance_is_levenshteins(one: str, other: str, changes: int) -> None:
    """Its usual examples."""
    assert distance(tuple(one), tuple(other)) == changes


def test_any_of_several_ways_is_right() -> None:
    """And the nearest counts for the phoneme error: here one of six phonemes."""
    ways = [[("IY1", "DH", "ER0"), ("AY1", "DH", "ER0")], [("K", "AE1", "T")]]
    said = [("AY1", "DH", "ER0"), ("K", "AE2", "T")]
    assert words_right(said, ways) == 0.5
    assert phoneme_error(said, ways) == pytest.approx(1 / 6)
    assert without_stress(said[1]) == ("K", "AE", "T")
