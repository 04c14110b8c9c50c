"""Emoji, their names, and which of them are held out."""

import io

import numpy as np
import pytest
from PIL import Image
from podium_export.recipes.emoji_parts import Part, concept, parts_of
from podium_export.recipes.emoji_pictures import picture


@pytest.mark.parametrize(
    ("name", "shows"),
    [
        ("man running: dark skin tone", "running"),
        ("person running", "running"),
        ("woman: red hair", "red hair"),
        ("kiss: woman, man, medium-light skin tone, dark skin tone", "kiss"),
        ("people with bunny ears: light skin tone, dark skin tone", "with bunny ears"),
        ("flag: Isle of Man", "flag Isle of Man"),
        ("woman’s hat", "’s hat"),
        ("human", "human"),
    ],
)
def test_a_concept_has_neither_gender_nor_skin_tone(name: str, shows: str) -> None:
    """What is left is shared by all that differ in these alone."""
    assert concept(name) == shows


def test_a_concept_is_held_out_whole() -> None:
    """In every gender and tone, by every artist; about one in twenty."""
    captions = [f"{who} thing {n}" for n in range(300) for who in ("man", "woman")] * 2
    artists = ["A"] * 600 + ["B"] * 600
    parts = parts_of(captions, artists)
    held_out = {concept(c) for c, part in zip(captions, parts, strict=True) if part is Part.CONCEPT}
    others = {concept(c) for c, part in zip(captions, parts, strict=True) if part is not Part.CONCEPT}
    assert not held_out & others
    assert len(held_out) == pytest.approx(15, abs=10)


def test_of_a_held_out_name_another_variant_is_learned() -> None:
    """By every artist the name is held out, and by every one something of its concept is learned or drawn."""
    captions = [f"{who} thing {n}" for n in range(300) for who in ("man", "woman")] * 2
    artists = ["A"] * 600 + ["B"] * 600
    parts = dict(zip(zip(captions, artists, strict=True), parts_of(captions, artists), strict=True))
    names = {caption for (caption, _), part in parts.items() if part is Part.VARIANT}
    assert names
    assert all(parts[name, artist] is Part.VARIANT for name in names for artist in "AB")


def test_what_one_artist_alone_drew_is_no_held_out_drawing() -> None:
    """Nobody else's drawing could teach it; and what has one name has no held-out variant."""
    captions = [f"thing {n}" for n in range(500)]
    assert set(parts_of(captions, ["A"] * 500)) == {Part.LEARNED, Part.CONCEPT}


def test_parts_do_not_depend_on_the_order() -> None:
    """Each picture's part is its own, the same every time."""
    captions = [f"thing {n}" for n in range(100)] * 2
    artists = ["A"] * 100 + ["B"] * 100
    assert parts_of(captions[::-1], artists[::-1]) == parts_of(captions, artists)[::-1]


def test_pictures_are_put_on_white() -> None:
    """What is transparent becomes white, and every picture has the same side."""
    image = Image.new("RGBA", (128, 128), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 64, 128))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    pixels = picture(stream.getvalue())
    assert pixels.shape == (64, 64, 3)
    assert pixels[32, 8].tolist() == [0, 0, 255]
    assert pixels[32, 56].tolist() == [255, 255, 255]
    assert pixels.dtype == np.uint8
