"""The element types of tensors: one row each, with its name in every vocabulary that the server speaks."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import ml_dtypes
import numpy as np
from podium.v1 import tensor_pb2 as pb


@dataclass(frozen=True, slots=True)
class Element:
    """One element type.

    Attributes:
        oip: its name in the Open Inference Protocol, such as "FP32".
        proto: its value of `podium.v1.ElementType`.
        onnx: its name as ONNX Runtime prints it, such as "float" in "tensor(float)".
        dtype: how numpy holds it; strings are Python objects.
    """

    oip: str
    proto: pb.ElementType
    onnx: str
    dtype: "np.dtype[np.generic]"

    @property
    def is_string(self) -> bool:
        """Whether elements are strings of bytes of any length."""
        return self.dtype.kind == "O"


ELEMENTS: tuple[Element, ...] = (
    Element("BOOL", pb.ELEMENT_TYPE_BOOL, "bool", np.dtype(np.bool_)),
    Element("UINT8", pb.ELEMENT_TYPE_UINT8, "uint8", np.dtype(np.uint8)),
    Element("UINT16", pb.ELEMENT_TYPE_UINT16, "uint16", np.dtype("<u2")),
    Element("UINT32", pb.ELEMENT_TYPE_UINT32, "uint32", np.dtype("<u4")),
    Element("UINT64", pb.ELEMENT_TYPE_UINT64, "uint64", np.dtype("<u8")),
    Element("INT8", pb.ELEMENT_TYPE_INT8, "int8", np.dtype(np.int8)),
    Element("INT16", pb.ELEMENT_TYPE_INT16, "int16", np.dtype("<i2")),
    Element("INT32", pb.ELEMENT_TYPE_INT32, "int32", np.dtype("<i4")),
    Element("INT64", pb.ELEMENT_TYPE_INT64, "int64", np.dtype("<i8")),
    Element("FP16", pb.ELEMENT_TYPE_FLOAT16, "float16", np.dtype("<f2")),
    Element("FP32", pb.ELEMENT_TYPE_FLOAT32, "float", np.dtype("<f4")),
    Element("FP64", pb.ELEMENT_TYPE_FLOAT64, "double", np.dtype("<f8")),
    Element("BYTES", pb.ELEMENT_TYPE_STRING, "string", np.dtype(np.object_)),
    Element("BF16", pb.ELEMENT_TYPE_BFLOAT16, "bfloat16", np.dtype(ml_dtypes.bfloat16)),
)

BY_OIP: Mapping[str, Element] = MappingProxyType({e.oip: e for e in ELEMENTS})
BY_PROTO: Mapping[int, Element] = MappingProxyType({int(e.proto): e for e in ELEMENTS})
BY_ONNX: Mapping[str, Element] = MappingProxyType({e.onnx: e for e in ELEMENTS})
