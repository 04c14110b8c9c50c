"""Sheets of the answers of latent space, one kind a call."""

import math
from collections.abc import Sequence

from PIL import Image

from podium_client.answers import ResponseMetadata
from podium_client.pictures import Edits, Picture, Reconstructions, Traversal
from podium_client.sheets import drawing
from podium_client.sheets.sheet import Row, Sheet

_MOST_COLUMNS = 16
_FILES_A_ROW = 10


def note(metadata: ResponseMetadata) -> str:
    """Say who answered, and by which seed it can be made again."""
    seed = "" if metadata.seed is None else f" · seed {metadata.seed}"
    return f"{metadata.model}/{metadata.version}{seed}"


def sample_sheet(pictures: Sequence[Picture], class_names: Sequence[str] = (), title: str = "") -> Sheet:
    """Lay samples out in a square; those of several classes in a row a class."""
    classes = sorted({picture.class_index for picture in pictures if picture.class_index is not None})
    if len(classes) > 1:
        columns = max(_MOST_COLUMNS, math.isqrt(len(pictures)))
        of_class = {index: [p for p in pictures if p.class_index == index] for index in classes}
        rows = [row for index in classes for row in _wrapped(of_class[index], class_name(index, class_names), columns)]
    else:
        rows = _wrapped(pictures, "", _square(len(pictures)))
    named = f" of class {class_name(classes[0], class_names)}" if len(classes) == 1 else ""
    count = f"{len(pictures):,} sample{'s' if len(pictures) > 1 else ''}{named}"
    return Sheet(title or count, note(pictures[0].metadata), rows)


def reconstruction_sheet(
    names: Sequence[str], given: Sequence[Image.Image], made: Reconstructions, title: str = "Reconstructions"
) -> Sheet:
    """Put what was made below what was given, with the error of each."""
    errors = [f"{error:.4f}" for error in made.mean_squared_errors]
    rows: list[Row] = []
    for start in range(0, len(given), _FILES_A_ROW):
        part = slice(start, start + _FILES_A_ROW)
        rows.append(Row(given[part], "given", names[part]))
        rows.append(Row(made.images[part], "made", errors[part]))
    return Sheet(title, note(made.metadata), rows)


def way_sheet(
    pictures: Sequence[Picture], ends: tuple[Image.Image | None, Image.Image | None], names: tuple[str, str]
) -> Sheet:
    """Put the way between its ends: the pictures that were given, where pictures were."""
    steps = [f"{place / (len(pictures) - 1):.0%}" for place in range(len(pictures))]
    shown = [picture.image for picture in pictures]
    if ends[0] is not None:
        shown, steps = [ends[0], *shown], [names[0], *steps]
    if ends[1] is not None:
        shown, steps = [*shown, ends[1]], [*steps, names[1]]
    title = f"From {names[0]} to {names[1]}"
    if len(shown) <= _MOST_COLUMNS:
        return Sheet(title, note(pictures[0].metadata), [Row(shown)], steps)
    rows = [
        Row(shown[start : start + _MOST_COLUMNS], "", steps[start : start + _MOST_COLUMNS])
        for start in range(0, len(shown), _MOST_COLUMNS)
    ]
    return Sheet(title, note(pictures[0].metadata), rows)


def traversal_sheet(traversal: Traversal, title: str) -> Sheet:
    """Put each dimension in a row, with the values above."""
    values = [[_signed(value) for value in row.values] for row in traversal.rows]
    shared = all(each == values[0] for each in values)
    rows = [
        Row(row.images, f"dimension {row.dimension}", () if shared else of_row)
        for row, of_row in zip(traversal.rows, values, strict=True)
    ]
    return Sheet(title, note(traversal.metadata), rows, values[0] if shared else ())


def edit_sheet(names: Sequence[str], given: Sequence[Image.Image | None], edits: Edits, direction: str) -> Sheet:
    """Put each source in a row, with what was given first and the strengths above."""
    header = [_signed(strength) for strength in edits.strengths]
    rows: list[Row] = []
    any_given = any(picture is not None for picture in given)
    for name, before, after in zip(names, given, edits.rows, strict=True):
        images = [picture.image for picture in after]
        if any_given:
            images = [before or Image.new("RGB", images[0].size, drawing.TRACK), *images]
        rows.append(Row(images, name))
    return Sheet(f"Edited: {direction}", note(edits.metadata), rows, ["given", *header] if any_given else header)


def class_name(index: int, names: Sequence[str]) -> str:
    """Name a class, by its number where it has no name."""
    return names[index] if index < len(names) else str(index)


def _signed(value: float) -> str:
    text = f"{value:+.2f}".rstrip("0").rstrip(".")
    return "0" if text in {"+0", "-0"} else text


def _wrapped(pictures: Sequence[Picture], label: str, columns: int) -> list[Row]:
    return [
        Row([picture.image for picture in pictures[start : start + columns]], "" if start else label)
        for start in range(0, len(pictures), columns)
    ]


def _square(count: int) -> int:
    """Give the columns of the squarest arrangement, none of them left empty where that can be."""
    root = next(side for side in range(1, count + 1) if side * side >= count)
    return next((columns for columns in range(root, min(2 * root, count) + 1) if count % columns == 0), root)
