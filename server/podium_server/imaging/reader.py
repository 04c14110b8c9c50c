"""Reads the pictures of a call, encoded files and tensors alike, into rows of a network's input."""

from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from podium.v1 import image_pb2 as pb

from podium_server.elements import BY_PROTO, Element
from podium_server.errors import InvalidArgument
from podium_server.imaging.decode import ImageLimits, ImageRejected, decode
from podium_server.imaging.formats import header_size, sniff
from podium_server.imaging.preprocess import Preprocessor
from podium_server.signature import TensorSpec


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
            ValueError: if the manifest is wrong, or the input's elements are no floating-point numbers.
        """
        if not element.oip.startswith(("FP", "BF")):
            raise ValueError(f"the graph's input is {element.oip}; a picture is prepared as floating-point numbers")
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
            row[...] = self._read_tensor(image, f"{field}.tensor")
        else:
            raise InvalidArgument(f"{field}: is empty; it must have encoded or tensor", field)

    def _read_encoded(self, encoded: bytes, field: str, row: NDArray[Any]) -> None:
        try:
            picture = decode(encoded, self._limits)
            if row.dtype == np.float32:
                self._preprocessor(picture, row)
            else:
                row[...] = self._preprocessor(picture)
        except ImageRejected as error:
            raise InvalidArgument(f"{field}: {error}", field) from error

    def _read_tensor(self, image: pb.Image, field: str) -> NDArray[Any]:
        tensor = image.tensor
        if tensor.element_type != self._element.proto:
            sent = BY_PROTO.get(tensor.element_type)
            name = sent.oip if sent else f"element type {tensor.element_type}"
            field += ".element_type"
            raise InvalidArgument(f"{field}: is {name}; this model takes {self._element.oip}", field)
        if tuple(tensor.shape) not in (self.shape, (1, *self.shape)):
            field += ".shape"
            wanted = list(self.shape)
            message = f"{field}: is {list(tensor.shape)}; this model takes {wanted}, or the same with a leading 1"
            raise InvalidArgument(message, field)
        size = prod(self.shape) * self._element.dtype.itemsize
        if len(tensor.data) != size:
            field += ".data"
            raise InvalidArgument(
                f"{field}: has {len(tensor.data)} bytes; its shape and element type take {size}", field
            )
        return np.frombuffer(tensor.data, self._element.dtype).reshape(self.shape)
