"""Reads the pictures of a call, encoded files and tensors alike, into rows of a network's input."""

from math import prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image as PillowImage
from podium.v1 import image_pb2 as pb

from podium_server.elements import BY_PROTO, Element
from podium_server.errors import InvalidArgument
from podium_server.imaging.decode import ImageLimits, ImageRejected, decode
from podium_server.imaging.formats import header_size, sniff
from podium_server.imaging.preprocess import Preprocessor
from podium_server.signature import TensorSpec


class RowReader(Protocol):
    """Reads what a call brings into rows of a network's input; used by several threads at a time."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one row."""
        ...

    def empty(self, num_images: int) -> NDArray[Any]:
        """Make the array whose rows `read` fills."""
        ...

    def effort(self, image: pb.Image) -> int:
        """Estimate what reading costs, in pixels."""
        ...

    def read(self, image: pb.Image, field: str, row: NDArray[Any]) -> None:
        """Read one.

        Raises:
            InvalidArgument: with the path of the field that is wrong.
        """
        ...


class TensorReader:
    """Reads tensors for a network that takes no pictures.

    Args:
        shape: the shape of one row.
        element: the element type of the graph's input.
    """

    def __init__(self, shape: tuple[int, ...], element: Element) -> None:
        self.shape = shape
        self._element = element

    def empty(self, num_images: int) -> NDArray[Any]:
        """Make the array whose rows `read` fills."""
        return np.empty((num_images, *self.shape), self._element.dtype)

    def effort(self, image: pb.Image) -> int:
        """Estimate what reading a tensor costs, in pixels."""
        del image
        return prod(self.shape) // 64

    def read(self, image: pb.Image, field: str, row: NDArray[Any]) -> None:
        """Read one tensor.

        Raises:
            InvalidArgument: with the path of the field that is wrong.
        """
        source = image.WhichOneof("source")
        if source == "encoded":
            field += ".encoded"
            wanted = f"a tensor of {self._element.oip} {list(self.shape)}"
            raise InvalidArgument(f"{field}: is a picture; this model takes {wanted}", field)
        if source is None:
            raise InvalidArgument(f"{field}: is empty; it must have tensor", field)
        row[...] = read_tensor(image, f"{field}.tensor", self.shape, self._element)


def read_tensor(image: pb.Image, field: str, shape: tuple[int, ...], element: Element) -> NDArray[Any]:
    """Read a tensor that is one row.

    Raises:
        InvalidArgument: its type, shape or length is another.
    """
    tensor = image.tensor
    if tensor.element_type != element.proto:
        sent = BY_PROTO.get(tensor.element_type)
        name = sent.oip if sent else f"element type {tensor.element_type}"
        field += ".element_type"
        raise InvalidArgument(f"{field}: is {name}; this model takes {element.oip}", field)
    if tuple(tensor.shape) not in (shape, (1, *shape)):
        field += ".shape"
        message = f"{field}: is {list(tensor.shape)}; this model takes {list(shape)}, or the same with a leading 1"
        raise InvalidArgument(message, field)
    size = prod(shape) * element.dtype.itemsize
    if len(tensor.data) != size:
        field += ".data"
        raise InvalidArgument(f"{field}: has {len(tensor.data)} bytes; its shape and element type take {size}", field)
    return np.frombuffer(tensor.data, element.dtype).reshape(shape)


class ImageReader:
    """Reads pictures for one network; used by several threads at a time.

    Attributes:
        shape: the shape of one row.
    """

    def __init__(self, spec: pb.ImagePreprocessing, element: Element, limits: ImageLimits) -> None:
        """Compile a manifest's preprocessing.

        Args:
            spec: what the manifest says.
            element: the element type of the graph's input.
            limits: what one picture may cost.

        Raises:
            ValueError: if the manifest is wrong, or the input's elements are neither floating-point numbers nor pixels
                as they are.
        """
        untouched = spec.rescale == 1 and not spec.mean and not spec.std
        if not element.oip.startswith(("FP", "BF")) and not (element.oip == "UINT8" and untouched):
            raise ValueError(
                f"the graph's input is {element.oip}; a picture is prepared as floating-point numbers, or as UINT8 "
                "where pixels stay as they are: rescale 1, no mean, no std"
            )
        self._preprocessor = Preprocessor(spec, limits.max_pixels)
        self._element = element
        self._limits = limits
        self.shape = self._preprocessor.shape

    def check_fits(self, spec: TensorSpec) -> None:
        """Raise ValueError where rows do not fit a graph's input."""
        fits = len(spec.shape) == len(self.shape) + 1 and all(
            not isinstance(length, int) or length == wanted
            for length, wanted in zip(spec.shape[1:], self.shape, strict=True)
        )
        if not fits:
            raise ValueError(
                f"image_preprocessing makes rows of {list(self.shape)}; input '{spec.name}' is {list(spec.shape)}"
            )
        if isinstance(spec.shape[0], int) and spec.shape[0] != 1:
            raise ValueError(f"input '{spec.name}' takes exactly {spec.shape[0]} pictures at a time")

    def empty(self, num_images: int) -> NDArray[Any]:
        """Make the array whose rows `read` fills."""
        return np.empty((num_images, *self.shape), self._element.dtype)

    def effort(self, image: pb.Image) -> int:
        """Estimate what reading a picture costs, in pixels decoded and prepared, from its header alone."""
        if image.WhichOneof("source") != "encoded":
            return prod(self.shape) // 64  # a tensor is copied
        encoded = image.encoded
        width, height = header_size(encoded, sniff(encoded)) or (0, 0)
        return max(width * height, len(encoded) // 4) + prod(self.shape)

    def read(self, image: pb.Image, field: str, row: NDArray[Any]) -> None:
        """Read one picture.

        Args:
            image: a message of a call.
            field: its path in the call, such as "images[2]".
            row: where the row is written.

        Raises:
            InvalidArgument: with the path of the field that is wrong.
        """
        source = image.WhichOneof("source")
        if source == "encoded":
            self._read_encoded(image.encoded, f"{field}.encoded", row)
        elif source == "tensor":
            row[...] = read_tensor(image, f"{field}.tensor", self.shape, self._element)
        else:
            raise InvalidArgument(f"{field}: is empty; it must have encoded or tensor", field)

    def _read_encoded(self, encoded: bytes, field: str, row: NDArray[Any]) -> None:
        try:
            self.prepare(decode(encoded, self._limits), row)
        except ImageRejected as error:
            raise InvalidArgument(f"{field}: {error}", field) from error

    def prepare(self, picture: PillowImage, row: NDArray[Any]) -> None:
        """Write a decoded picture's row.

        Raises:
            ImageRejected: its size is one that the model does not take.
        """
        if row.dtype == np.float32:
            self._preprocessor(picture, row)
        else:
            row[...] = self._preprocessor(picture)
