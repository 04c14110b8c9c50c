"""Which pictures of emoji are not learned from: three kinds, each harder than the one before."""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum

from podium_export.recipes.holding_out import share_of


class Part(StrEnum):
    """What of a picture was learned from."""

    LEARNED = "learned"
    DRAWING = "drawing"
    """Not this artist's drawing of it, but those of the others."""
    VARIANT = "variant"
    """Not this name, but the same with another gender or skin tone."""
    CONCEPT = "concept"
    """Nothing of the kind."""


HELD_OUT_PARTS: Mapping[Part, float] = {Part.CONCEPT: 0.05, Part.VARIANT: 0.05, Part.DRAWING: 0.08}
"""The chance of a concept, a name, an artist's drawings of a concept, to be held out."""

_PERSON = re.compile(r"\b(?:man|woman|person|men|women|people)\b|\b(?:[a-z]+-)?(?:light|medium|dark) skin tone\b")


def parts_of(captions: Sequence[str], artists: Sequence[str]) -> Sequence[Part]:
    """Say of each picture what of it is learned from: the same every time, whatever else there is."""
    variants: dict[str, set[str]] = {}
    drawn: dict[str, set[str]] = {}
    for caption, artist in zip(captions, artists, strict=True):
        variants.setdefault(concept(caption), set()).add(caption)
        drawn.setdefault(concept(caption), set()).add(artist)
    return [
        _part(caption, artist, several=len(variants[concept(caption)]) > 1, others=len(drawn[concept(caption)]) > 1)
        for caption, artist in zip(captions, artists, strict=True)
    ]


def concept(caption: str) -> str:
    """Give what a name says without gender and skin tone: "man running: dark skin tone" is "running"."""
    return " ".join(re.findall(r"[\w’'#*]+", _PERSON.sub("", caption)))


def _part(caption: str, artist: str, *, several: bool, others: bool) -> Part:
    if share_of(concept(caption)) < HELD_OUT_PARTS[Part.CONCEPT]:
        return Part.CONCEPT
    if several and share_of(f"name {caption}") < HELD_OUT_PARTS[Part.VARIANT]:
        return Part.VARIANT
    if others and share_of(f"{artist} {concept(caption)}") < HELD_OUT_PARTS[Part.DRAWING]:
        return Part.DRAWING
    return Part.LEARNED
