"""Pictures in the terminal: by its own protocol where it has one, else as cells of two coloured halves.

Protocols: kitty's terminal graphics protocol (sw.kovidgoyal.net/kitty/graphics-protocol), and iTerm2's inline images
(iterm2.com/documentation-images.html).
"""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum

from PIL import Image
from rich.color import Color
from rich.console import Console
from rich.style import Style
from rich.text import Text

from podium_client.sheets.sheet import Sheet

_KITTY_CHUNK = 4096
_CELL_PIXELS = 10  # a usual cell's width, so that a sheet is shown at about its own size
_LEAST_CELLS = 14  # a digit is still read
_MOST_WIDTH = 100
_MOST_ROWS = 3


class Display(Enum):
    """What a terminal can show."""

    NOTHING = "nothing"
    CELLS = "cells"
    KITTY = "kitty"
    ITERM2 = "iterm2"


def display_of(console: Console, environment: Mapping[str, str]) -> Display:
    """Find out what a console can show; nothing, where it is no terminal or has few colours."""
    if not console.is_terminal:
        return Display.NOTHING
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    # Multiplexers do not hand protocols through.
    if "TMUX" not in environment and not term.startswith(("screen", "tmux")):
        if "KITTY_WINDOW_ID" in environment or term in {"xterm-kitty", "xterm-ghostty"}:
            return Display.KITTY
        if program in {"iTerm.app", "WezTerm"} or environment.get("LC_TERMINAL") == "iTerm2":
            return Display.ITERM2
    return Display.CELLS if console.color_system in {"truecolor", "256"} and not console.no_color else Display.NOTHING


def show_sheet(sheet: Sheet, drawn: Image.Image, console: Console, display: Display) -> None:
    """Show a sheet: as it was drawn, or its first pictures as cells."""
    if display is Display.NOTHING:
        return
    if display is Display.CELLS:
        pictures = [row.pictures for row in sheet.rows]
        for line in cell_lines(pictures, min(console.width, _MOST_WIDTH)):
            console.print(line)
        return
    columns = min(console.width, round(drawn.width / _CELL_PIXELS))
    file = io.BytesIO()
    drawn.save(file, "PNG")
    sequence = kitty_sequence if display is Display.KITTY else iterm2_sequence
    console.file.write(sequence(file.getvalue(), columns) + "\n")
    console.file.flush()


def kitty_sequence(png: bytes, columns: int) -> str:
    """Write a PNG file for kitty, so many cells wide."""
    text = base64.b64encode(png).decode()
    chunks = [text[start : start + _KITTY_CHUNK] for start in range(0, len(text), _KITTY_CHUNK)]
    parts: list[str] = []
    for number, chunk in enumerate(chunks):
        keys = f"a=T,f=100,c={columns}," if number == 0 else ""
        parts.append(f"\x1b_G{keys}m={int(number < len(chunks) - 1)};{chunk}\x1b\\")
    return "".join(parts)


def iterm2_sequence(png: bytes, columns: int) -> str:
    """Write a PNG file for iTerm2, so many cells wide."""
    text = base64.b64encode(png).decode()
    return f"\x1b]1337;File=inline=1;size={len(png)};width={columns};preserveAspectRatio=1:{text}\x07"


def cell_lines(rows: Sequence[Sequence[Image.Image]], width: int) -> Iterator[Text]:
    """Draw the first pictures of the first rows, each cell two pixels: one above the other."""
    most = max(1, (width + 1) // (_LEAST_CELLS + 1))
    shown = [row[:most] for row in rows[:_MOST_ROWS]]
    columns = max(len(row) for row in shown)
    own = max(max(picture.size) for picture in shown[0])
    side = min((width + 1) // columns - 1, own, 2 * _LEAST_CELLS)
    side -= side % 2
    for row in shown:
        small = [picture.convert("RGB").resize((side, side), Image.Resampling.BOX) for picture in row]
        for y in range(0, side, 2):
            yield Text(" ").join(_cells(picture, y) for picture in small)
        yield Text()
    left_out = sum(len(row) for row in rows) - sum(len(row) for row in shown)
    if left_out:
        yield Text(f"and {left_out:,} more", style="dim")


def _cells(picture: Image.Image, y: int) -> Text:
    line = Text()
    for x in range(picture.width):
        line.append("▀", Style(color=_color(picture, x, y), bgcolor=_color(picture, x, y + 1)))
    return line


def _color(picture: Image.Image, x: int, y: int) -> Color:
    pixel = picture.getpixel((x, y))
    assert isinstance(pixel, tuple)
    return Color.from_rgb(*pixel[:3])
