"""Pictures with what was said of them, as cards."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageOps

from podium_client.sequences import GeneratedSequences
from podium_client.sheets import drawing

_WIDTH, _SIDE, _GAP, _PADDING, _TITLE = 336, 176, 24, 20, 104
_ROW = 46
_COLUMNS = 4


@dataclass(frozen=True, slots=True, eq=False)
class CaptionedPicture:
    """A picture with its captions.

    Attributes:
        picture: what was shown.
        captions: what was said, best first.
        truth: what it shows; empty: nobody says.
        note: what stands below: why it is easy or hard.
    """

    picture: Image.Image
    captions: GeneratedSequences
    truth: str
    note: str

    @property
    def right(self) -> bool:
        """Whether the best caption says what it shows."""
        return self.captions.text == self.truth


def draw_captions(title: str, subtitle: str, note: str, shown: Sequence[CaptionedPicture]) -> Image.Image:
    """Draw a card for each picture: right captions in blue, wrong ones in red with what it really shows."""
    most = max(len(each.captions) for each in shown)
    height = _SIDE + 2 * _PADDING + most * _ROW + 34
    columns = min(_COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    width = columns * (_WIDTH + _GAP) + _GAP
    canvas = drawing.Canvas.blank(width, _TITLE + rows * (height + _GAP))
    canvas.text(_GAP, 46, title, size=28)
    canvas.text(width - _GAP, 46, note, size=20, fill=drawing.MUTED, anchor="rs")
    canvas.text(_GAP, 80, subtitle, size=19, fill=drawing.MUTED, room=width - 2 * _GAP)
    for number, each in enumerate(shown):
        row, column = divmod(number, columns)
        _card(canvas, _GAP + column * (_WIDTH + _GAP), _TITLE + row * (height + _GAP), height, each)
    return canvas.image


def _card(canvas: drawing.Canvas, x: int, y: int, height: int, each: CaptionedPicture) -> None:
    canvas.card(x, y, _WIDTH, height)
    left, width = x + _PADDING, _WIDTH - 2 * _PADDING
    fitted = ImageOps.contain(each.picture.convert("RGB"), (width, _SIDE), Image.Resampling.LANCZOS)
    canvas.image.paste(fitted, (x + (_WIDTH - fitted.width) // 2, y + _PADDING))
    for rank, sequence in enumerate(each.captions):
        baseline = y + _PADDING + _SIDE + 32 + rank * _ROW
        best = rank == 0
        ink = drawing.MUTED if not best else drawing.INK if each.right or not each.truth else drawing.WRONG
        percent = f"{sequence.probability:.0%}" if sequence.probability >= 0.01 else "< 1%"
        canvas.text(left, baseline, sequence.text, size=19, fill=ink, room=width - 64)
        canvas.text(left + width, baseline, percent, size=18, fill=ink, anchor="rs")
        colour = drawing.FAINT_ACCENT if not best else drawing.ACCENT if ink == drawing.INK else drawing.WRONG
        canvas.bar(left, baseline + 8, width, 6, fraction=sequence.probability, fill=colour)
    text = each.note if each.right or not each.truth else f"{each.note}: {each.truth}"
    canvas.text(left, y + height - 16, text, size=17, fill=drawing.MUTED, room=width)
