"""Arrays on the wire."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from podium.v1 import tensor_pb2

from podium_client.errors import InvalidArgumentError

Array = NDArray[Any]

ELEMENT_TYPE_BY_DTYPE: Mapping[str, tensor_pb2.ElementType] = MappingProxyType(
    {
        "bool": tensor_pb2.ELEMENT_TYPE_BOOL,
        "uint8": tensor_pb2.ELEMENT_TYPE_UINT8,
        "uint16": tensor_pb2.ELEMENT_TYPE_UINT16,
        "uint32": tensor_pb2.ELEMENT_TYPE_UINT32,
        "uint64": tensor_pb2.ELEMENT_TYPE_UINT64,
        "int8": tensor_pb2.ELEMENT_TYPE_INT8,
        "int16": tensor_pb2.ELEMENT_TYPE_INT16,
        "int32": tensor_pb2.ELEMENT_TYPE_INT32,
        "int64": tensor_pb2.ELEMENT_TYPE_INT64,
        "float16": tensor_pb2.ELEMENT_TYPE_FLOAT16,
        "float32": tensor_pb2.ELEMENT_TYPE_FLOAT32,
        "float64": tensor_pb2.ELEMENT_TYPE_FLOAT64,
        "bfloat16": tensor_pb2.ELEMENT_TYPE_BFLOAT16,
    }
)

_DTYPE_BY_ELEMENT_TYPE: Mapping[int, str] = MappingProxyType(
    {element_type: dtype for dtype, element_type in ELEMENT_TYPE_BY_DTYPE.items()}
)


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """An array that is the network's own input: sent exactly as it is, whatever its type.

    Attributes:
        array: of any numeric or bool element type, in the shape of one row of the network's input.
    """

    array: Array


def encode_tensor(array: Array, field: str) -> tensor_pb2.Tensor:
    """Write an array as a message.

    Args:
        array: any numeric or bool array.
        field: its name in error messages.

    Raises:
        InvalidArgumentError: its elements are of a type that the wire does not carry.
    """
    element_type = ELEMENT_TYPE_BY_DTYPE.get(array.dtype.name)
    if element_type is None:
        raise InvalidArgumentError(
            f"{field}: an array of {array.dtype}; a tensor holds {', '.join(ELEMENT_TYPE_BY_DTYPE)}",
            field=field,
        )
    little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return tensor_pb2.Tensor(element_type=element_type, shape=array.shape, data=little_endian.tobytes())


def decode_tensor(message: tensor_pb2.Tensor) -> Array:
    """Read an array; bfloat16, which numpy lacks, as float32.

    Raises:
        ValueError: its elements are of a type that this client does not know, or there are not as many as its
            shape says.
    """
    if message.element_type == tensor_pb2.ELEMENT_TYPE_BFLOAT16:
        upper_halves = np.frombuffer(message.data, "<u2").astype(np.uint32)
        return (upper_halves << 16).view(np.float32).reshape(message.shape)
    dtype = _DTYPE_BY_ELEMENT_TYPE.get(message.element_type)
    if dtype is None:
        raise ValueError(f"a tensor of element type {message.element_type}, which this client does not know")
    return np.frombuffer(message.data, np.dtype(dtype).newbyteorder("<")).reshape(message.shape)
