"""Pictures of every kind that a program has, as messages."""

import asyncio
import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias, cast

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageOps
from podium.v1 import image_pb2

from podium_client.errors import InvalidArgumentError
from podium_client.tensors import Array, Tensor, encode_tensor

ImageLike: TypeAlias = str | os.PathLike[str] | bytes | PillowImage.Image | Array | Tensor
"""A path, the bytes of a PNG, JPEG or WebP file, a Pillow image, an array, or a `Tensor`.

An array of uint8, (height, width) or (height, width, 1 | 3 | 4), is a picture: grey, RGB or RGBA.
An array of floats is one row of the network's own input, sent as it is (float64 as float32).
"""

_SMALL = 1 << 14  # elements that are compressed in a tenth of a millisecond

_KINDS = "a path, the bytes of a file, a Pillow image, a numpy array or a Tensor"

# Pillow's modes that PNG holds without loss; every other one is brought to RGB, as the server would.
_PNG_MODES = frozenset({"1", "L", "LA", "I;16", "P", "RGB", "RGBA"})


def encode_images(images: Sequence[ImageLike]) -> list[image_pb2.Image]:
    """Write pictures as messages, reading files and compressing pixels: work for a thread.

    Raises:
        InvalidArgumentError: one of them is no picture; `.field` says which.
        OSError: a file cannot be read.
    """
    return [encode_image(image, f"images[{index}]") for index, image in enumerate(images)]


async def encode_images_aside(images: Sequence[ImageLike]) -> list[image_pb2.Image]:
    """Do the same without holding up the event loop: in a thread, unless it takes less than handing it over.

    Raises:
        InvalidArgumentError: one of them is no picture; `.field` says which.
        OSError: a file cannot be read.
    """
    return encode_images(images) if encodes_at_once(images) else await asyncio.to_thread(encode_images, images)


def one_or_many(images: ImageLike | Sequence[ImageLike]) -> tuple[bool, Sequence[ImageLike]]:
    """Say whether one picture was given rather than several, and give a sequence of them in any case.

    Raises:
        InvalidArgumentError: a list without pictures.
    """
    one = not isinstance(images, Sequence) or isinstance(images, str | bytes)
    pictures = cast("Sequence[ImageLike]", [images] if one else images)
    if not pictures:
        raise InvalidArgumentError("images: an empty list; give at least one picture", field="images")
    return one, pictures


def encodes_at_once(images: Sequence[ImageLike]) -> bool:
    """Whether writing these pictures as messages takes less than handing the work to a thread."""
    return all(
        isinstance(image, bytes | Tensor) or (isinstance(image, np.ndarray) and image.size <= _SMALL)
        for image in images
    )


def encode_image(image: ImageLike, field: str) -> image_pb2.Image:
    """Write one picture as a message; `field` is its name in error messages.

    Raises:
        InvalidArgumentError: it is no picture.
        OSError: its file cannot be read.
    """
    match image:
        case bytes():
            return image_pb2.Image(encoded=image)
        case str() | os.PathLike():
            return image_pb2.Image(encoded=Path(image).read_bytes())
        case PillowImage.Image():
            return image_pb2.Image(encoded=_png_of_image(image, field))
        case Tensor():
            return image_pb2.Image(tensor=encode_tensor(image.array, field))
        case np.ndarray():
            return _of_array(image, field)
        case _:
            raise InvalidArgumentError(f"{field}: a {type(image).__name__}; give {_KINDS}", field=field)


def _of_array(array: Array, field: str) -> image_pb2.Image:
    if array.dtype == np.uint8:
        return image_pb2.Image(encoded=_png(_picture_of_array(array, field)))
    if array.dtype.kind == "f" or array.dtype.name == "bfloat16":
        row = array.astype(np.float32) if array.dtype == np.float64 else array
        return image_pb2.Image(tensor=encode_tensor(row, field))
    raise InvalidArgumentError(
        f"{field}: an array of {array.dtype}; give uint8 for a picture, floats for the network's own input, "
        "or podium_client.Tensor(array) to send it as it is",
        field=field,
    )


def _picture_of_array(array: Array, field: str) -> PillowImage.Image:
    shape = array.shape
    if array.size and (array.ndim == 2 or (array.ndim == 3 and shape[2] in (1, 3, 4))):
        return PillowImage.fromarray(array[..., 0] if array.ndim == 3 and shape[2] == 1 else array)
    hint = ""
    if array.ndim == 4:
        hint = "; for several pictures give a list of arrays: list(batch)"
    elif array.ndim == 3 and shape[0] in (1, 3, 4):
        hint = "; channels come last: array.transpose(1, 2, 0)"
    raise InvalidArgumentError(
        f"{field}: a uint8 array of shape {shape}; a picture is (height, width) or (height, width, 1, 3 or 4){hint}",
        field=field,
    )


def _png_of_image(image: PillowImage.Image, field: str) -> bytes:
    upright = ImageOps.exif_transpose(image)  # as the server does with the file it came from
    if upright.mode == "I" and _fits_16_bits(upright):
        return _png(upright.convert("I;16"))
    if upright.mode in {"F", "I"}:
        raise InvalidArgumentError(
            f"{field}: a Pillow image of mode {upright.mode}, whose numbers have no agreed range; convert it to "
            "L or RGB, or give the network's own input as an array",
            field=field,
        )
    return _png(upright if upright.mode in _PNG_MODES else upright.convert(_nearest_png_mode(upright.mode)))


def _nearest_png_mode(mode: str) -> str:
    return {"La": "LA", "PA": "RGBA", "RGBa": "RGBA"}.get(mode, "RGB")


def _fits_16_bits(image: PillowImage.Image) -> bool:
    pixels = np.asarray(image)
    return bool(pixels.size and pixels.min() >= 0 and pixels.max() <= 65535)


def _png(image: PillowImage.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, format="PNG", compress_level=1)  # lossless at any level; 1 takes a third of the time of 6
    return file.getvalue()
