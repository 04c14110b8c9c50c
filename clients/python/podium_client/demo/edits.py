"""Part of a chapter: digits moved along the named directions of a model's latent space."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from PIL import Image

from podium_client.demo.samples import NUM_CLASSES, digits
from podium_client.demo.stage import Stage
from podium_client.pictures import Edits
from podium_client.sheets.answers import note
from podium_client.sheets.sheet import Row, Sheet
from podium_client.tensors import Array

_STRENGTHS = (-1.0, -0.5, 0.0, 0.5, 1.0)
_NOWHERE = _STRENGTHS.index(0.0)
_FINE_STRENGTHS = (-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5)
_EDITED_BOTH_WAYS = 4  # the digit


def edit_digits(stage: Stage, model: str) -> None:
    """Move a digit of each class along each direction, where the model has one, and one digit along two at once."""
    directions = [direction.name for direction in stage.client.model(model).manifest.latent_space.directions]
    if not directions:
        stage.console.print(f"Edit: {model} has no named direction; `podium directions` finds one.")
        return
    pixels = [digit.pixels for digit in digits(1)]
    edits = [stage.client.edit(model, pixels, direction, strengths=_STRENGTHS) for direction in directions]
    rows = [Row([Image.fromarray(each) for each in pixels], "given")]
    for direction, moved in zip(directions, edits, strict=True):
        _check(stage, model, direction, moved, pixels)
        rows += _rows(moved, direction)
    stage.draw(Sheet(f"Edited: {' and '.join(directions)}", note(edits[0].metadata), rows), "edited-digits.png")
    if len(directions) > 1:
        stage.draw(_both_ways(stage, model, across=directions[1], down=directions[0]), "edited-both-ways.png")


def _check(stage: Stage, model: str, direction: str, edits: Edits, pixels: list[Array]) -> None:
    """See that no step is no change, and that each further step has more of what the direction names."""
    made = stage.client.reconstruct(model, pixels)
    unmoved = [row[_NOWHERE].png for row in edits.rows] == [picture.png for picture in made]
    stage.expect(unmoved, f"Edit by 0 towards {direction}", expected="the bytes of Reconstruct", got="others")
    if measure := _MEASURES.get(direction):
        shape = (NUM_CLASSES, len(_STRENGTHS), *pixels[0].shape)
        values = measure.of(edits.arrays.reshape(shape) / 255).mean(axis=0)
        said = ", ".join(f"{value:.1f}" for value in values)
        stage.expect(bool((np.diff(values) > 0).all()), f"Edit: {direction}", expected="more with each step", got=said)
        stage.console.print(f"Edit: {direction} from {_STRENGTHS[0]:g} to {_STRENGTHS[-1]:+g}: {measure.name} {said}.")


def _rows(edits: Edits, direction: str) -> list[Row]:
    """Put each strength in a row, a column a digit."""
    return [
        Row([row[place].image for row in edits.rows], _label(direction, strength))
        for place, strength in enumerate(edits.strengths)
    ]


def _label(direction: str, strength: float) -> str:
    return f"{direction} {strength:+g}" if strength else "0"


def _both_ways(stage: Stage, model: str, *, across: str, down: str) -> Sheet:
    """Move one digit along two directions: the latents of one edit are the sources of the next."""
    digit = digits(1)[_EDITED_BOTH_WAYS].pixels
    moved = stage.client.edit(model, digit, down, strengths=_FINE_STRENGTHS)
    assert moved.latents is not None
    edits = stage.client.edit(model, moved.latents, across, strengths=_FINE_STRENGTHS)
    rows = [
        Row([picture.image for picture in row], _label(down, strength))
        for strength, row in zip(_FINE_STRENGTHS, edits.rows, strict=True)
    ]
    header = [_label(across, strength) for strength in _FINE_STRENGTHS]
    return Sheet(f"One digit: {across} across, {down} down", note(edits.metadata), rows, header)


@dataclass(frozen=True, slots=True)
class _Measure:
    """What a direction is to change.

    Attributes:
        name: what is measured, with its unit.
        of: from pixels of 0 … 1, (…, H, W), to one number a picture, (…).
    """

    name: str
    of: Callable[[Array], Array]


def _ink_percent(pictures: Array) -> Array:
    ink: Array = 100 * pictures.mean(axis=(-2, -1))
    return ink


def _lean_degrees(pictures: Array) -> Array:
    """Measure the angle from upright, to the right, of what was sheared: arctan of -μ₁₁ / μ₀₂, y downwards."""
    y, x = np.indices(pictures.shape[-2:])
    mass = pictures.sum(axis=(-2, -1), keepdims=True)
    x, y = (place - (pictures * place).sum(axis=(-2, -1), keepdims=True) / mass for place in (x, y))
    lean: Array = np.degrees(np.arctan(-(pictures * x * y).sum(axis=(-2, -1)) / (pictures * y * y).sum(axis=(-2, -1))))
    return lean


_MEASURES: Mapping[str, _Measure] = MappingProxyType(
    {"bold": _Measure("ink, % of the picture", _ink_percent), "slant": _Measure("lean, °", _lean_degrees)}
)
