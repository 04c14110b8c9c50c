"""Encoded bytes to a picture: PNG, JPEG and WebP files of every kind that people send.

1. Limits are checked on the file's length and on the size in its header, before anything is decoded.
2. The first frame is the only one: animations are refused, a JPEG of several pictures (MPO) gives its main one.
3. Colours become one of `MODES`. 16-bit pictures keep the upper byte of each number, which is what Pillow does with
   16-bit colours; CMYK is converted without its profile, as Pillow does, and other profiles are ignored.
4. The orientation of EXIF (or XMP) is applied.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from types import MappingProxyType

import numpy as np
from PIL import ExifTags, Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from podium_server.imaging.formats import ACCEPTED, describe, header_size, sniff
from podium_server.imaging.scans import MOST_SCANS, has_too_many_scans

# The modes of a decoded picture, as Pillow names them: 8 bits a channel; grey, colour, colour with opacity.
MODES = ("L", "RGB", "RGBA")

# Our limit stands in front of Pillow's, whose warning would reach nobody.
Image.MAX_IMAGE_PIXELS = None

# The classes themselves: `Image.open` would warn of large pictures and look for several in each JPEG.
_OPENERS: Mapping[str, Callable[[BytesIO], ImageFile.ImageFile]] = MappingProxyType(
    {"PNG": PngImageFile, "JPEG": JpegImageFile, "WebP": WebPImageFile}
)
_TURNS = MappingProxyType(
    {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
)
_ORIENTED = ("exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif")


class ImageRejected(Exception):
    """A picture cannot be used; the message says what is wrong with it and what would be right."""


@dataclass(frozen=True, slots=True)
class ImageLimits:
    """What a picture may cost.

    Attributes:
        max_bytes: the longest encoded file.
        max_pixels: the most pixels, width times height.
    """

    max_bytes: int
    max_pixels: int


def decode(encoded: bytes, limits: ImageLimits) -> Image.Image:
    """Decode one picture.

    Args:
        encoded: a whole PNG, JPEG or WebP file.
        limits: checked before decoding.

    Returns:
        A picture of one of `MODES`, the right way up.

    Raises:
        ImageRejected: if it is too large, of another format, animated, cut short or corrupt.
    """
    if len(encoded) > limits.max_bytes:
        raise ImageRejected(f"is {len(encoded)} bytes long; at most {limits.max_bytes} are taken")
    name = sniff(encoded)
    if name not in _OPENERS:
        raise ImageRejected(describe(encoded, name))
    if name == "JPEG" and has_too_many_scans(encoded):
        raise ImageRejected(f"is a JPEG of more than {MOST_SCANS} scans: save it again; cameras write 1, the web 10")
    _check_size(header_size(encoded, name), limits)  # opening a WebP reserves memory for all of its pixels
    try:
        image = _OPENERS[name](BytesIO(encoded))
    except Exception as error:
        raise ImageRejected(f"is no whole {name} file: its header is cut short or corrupt ({error})") from error
    _check_size(image.size, limits)
    if getattr(image, "is_animated", False):
        raise ImageRejected(f"is an animated {name}: send one frame, as {ACCEPTED}")
    try:
        image.load()
        return _turn(_normalize(image), image)
    except Exception as error:
        raise ImageRejected(f"is a {name} file that is cut short or corrupt ({error})") from error


def _check_size(size: tuple[int, int] | None, limits: ImageLimits) -> None:
    if size is not None and size[0] * size[1] > limits.max_pixels:
        raise ImageRejected(
            f"is {size[0]}×{size[1]} pixels, {size[0] * size[1]} in all; at most {limits.max_pixels} are taken"
        )


def _normalize(image: Image.Image) -> Image.Image:
    """Convert to one of `MODES`."""
    mode = image.mode
    if mode.startswith("I"):  # 16-bit grey; "I" before Pillow 11
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if "transparency" in image.info or mode in ("LA", "PA"):
        return image.convert("RGBA")
    if mode in MODES:
        return image
    return image.convert("L" if mode == "1" else "RGB")


def _turn(image: Image.Image, source: Image.Image) -> Image.Image:
    """Apply the orientation that the file states; one that cannot be read is none."""
    if not any(key in source.info for key in _ORIENTED):
        return image
    try:
        orientation = source.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # noqa: BLE001 - broken metadata of a sound picture, in as many ways as there are cameras
        return image
    turn = _TURNS.get(orientation) if isinstance(orientation, int) else None
    return image if turn is None else image.transpose(turn)
