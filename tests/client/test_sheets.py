"""Sheets of pictures, and pictures in the terminal."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image
from podium_client import Edits, Picture, Reconstructions, ResponseMetadata, Timings, Traversal, TraversalRow
from podium_client.commands.terminal_picture import (
    Display,
    cell_lines,
    display_of,
    iterm2_sequence,
    kitty_sequence,
    show_sheet,
)
from podium_client.sheets import answers, drawing
from podium_client.sheets.sheet import Row, Sheet
from rich.console import Console

from tests.client.fake_images import png

METADATA = ResponseMetadata("gan", 3, 7, "CPUExecutionProvider", Timings(4, 1, 0.5, 2))


def picture(brightness: int = 9, class_index: int | None = None) -> Picture:
    return Picture(png(brightness), np.zeros(4, np.float32), class_index, METADATA)


def test_small_pictures_are_drawn_with_their_pixels_as_squares() -> None:
    """Each of the two pixels of this row is a block of one colour."""
    source = Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8))

    drawn = np.asarray(Sheet("two", "", [Row([source])]).draw())

    side = 128
    cell = drawn[76 : 76 + side, 24 : 24 + side]
    assert (cell[side // 4, 4 : side // 2 - 4] == 0).all()
    assert (cell[side // 4, side // 2 + 4 : -16] == 255).all()


def test_a_picture_that_is_no_square_is_shown_whole() -> None:
    """With paper beside it."""
    wide = Image.new("RGB", (40, 20), "#ff0000")

    drawn = np.asarray(Sheet("wide", "", [Row([wide])]).draw())

    red = (drawn == (255, 0, 0)).all(axis=-1)
    assert (red.sum(axis=0).max(), red.sum(axis=1).max()) == (40, 80)


def test_many_columns_make_small_pictures() -> None:
    """A sheet of a hundred columns is no wider than pictures of 28 pixels want."""
    sheet = Sheet("many", "", [Row([Image.new("L", (28, 28))] * 100)]).draw()

    assert sheet.width == 2 * 24 + 100 * (28 + 10) - 10


def test_samples_of_several_classes_have_a_row_a_class() -> None:
    """With its name before it; one class alone is named in the title."""
    mixed = answers.sample_sheet([picture(class_index=index % 3) for index in range(7)], ["zero", "one"])
    alone = answers.sample_sheet([picture(class_index=1)] * 4, ["zero", "one"])

    assert [(row.label, len(row.pictures)) for row in mixed.rows] == [("zero", 3), ("one", 2), ("2", 2)]
    assert alone.title == "4 samples of class one"
    assert mixed.note == "gan/3 · seed 7"


def test_very_many_samples_of_several_classes_make_no_endless_sheet() -> None:
    """Its rows grow as its columns do."""
    sheet = answers.sample_sheet([picture(class_index=index % 2) for index in range(3200)])

    assert (sheet.num_columns, len(sheet.rows)) == (56, 58)


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (16, 4), (64, 8), (12, 4), (7, 3), (10, 5), (17, 5)])
def test_samples_without_classes_are_laid_out_squarely(count: int, columns: int) -> None:
    """Without gaps where that can be."""
    assert answers.sample_sheet([picture()] * count).num_columns == columns


def test_reconstructions_stand_below_what_was_given() -> None:
    """Ten in a row, with names and errors."""
    made = Reconstructions((picture(),) * 12, METADATA, tuple(index / 100 for index in range(12)))
    given = [Image.new("L", (6, 6))] * 12

    sheet = answers.reconstruction_sheet([f"n{index}" for index in range(12)], given, made)

    assert [len(row.pictures) for row in sheet.rows] == [10, 10, 2, 2]
    assert [row.label for row in sheet.rows] == ["given", "made"] * 2
    assert list(sheet.rows[2].captions) == ["n10", "n11"]
    assert list(sheet.rows[3].captions) == ["0.1000", "0.1100"]


def test_a_way_stands_between_the_pictures_that_were_given() -> None:
    """A seed's end has none."""
    sheet = answers.way_sheet([picture()] * 3, (Image.new("L", (6, 6)), None), ("a.png", "seed 4"))

    assert list(sheet.header) == ["a.png", "0%", "50%", "100%"]
    assert sheet.title == "From a.png to seed 4"


def test_a_traversals_values_stand_above_where_all_rows_share_them() -> None:
    """Below each picture where they differ."""

    def row(dimension: int, low: float) -> TraversalRow:
        return TraversalRow((picture(),) * 3, METADATA, dimension, np.array([low, 0, 1.5], np.float32))

    shared = answers.traversal_sheet(Traversal((row(2, -1.5), row(0, -1.5)), METADATA), "Traversal")
    differing = answers.traversal_sheet(Traversal((row(2, -1.5), row(0, -1)), METADATA), "Traversal")

    assert list(shared.header) == ["-1.5", "0", "+1.5"]
    assert [each.label for each in shared.rows] == ["dimension 2", "dimension 0"]
    assert (list(differing.header), list(differing.rows[1].captions)) == ([], ["-1", "0", "+1.5"])


