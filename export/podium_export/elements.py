"""The element types of tensors: numpy's name, the contracts' value and ONNX Runtime's name of each."""

from collections.abc import Mapping
from types import MappingProxyType

from podium.v1 import tensor_pb2 as pb

PROTO_BY_NUMPY: Mapping[str, pb.ElementType] = MappingProxyType(
    {
        "bool": pb.ELEMENT_TYPE_BOOL,
        "uint8": pb.ELEMENT_TYPE_UINT8,
        "uint16": pb.ELEMENT_TYPE_UINT16,
        "uint32": pb.ELEMENT_TYPE_UINT32,
        "uint64": pb.ELEMENT_TYPE_UINT64,
        "int8": pb.ELEMENT_TYPE_INT8,
        "int16": pb.ELEMENT_TYPE_INT16,
        "int32": pb.ELEMENT_TYPE_INT32,
        "int64": pb.ELEMENT_TYPE_INT64,
        "float16": pb.ELEMENT_TYPE_FLOAT16,
        "float32": pb.ELEMENT_TYPE_FLOAT32,
        "float64": pb.ELEMENT_TYPE_FLOAT64,
    }
)
"""What a package's tensors may hold, by the name that numpy has for it."""

NUMPY_BY_RUNTIME: Mapping[str, str] = MappingProxyType(
    {f"tensor({name})": name for name in PROTO_BY_NUMPY if not name.startswith("float")}
    | {"tensor(float16)": "float16", "tensor(float)": "float32", "tensor(double)": "float64"}
)
"""The same, by the name that ONNX Runtime has for it."""
