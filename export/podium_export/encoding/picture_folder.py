"""Finds the pictures of a folder and opens them as the server opens what it is sent."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from podium_export.errors import OptionError, PictureError

FORMATS = ("PNG", "JPEG", "WEBP")
_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp"})


def pictures_of(folder: Path, option: str, *, at_least: int = 1) -> list[Path]:
    """List the pictures of a folder and the folders in it, in the order of their names.

    Hidden files, and those that do not end as a PNG, JPEG or WebP file does, are passed over.

    Args:
        folder: where they are.
        option: what the command line calls the folder, for messages.
        at_least: how many are needed.

    Raises:
        OptionError: it is no folder, or holds too few.
    """
    if not folder.is_dir():
        raise OptionError(f"{option} {folder}: there is no such folder")
    found = sorted(path for path in folder.rglob("*") if _is_picture(path.relative_to(folder)) and path.is_file())
    if len(found) < at_least:
        holds = f"holds {len(found)} pictures" if found else "holds no picture"
        raise OptionError(f"{option} {folder}: {holds} (.png, .jpg, .webp); it must hold at least {at_least}")
    return found


def open_picture(path: Path) -> Image.Image:
    """Open a picture: mode L, RGB or RGBA, the right way up.

    Raises:
        PictureError: it cannot be read, or is animated.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            if getattr(image, "is_animated", False) and image.format != "MPO":  # a phone's JPEG with a preview behind
                raise PictureError(f"{path}: is animated; give single pictures")
            image.load()
            return _plain(ImageOps.exif_transpose(image))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise PictureError(
            f"{path}: cannot be read as a PNG, JPEG or WebP file ({error}); remove it or save it again"
        ) from error


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in _SUFFIXES and not any(part.startswith(".") for part in path.parts)


def _plain(image: Image.Image) -> Image.Image:
    """Convert to eight bits a channel: grey, colour, or colour with opacity."""
    if image.mode.startswith("I"):  # sixteen bits of grey
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if "transparency" in image.info or image.mode in ("LA", "PA", "RGBA"):
        return image.convert("RGBA")
    return image if image.mode in ("L", "RGB") else image.convert("L" if image.mode == "1" else "RGB")