def test_edits_stand_beside_what_was_given() -> None:
    """Where any of it was a picture."""
    edits = Edits((picture(),) * 4, METADATA, (-1.0, 1.0))

    both = answers.edit_sheet(["a", "b"], [Image.new("L", (6, 6)), None], edits, "smile")
    neither = answers.edit_sheet(["a", "b"], [None, None], edits, "smile")

    assert list(both.header) == ["given", "-1", "+1"]
    assert (both.num_columns, neither.num_columns) == (3, 2)


def test_a_long_title_is_cut_rather_than_written_over_the_note() -> None:
    """The paper between them stays paper."""
    drawn = np.asarray(Sheet("x" * 200, "gan/3", [Row([Image.new("L", (6, 6))])]).draw())

    paper = tuple(int(drawing.PAPER[place : place + 2], 16) for place in (1, 3, 5))
    assert (drawn[20:60, 540:548] == paper).all()


@pytest.mark.parametrize(
    ("environment", "display"),
    [
        ({"TERM": "xterm-kitty"}, Display.KITTY),
        ({"KITTY_WINDOW_ID": "1"}, Display.KITTY),
        ({"KITTY_WINDOW_ID": "1", "TMUX": "/tmp/tmux"}, Display.CELLS),
        ({"TERM": "screen-256color", "TERM_PROGRAM": "iTerm.app"}, Display.CELLS),
        ({"TERM_PROGRAM": "iTerm.app"}, Display.ITERM2),
        ({"TERM_PROGRAM": "WezTerm"}, Display.ITERM2),
        ({"LC_TERMINAL": "iTerm2"}, Display.ITERM2),
        ({"TERM": "xterm-256color"}, Display.CELLS),
    ],
)
def test_a_terminal_shows_what_it_can(environment: dict[str, str], display: Display) -> None:
    """Its own protocol, unless a multiplexer stands between."""
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", _environ={})

    assert display_of(console, environment) is display


def test_what_is_no_terminal_shows_nothing() -> None:
    """Nor does one without colours."""
    piped = Console(file=io.StringIO(), force_terminal=False, _environ={})
    plain = Console(file=io.StringIO(), force_terminal=True, color_system=None, _environ={})
    asked = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", no_color=True, _environ={})

    assert {display_of(console, {"TERM": "xterm"}) for console in (piped, plain, asked)} == {Display.NOTHING}


def test_cells_have_two_pixels_each() -> None:
    """The upper one in front, the lower one behind it."""
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[0, 0], pixels[1, 0] = (255, 0, 0), (0, 0, 255)

    lines = list(cell_lines([[Image.fromarray(pixels)]], 80))

    style = lines[0].spans[0].style
    assert [line.plain for line in lines] == ["▀▀▀▀", "▀▀▀▀", ""]
    assert str(style) == "#ff0000 on #0000ff"


@pytest.mark.parametrize("width", [20, 80, 100])
def test_cells_fit_the_terminal_and_say_what_they_leave_out(width: int) -> None:
    """At most three rows, each picture large enough to be read."""
    rows = [[Image.new("L", (28, 28))] * 8] * 8

    *lines, last = cell_lines(rows, width)

    shown = max(len(line.plain.split(" ")) for line in lines)
    assert max(line.cell_len for line in lines) <= width
    assert min(len(part) for line in lines if line.plain for part in line.plain.split(" ")) >= min(14, width - 1)
    assert last.plain == f"and {64 - 3 * shown} more"


def test_kitty_gets_a_file_in_chunks() -> None:
    """Of 4,096 characters, marked as to be continued but for the last."""
    file = bytes(range(256)) * 30

    parts = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", kitty_sequence(file, 40))

    assert [keys for keys, _ in parts] == ["a=T,f=100,c=40,m=1", "m=1", "m=0"]
    assert max(len(data) for _, data in parts) == 4096
    assert base64.b64decode("".join(data for _, data in parts)) == file


def test_iterm2_gets_a_file_at_once() -> None:
    """With its size, and shown rather than downloaded."""
    sequence = iterm2_sequence(b"file", 40)

    assert sequence == "\x1b]1337;File=inline=1;size=4;width=40;preserveAspectRatio=1:ZmlsZQ==\x07"


@pytest.mark.parametrize(("display", "begins"), [(Display.KITTY, "\x1b_G"), (Display.ITERM2, "\x1b]1337;File=")])
def test_a_sheet_is_shown_as_it_was_drawn(display: Display, begins: str) -> None:
    """In the terminal's own way."""
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=80, _environ={})
    sheet = Sheet("one", "", [Row([Image.new("L", (6, 6))])])

    show_sheet(sheet, sheet.draw(), console, display)

    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().startswith(begins)
