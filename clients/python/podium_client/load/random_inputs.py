"""Random tensors that fit a graph's declared inputs."""

from collections.abc import Iterable, Mapping

import numpy as np
from podium.v1 import model_manifest_pb2, tensor_pb2

from podium_client.errors import InvalidArgumentError
from podium_client.load.infer_request import RawInput

# By element type: the protocol's name, and how numpy holds it; BF16 and strings are made by hand.
_ELEMENTS: Mapping[int, tuple[str, str]] = {
    tensor_pb2.ELEMENT_TYPE_BOOL: ("BOOL", "?"),
    tensor_pb2.ELEMENT_TYPE_UINT8: ("UINT8", "u1"),
    tensor_pb2.ELEMENT_TYPE_UINT16: ("UINT16", "<u2"),
    tensor_pb2.ELEMENT_TYPE_UINT32: ("UINT32", "<u4"),
    tensor_pb2.ELEMENT_TYPE_UINT64: ("UINT64", "<u8"),
    tensor_pb2.ELEMENT_TYPE_INT8: ("INT8", "i1"),
    tensor_pb2.ELEMENT_TYPE_INT16: ("INT16", "<i2"),
    tensor_pb2.ELEMENT_TYPE_INT32: ("INT32", "<i4"),
    tensor_pb2.ELEMENT_TYPE_INT64: ("INT64", "<i8"),
    tensor_pb2.ELEMENT_TYPE_FLOAT16: ("FP16", "<f2"),
    tensor_pb2.ELEMENT_TYPE_FLOAT32: ("FP32", "<f4"),
    tensor_pb2.ELEMENT_TYPE_FLOAT64: ("FP64", "<f8"),
    tensor_pb2.ELEMENT_TYPE_STRING: ("BYTES", ""),
    tensor_pb2.ELEMENT_TYPE_BFLOAT16: ("BF16", ""),
}
_WORD = b"podium"


def random_inputs(graph: model_manifest_pb2.Graph, axes: Mapping[str, int], seed: int) -> list[RawInput]:
    """Make one random tensor for each input of a graph.

    Floats are standard normal. Integers are 0 or 1, which fits what they mostly are: indices, masks and counts.

    Args:
        graph: what the manifest says of it.
        axes: lengths of dynamic axes by name; those not named are 1.
        seed: the same seed gives the same bytes.

    Raises:
        InvalidArgumentError: `axes` names an axis that the graph does not have, or a length below 0.
    """
    known = {axis.axis for spec in graph.inputs for axis in spec.shape if axis.WhichOneof("length") == "axis"}
    for name, length in axes.items():
        if name not in known:
            names = ", ".join(sorted(known)) or "none"
            raise InvalidArgumentError(f"axis: {name!r} is no dynamic axis of this model's inputs ({names})")
        if length < 0:
            raise InvalidArgumentError(f"axis: {name}={length}; give a length of 0 or more")
    random = np.random.default_rng(seed)
    return [_random_input(spec, axes, random) for spec in graph.inputs]


def _random_input(spec: tensor_pb2.TensorSpec, axes: Mapping[str, int], random: np.random.Generator) -> RawInput:
    shape = tuple(_lengths(spec.shape, axes))
    datatype, dtype = _ELEMENTS[spec.element_type]
    if datatype == "BYTES":
        data = (len(_WORD).to_bytes(4, "little") + _WORD) * int(np.prod(shape, dtype=int))
    elif datatype == "BF16":  # the upper half of a float32
        data = random.standard_normal(shape, dtype=np.float32).view("<u2")[..., 1::2].tobytes()
    elif np.dtype(dtype).kind == "f":
        data = random.standard_normal(shape).astype(dtype).tobytes()
    else:
        data = random.integers(0, 2, shape).astype(dtype).tobytes()
    return RawInput(spec.name, datatype, shape, data)


def _lengths(shape: Iterable[tensor_pb2.Dimension], axes: Mapping[str, int]) -> Iterable[int]:
    for axis in shape:
        yield axis.size if axis.WhichOneof("length") == "size" else axes.get(axis.axis, 1)
