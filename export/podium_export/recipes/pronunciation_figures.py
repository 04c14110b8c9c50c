"""How well words are pronounced: the parts of words that are right and of phonemes that are wrong."""

from collections.abc import Sequence

Way = tuple[str, ...]


def words_right(said: Sequence[Way], ways: Sequence[Sequence[Way]]) -> float:
    """Give the part of words that are said in one of the ways that they may be."""
    return sum(one in allowed for one, allowed in zip(said, ways, strict=True)) / len(said)


def phoneme_error(said: Sequence[Way], ways: Sequence[Sequence[Way]]) -> float:
    """Give the phonemes that must be changed, put in or taken out, a phoneme of the nearest ways: 0 or more."""
    nearest = [
        min(((distance(one, way), len(way)) for way in allowed), key=lambda pair: pair[0] / pair[1])
        for one, allowed in zip(said, ways, strict=True)
    ]
    return sum(changes for changes, _ in nearest) / sum(length for _, length in nearest)


def without_stress(way: Way) -> Way:
    """Take the digits off vowels."""
    return tuple(phoneme.rstrip("012") for phoneme in way)


def distance(one: Way, other: Way) -> int:
    """Give the least number of changes from one row of phonemes to another: Levenshtein's distance."""
    row = list(range(len(other) + 1))
    for place, phoneme in enumerate(one, start=1):
        before, row[0] = row[0], place
        for index, wanted in enumerate(other, start=1):
            cost = before + (phoneme != wanted)
            before, row[index] = row[index], min(cost, row[index] + 1, row[index - 1] + 1)
    return row[-1]
