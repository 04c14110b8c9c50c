"""A sheet of small pictures in rows, with a title, and labels beside, above and below them."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageOps

from podium_client.sheets import drawing

_GAP, _MARGIN, _TITLE, _CAPTION, _HEADER = 10, 24, 76, 26, 34
_LABEL_SIZE, _CAPTION_SIZE = 20, 16
_MOST_LABEL_ROOM = 220
_LEAST_WIDTH = 640
_ROOM = 1320  # pixels for the pictures of a row, where that leaves them large enough to be seen
_LARGEST, _SMALLEST = 128, 28
_PIXELS_SHOWN = 32  # pictures up to this size are drawn with their pixels as squares: what the network made


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A row of pictures.

    Attributes:
        pictures: of any size and kind.
        label: what stands before them.
        captions: what stands below each; empty: nothing below any.
    """

    pictures: Sequence[Image.Image]
    label: str = ""
    captions: Sequence[str] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Rows of pictures under a title.

    Attributes:
        title: what is shown.
        note: what stands at the right of the title: who made it.
        rows: 1 or more, each with 1 picture or more.
        header: what stands above each column; empty: nothing.
    """

    title: str
    note: str
    rows: Sequence[Row]
    header: Sequence[str] = ()

    @property
    def num_columns(self) -> int:
        """The pictures of the longest row."""
        return max(len(row.pictures) for row in self.rows)

    def draw(self) -> Image.Image:
        """Draw it, pixels of small pictures as squares."""
        side = _side(self)
        labels = _label_room(self)
        left = _MARGIN + labels
        width = max(_LEAST_WIDTH, left + self.num_columns * (side + _GAP) - _GAP + _MARGIN)
        top = _TITLE + (_HEADER if self.header else 0)
        height = top + sum(_row_height(row, side) for row in self.rows) - _GAP + _MARGIN
        canvas = drawing.Canvas.blank(width, height)
        _write_title(canvas, self, width)
        for column, text in enumerate(self.header):
            _write_centred(canvas, left + column * (side + _GAP), top - 12, text, side)
        for row in self.rows:
            _draw_row(canvas, row, left, top, side)
            top += _row_height(row, side)
        return canvas.image


def _side(sheet: Sheet) -> int:
    """Choose the pictures' side: a whole multiple of their own, where their pixels are drawn as squares."""
    longest = max(max(picture.size) for row in sheet.rows for picture in row.pictures[:1])
    room = max(_SMALLEST, min(_LARGEST, _ROOM // sheet.num_columns - _GAP))
    return longest * (room // longest) if longest <= min(room, _PIXELS_SHOWN) else min(2 * longest, room)


def _label_room(sheet: Sheet) -> int:
    longest = max(drawing.font_for(row.label, _LABEL_SIZE).getlength(row.label) for row in sheet.rows)
    return round(min(longest, _MOST_LABEL_ROOM)) + 16 if longest else 0


def _row_height(row: Row, side: int) -> int:
    return side + _GAP + (_CAPTION if row.captions else 0)


def _write_title(canvas: drawing.Canvas, sheet: Sheet, width: int) -> None:
    font = drawing.font(20)
    note_room = min(font.getlength(sheet.note), width * 0.5)
    canvas.text(_MARGIN, 48, sheet.title, size=28, room=width - 2 * _MARGIN - note_room - 24)
    canvas.text(width - _MARGIN, 48, sheet.note, size=20, fill=drawing.MUTED, anchor="rs", room=note_room + 1)


def _draw_row(canvas: drawing.Canvas, row: Row, left: int, top: int, side: int) -> None:
    if row.label:
        middle = top + side / 2 + _LABEL_SIZE / 3
        canvas.text(left - 16, middle, row.label, size=_LABEL_SIZE, anchor="rs", room=_MOST_LABEL_ROOM)
    for column, picture in enumerate(row.pictures):
        x = left + column * (side + _GAP)
        canvas.photo(_enlarged(picture, side), (x, top, side, side), radius=min(drawing.RADIUS, side // 10))
    for column, caption in enumerate(row.captions):
        _write_centred(canvas, left + column * (side + _GAP), top + side + 19, caption, side)


def _write_centred(canvas: drawing.Canvas, x: float, baseline: float, text: str, room: float) -> None:
    canvas.text(x + room / 2, baseline, text, size=_CAPTION_SIZE, fill=drawing.MUTED, anchor="ms", room=room)


def _enlarged(picture: Image.Image, side: int) -> Image.Image:
    """Bring a picture to its place's size: all of it, with paper beside it where it is no square."""
    upright = picture.convert("RGB")
    if max(picture.size) <= _PIXELS_SHOWN and side % max(picture.size) == 0:
        upright = ImageOps.scale(upright, side / max(picture.size), Image.Resampling.NEAREST)
    return ImageOps.pad(upright, (side, side), Image.Resampling.LANCZOS, color=drawing.TRACK)
