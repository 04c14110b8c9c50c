"""Texts side by side, each on a card with a heading."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from podium_client.sheets import drawing

_WIDTH, _GAP, _PADDING, _TITLE, _HEADING = 620, 24, 24, 76, 56
_SIZE, _LINE = 20, 29


@dataclass(frozen=True, slots=True)
class Passage:
    """A text under a heading.

    Attributes:
        heading: what it is.
        note: what stands at the right of the heading.
        prompt: the beginning that was given, drawn paler.
        text: what was written.
    """

    heading: str
    note: str
    prompt: str
    text: str


def draw_passages(title: str, note: str, passages: Sequence[Passage], *, columns: int, num_lines: int) -> Image.Image:
    """Draw passages in rows, the first lines of each."""
    rows = -(-len(passages) // columns)
    height = _HEADING + num_lines * _LINE + _PADDING
    width = columns * (_WIDTH + _GAP) + _GAP
    canvas = drawing.Canvas.blank(width, _TITLE + rows * (height + _GAP))
    canvas.text(_GAP, 48, title, size=28)
    canvas.text(width - _GAP, 48, note, size=20, fill=drawing.MUTED, anchor="rs")
    for number, passage in enumerate(passages):
        row, column = divmod(number, columns)
        x, y = _GAP + column * (_WIDTH + _GAP), _TITLE + row * (height + _GAP)
        canvas.card(x, y, _WIDTH, height)
        canvas.text(x + _PADDING, y + 38, passage.heading, size=22)
        canvas.text(x + _WIDTH - _PADDING, y + 38, passage.note, size=18, fill=drawing.MUTED, anchor="rs")
        for place, (line, fill) in enumerate(_lines(passage)[:num_lines]):
            baseline = y + _HEADING + 20 + place * _LINE
            canvas.text(x + _PADDING, baseline, line, size=_SIZE, fill=fill, room=_WIDTH - 2 * _PADDING)
    return canvas.image


def _lines(passage: Passage) -> list[tuple[str, str]]:
    """Break what is given and what is written into lines, each in its colour."""
    given = passage.prompt.removesuffix("\n")
    broken = [(line, drawing.MUTED) for line in given.split("\n")]
    written = passage.text
    if given == passage.prompt:  # the text goes on in the prompt's last line, which is drawn in one colour
        written = f"{broken.pop()[0]}{written}"
    for line in written.split("\n"):
        broken += [(part, drawing.INK) for part in textwrap.wrap(line, 62) or [""]]
    return broken
