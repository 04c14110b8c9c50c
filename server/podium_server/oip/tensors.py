"""One tensor between the wire and an array, in both forms of the protocol.

Raw: little-endian numbers, row-major; strings as a 4-byte little-endian length and the bytes, each.
Typed: a list of `InferTensorContents`, one list for several element types; FP16 and BF16 have none.

Strings are arrays of `str`: ONNX's strings are UTF-8, and bytes that are not are refused.
"""

from collections.abc import Mapping, Sequence
from math import prod
from struct import Struct
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from podium_server.elements import Element
from podium_server.oip.messages import InferTensorContents

Tensor: TypeAlias = NDArray[Any]

# The list of InferTensorContents that carries an element type, by the type's name.
TYPED_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "BOOL": "bool_contents",
        "INT8": "int_contents",
        "INT16": "int_contents",
        "INT32": "int_contents",
        "INT64": "int64_contents",
        "UINT8": "uint_contents",
        "UINT16": "uint_contents",
        "UINT32": "uint_contents",
        "UINT64": "uint64_contents",
        "FP32": "fp32_contents",
        "FP64": "fp64_contents",
        "BYTES": "bytes_contents",
    }
)

_BOOL = np.dtype(np.bool_)
_LENGTH = Struct("<I")


class TensorError(ValueError):
    """What was sent is no tensor of its type and shape; the message says why and does not name the tensor."""


def from_raw(element: Element, shape: tuple[int, ...], data: bytes) -> Tensor:
    """Read a tensor's raw form; numbers are a view of `data`.

    Args:
        element: its element type.
        shape: its lengths, none negative.
        data: its bytes.

    Raises:
        TensorError: the bytes are too few, too many, or no UTF-8 text.
    """
    if element.is_string:
        return _fill(shape, _split_strings(data))
    dtype = element.dtype
    try:
        x: Tensor = np.ndarray(shape, dtype, data)
    except (TypeError, ValueError):  # too few bytes; more than can be addressed, or more than 64 axes
        expected = prod(shape) * dtype.itemsize
        if expected == len(data):
            raise TensorError(f"shape {list(shape)} is beyond what an array can have") from None
        raise TensorError(f"Expected {expected}, got {len(data)}") from None
    if x.nbytes != len(data):
        raise TensorError(f"Expected {x.nbytes}, got {len(data)}")
    if dtype == _BOOL:
        # Any byte is allowed, and numpy expects 0 or 1. Not `!=`, which turns a scalar's array into a scalar.
        x = x.view(np.uint8).astype(np.bool_)
    return x


def to_raw(element: Element, x: Tensor) -> bytes:
    """Write a tensor's raw form."""
    if not element.is_string:
        return x.tobytes()
    parts: list[bytes] = []
    for text in x.ravel():
        encoded = text.encode()
        parts += (_LENGTH.pack(len(encoded)), encoded)
    return b"".join(parts)


def from_typed(element: Element, shape: tuple[int, ...], contents: InferTensorContents) -> Tensor:
    """Read a tensor's typed form.

    Raises:
        TensorError: another type's list is filled, the elements are too few or too many, or one is out of the type's
            range or no UTF-8 text.
    """
    field = TYPED_FIELDS.get(element.oip)
    if field is None:
        raise TensorError(f"{element.oip} has no typed contents; send it in raw_input_contents")
    filled = [descriptor.name for descriptor, _ in contents.ListFields()]
    if filled not in ([], [field]):
        raise TensorError(f"Expected {field} alone for {element.oip}, got {', '.join(filled)}")
    values: Sequence[Any] = getattr(contents, field)
    if len(values) != prod(shape):
        raise TensorError(f"Expected {prod(shape)} elements in {field}, got {len(values)}")
    if element.is_string:
        return _fill(shape, [_text(value, index) for index, value in enumerate(values)])
    _check_range(element, values)
    try:
        return np.fromiter(values, element.dtype, len(values)).reshape(shape)
    except ValueError:
        raise TensorError(f"shape {list(shape)} is beyond what an array can have") from None


def to_typed(element: Element, x: Tensor) -> InferTensorContents:
    """Write a tensor's typed form; FP16 and BF16 have none."""
    values = [text.encode() for text in x.ravel()] if element.is_string else x.ravel().tolist()
    contents = InferTensorContents()
    getattr(contents, TYPED_FIELDS[element.oip]).extend(values)
    return contents


def _check_range(element: Element, values: Sequence[Any]) -> None:
    """Refuse what a cast would cut: the lists of 8 and 16 bits are carried in 32."""
    if element.dtype.kind not in "iu" or element.dtype.itemsize > 2 or not values:
        return
    limits = np.iinfo(element.dtype.name)
    worst = min(values) if min(values) < limits.min else max(values)
    if not limits.min <= worst <= limits.max:
        raise TensorError(f"{worst} is out of the range of {element.oip}, {limits.min} to {limits.max}")


def _split_strings(data: bytes) -> list[str]:
    """Cut raw strings apart."""
    texts: list[str] = []
    at, end = 0, len(data)
    while at < end:
        if at + 4 > end:
            raise TensorError(f"element {len(texts)} has {end - at} of the 4 bytes of its length")
        (length,) = _LENGTH.unpack_from(data, at)
        at += 4
        if length > end - at:
            raise TensorError(f"element {len(texts)} is {length} bytes long by its length, and {end - at} are left")
        texts.append(_text(data[at : at + length], len(texts)))
        at += length
    return texts


def _text(data: bytes, index: int) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise TensorError(f"element {index} is not UTF-8, which ONNX's strings are: {error}") from None


def _fill(shape: tuple[int, ...], texts: list[str]) -> Tensor:
    """Make an array of strings."""
    if len(texts) != prod(shape):
        raise TensorError(f"Expected {prod(shape)} elements, got {len(texts)}")
    try:
        x = np.empty(shape, np.object_)
    except ValueError:
        raise TensorError(f"shape {list(shape)} is beyond what an array can have") from None
    x.ravel()[:] = texts
    return x
