"""From a decoder's output to the pictures of an answer: PNG files, tensors, or one grid.

Encoding takes longer than many a decoder, so it is done on the image pool's threads, a few pictures a piece.
Shapes: N pictures, D dimensions.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from podium.v1 import image_service_pb2 as wire
from podium.v1 import tensor_pb2

from podium_server.elements import ELEMENTS
from podium_server.errors import InvalidArgument, RunFailed
from podium_server.imaging.pool import PIECE_EFFORT, ImagePool
from podium_server.pictures.grid import grid, grid_pixels
from podium_server.pictures.pixel_map import PixelMap
from podium_server.pictures.png import encode_png

T = TypeVar("T")

# A picture that is copied costs this much less than one that is encoded.
_COPIED = 16
_ELEMENT_BY_DTYPE = {element.dtype: element.proto for element in ELEMENTS}


@dataclass(frozen=True, slots=True)
class Decoded:
    """Pictures as a decoder gave them.

    Attributes:
        images: (N, …), in the network's own numbers.
        latents: (N, D), what they were decoded from; None for networks that cannot be cut in two.
        classes: (N,), what they were asked for; None for models without classes.
        start: the first one's place in the answer.
    """

    images: NDArray[Any]
    latents: NDArray[np.float32] | None = None
    classes: NDArray[np.int64] | None = None
    start: int = 0

    def pieces(self) -> Iterator["Decoded"]:
        """Divide them into pieces of work for a thread."""
        size = max(1, PIECE_EFFORT // max(1, self.images[0].size))
        for i in range(0, len(self.images), size):
            part = slice(i, i + size)
            latents = None if self.latents is None else self.latents[part]
            classes = None if self.classes is None else self.classes[part]
            yield Decoded(self.images[part], latents, classes, self.start + i)


class Painter:
    """Paints for one call.

    Args:
        pool: whose threads do it.
        pixel_map: how the model's output becomes pixels.
        picture_format: what the caller wants.
        max_bytes: the most bytes of an answer.
        max_grid_pixels: the most pixels of a grid.

    Raises:
        InvalidArgument: the format is not one.
    """

    def __init__(
        self,
        pool: ImagePool,
        pixel_map: PixelMap,
        picture_format: int,
        *,
        max_bytes: int,
        max_grid_pixels: int,
    ) -> None:
        if picture_format not in wire.PictureFormat.values():
            raise InvalidArgument(f"format: is {picture_format}; it must be PNG, TENSOR or GRID", "format")
        self._pool = pool
        self._pixel_map = pixel_map
        self._as_tensors = picture_format == wire.PICTURE_FORMAT_TENSOR
        self.as_grid = picture_format == wire.PICTURE_FORMAT_GRID
        self._bytes_left = self._max_bytes = max_bytes
        self._max_grid_pixels = max_grid_pixels
        self._pixels: list[NDArray[np.uint8]] = []

    async def paint(self, decoded: Decoded) -> list[wire.Picture]:
        """Make the next pictures of an answer; of a grid, keep them and give none.

        Raises:
            RunFailed: a picture is not finite.
            InvalidArgument: the answer would be too large.
        """
        if self.as_grid:
            self._pixels += await self._each(decoded, self._to_pixels)
            return []
        painted = await self._each(decoded, self._to_pictures)
        self._count(painted)
        return painted

    async def paint_grid(self, num_columns: int) -> bytes:
        """Put all that was painted into one PNG file.

        Raises:
            InvalidArgument: the grid would be too large.
        """
        shape, count = self._pixels[0].shape, len(self._pixels)
        if (total := grid_pixels(count, shape[0], shape[1], num_columns)) > self._max_grid_pixels:
            raise InvalidArgument(
                f"format: a grid of these {count} pictures has {total:,} pixels; at most {self._max_grid_pixels:,} are "
                "given: ask for fewer pictures, or for PNG",
                "format",
            )
        (png,) = await self._pool.work([lambda: encode_png(grid(np.stack(self._pixels), num_columns))], total)
        return png

    async def _each(self, decoded: Decoded, paint_piece: Callable[[Decoded], list[T]]) -> list[T]:
        """Do something with every piece on the pool's threads; the results in order."""
        work = [partial(paint_piece, piece) for piece in decoded.pieces()]
        effort = decoded.images.size // (_COPIED if self._as_tensors else 1)
        return list(chain.from_iterable(await self._pool.work(work, effort)))

    def _to_pixels(self, piece: Decoded) -> list[NDArray[np.uint8]]:
        _check_finite(piece)
        return list(self._pixel_map.pixels(piece.images))

    def _to_pictures(self, piece: Decoded) -> list[wire.Picture]:
        _check_finite(piece)
        if self._as_tensors:
            pictures = [wire.Picture(tensor=_tensor(image)) for image in piece.images]
        else:
            pictures = [wire.Picture(png=encode_png(each)) for each in self._pixel_map.pixels(piece.images)]
        for i, picture in enumerate(pictures):
            if piece.latents is not None:
                picture.latent.values.extend(piece.latents[i].tolist())
            if piece.classes is not None:
                picture.class_index = int(piece.classes[i])
        return pictures

    def _count(self, pictures: list[wire.Picture]) -> None:
        """Refuse an answer that would not fit a message, before more of it is made."""
        self._bytes_left -= sum(picture.ByteSize() + _FRAME_BYTES for picture in pictures)
        if self._bytes_left < 0:
            raise InvalidArgument(
                f"format: these pictures are more than the {self._max_bytes:,} bytes of an answer: ask for fewer "
                "pictures a call" + (", or for PNG" if self._as_tensors else ", or for a GRID"),
                "format",
            )


_FRAME_BYTES = 16  # what a message costs within another, and a share of what is around them


def _tensor(image: NDArray[Any]) -> tensor_pb2.Tensor:
    return tensor_pb2.Tensor(
        element_type=_ELEMENT_BY_DTYPE[image.dtype], shape=image.shape, data=np.ascontiguousarray(image).tobytes()
    )


def _check_finite(piece: Decoded) -> None:
    finite = np.isfinite(piece.images).reshape(len(piece.images), -1).all(axis=1)
    if not finite.all():
        raise RunFailed(
            f"picture {piece.start + int(np.argmin(finite))} of the answer has numbers that are not finite; the model "
            "cannot draw it. Are its inputs far from what the model was trained on?"
        )
