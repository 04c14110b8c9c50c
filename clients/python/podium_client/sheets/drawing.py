"""The look of podium's pictures: colours, type, bars."""

import functools
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont, ImageOps

PAPER = "#f4f2ee"
CARD = "#ffffff"
INK = "#1c1f26"
MUTED = "#747b87"
ACCENT = "#2f6fde"
FAINT_ACCENT = "#9dbcf0"
TRACK = "#e9e7e2"
WRONG = "#d0342c"

Corners = tuple[bool, bool, bool, bool]
ALL_CORNERS: Corners = (True, True, True, True)
UPPER_CORNERS: Corners = (True, True, False, False)

RADIUS = 14

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


# What Pillow's own typeface has beyond ASCII, as far as it is used here.
_OWN = frozenset("·…±°’“")
# Typefaces of Linux, macOS and Windows for what it lacks: the names of people's files and classes.
_WIDER = ("DejaVuSans.ttf", "Arial Unicode.ttf", "arial.ttf")


@functools.cache
def font(size: float) -> Font:
    """Give the typeface that Pillow brings along, in pixels."""
    return ImageFont.load_default(size)


def font_for(text: str, size: float) -> Font:
    """Give one that has the text's characters, where the machine has such a one."""
    return font(size) if all(character.isascii() or character in _OWN for character in text) else _wider_font(size)


@functools.cache
def _wider_font(size: float) -> Font:
    for name in _WIDER:
        try:
            return ImageFont.truetype(name, size)
        except OSError:
            continue
    return font(size)


@dataclass(frozen=True, slots=True)
class Canvas:
    """A picture that is drawn on."""

    image: Image.Image
    draw: ImageDraw.ImageDraw

    @classmethod
    def blank(cls, width: int, height: int) -> "Canvas":
        """Begin with empty paper."""
        image = Image.new("RGB", (width, height), PAPER)
        return cls(image, ImageDraw.Draw(image))

    def card(self, x: int, y: int, width: int, height: int) -> None:
        """Draw a white card."""
        self.draw.rounded_rectangle((x, y, x + width, y + height), radius=RADIUS, fill=CARD)

    def photo(
        self,
        picture: Image.Image,
        box: tuple[int, int, int, int],
        corners: Corners = ALL_CORNERS,
        *,
        radius: int = RADIUS,
    ) -> None:
        """Paste a picture that fills a box (x, y, width, height), cut rather than stretched."""
        x, y, width, height = box
        fitted = ImageOps.fit(picture.convert("RGB"), (width, height), Image.Resampling.LANCZOS, centering=(0.5, 0.2))
        mask = Image.new("L", (width * 4, height * 4), 0)
        ImageDraw.Draw(mask).rounded_rectangle(
            (0, 0, width * 4, height * 4), radius=radius * 4, fill=255, corners=corners
        )
        self.image.paste(fitted, (x, y), mask.resize((width, height), Image.Resampling.LANCZOS))

    def text(
        self, x: float, y: float, text: str, *, size: float, fill: str = INK, anchor: str = "ls", room: float = 1e9
    ) -> None:
        """Write a line on a baseline, shortened to the room there is."""
        chosen = font_for(text, size)
        self.draw.text((x, y), shortened(text, chosen, room), font=chosen, fill=fill, anchor=anchor)

    def bar(self, x: float, y: float, width: float, height: float, *, fraction: float, fill: str) -> None:
        """Draw a fraction of 0 ... 1."""
        radius = height / 2
        self.draw.rounded_rectangle((x, y, x + width, y + height), radius=radius, fill=TRACK)
        if fraction > 0:
            filled = max(height, width * min(fraction, 1.0))
            self.draw.rounded_rectangle((x, y, x + filled, y + height), radius=radius, fill=fill)


def shortened(text: str, chosen: Font, room: float) -> str:
    """Cut a text to the room there is, with an ellipsis where it was cut."""
    if chosen.getlength(text) <= room:
        return text
    while text and chosen.getlength(text + "…") > room:
        text = text[:-1]
    return text.rstrip(" ,") + "…"
