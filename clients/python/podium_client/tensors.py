"""Arrays on the wire."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

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
