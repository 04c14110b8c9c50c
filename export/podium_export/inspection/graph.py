"""An ONNX graph as the layer table needs it: shapes, constants and attributes by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import onnx
import onnx.inliner
import onnx.shape_inference
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from podium_export.errors import GraphError

Axis = int | str | None
"""A length, the name of a dynamic axis, or a dynamic axis without a name."""

_FLOATS = frozenset(
    {
        onnx.TensorProto.FLOAT,
        onnx.TensorProto.FLOAT16,
        onnx.TensorProto.BFLOAT16,
        onnx.TensorProto.DOUBLE,
    }
)
_QUANTISED = frozenset({onnx.TensorProto.INT8, onnx.TensorProto.UINT8})


@dataclass(frozen=True, slots=True)
class Constant:
    """A tensor that does not depend on the graph's inputs.

    Attributes:
        shape: its axes; None: the graph does not say.
        is_weight: whether its elements are trained numbers, rather than indices or shapes.
        tensor: its elements; None: they are computed by the graph.
    """

    shape: tuple[int, ...] | None
    is_weight: bool
    tensor: Any | None = None

    @property
    def num_elements(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape) if self.shape else 0


@dataclass(frozen=True, slots=True)
class Port:
    """One input or output of a graph.

    Attributes:
        name: the tensor's name.
        type: numpy's name of the type of its elements, "string", or what else it is, such as "sequence".
        shape: its axes; None: the file does not say.
    """

    name: str
    type: str
    shape: tuple[Axis, ...] | None


@dataclass(frozen=True, slots=True)
class OnnxGraph:
    """One graph, ready to be walked.

    Attributes:
        nodes: in an order in which they can be computed.
        inputs: what a run is fed.
        outputs: what a run gives.
        shapes: the axes of each tensor whose shape could be inferred.
        constants: what the file stores, by name.
        folder: where the file lies, for weights stored beside it.
        opset: the version of the default operator set.
    """

    nodes: tuple[Any, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    shapes: Mapping[str, tuple[Axis, ...]]
    constants: Mapping[str, Constant]
    folder: Path
    opset: int

    @property
    def num_parameters(self) -> int:
        """Trained numbers in the file, biases included, loops' and branches' bodies included."""
        own = sum(c.num_elements for c in self.constants.values() if c.is_weight)
        return own + sum(_body_parameters(body) for node in self.nodes for body in _bodies(node))

    @classmethod
    def read(cls, path: Path) -> "OnnxGraph":
        """Read an ONNX file without its large weights, and infer its shapes.

        Raises:
            GraphError: the file is not ONNX.
        """
        try:
            model = onnx.load(path, load_external_data=False)
        except (DecodeError, OSError) as error:
            raise GraphError(f"{path}: not readable as ONNX ({error}); give an ONNX file") from error
        if not model.graph.node:
            raise GraphError(f"{path}: holds no ONNX graph; give an ONNX file, or a folder that holds one")
        model = _with_shapes(model)
        opset = next((o.version for o in model.opset_import if o.domain in {"", "ai.onnx"}), 0)
        return cls(
            nodes=tuple(model.graph.node),
            inputs=tuple(_port(i) for i in model.graph.input if i.name not in _stored_names(model.graph)),
            outputs=tuple(_port(o) for o in model.graph.output),
            shapes=_shapes(model.graph),
            constants=_constants(model.graph),
            folder=path.parent,
            opset=opset,
        )

    def array(self, constant: Constant) -> Any:
        """Give a stored constant's elements as a numpy array; weights beside the file are read now."""
        assert constant.tensor is not None
        return numpy_helper.to_array(constant.tensor, base_dir=str(self.folder))


def attributes(node: Any) -> Mapping[str, Any]:
    """Give a node's attributes by name; strings as text."""
    values = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    return {name: v.decode() if isinstance(v, bytes) else v for name, v in values.items()}


def _with_shapes(model: Any) -> Any:
    if model.functions:
        model = onnx.inliner.inline_local_functions(model)
    try:
        return onnx.shape_inference.infer_shapes(model, data_prop=True)
    except (onnx.shape_inference.InferenceError, ValueError, RuntimeError):
        return model  # the table then leaves out the sizes that the file itself does not state


def _stored_names(graph: Any) -> frozenset[str]:
    return frozenset(t.name for t in graph.initializer)


def _shapes(graph: Any) -> Mapping[str, tuple[Axis, ...]]:
    tensors = (*graph.input, *graph.value_info, *graph.output)
    return {
        t.name: tuple(_axis(d) for d in t.type.tensor_type.shape.dim)
        for t in tensors
        if t.type.HasField("tensor_type") and t.type.tensor_type.HasField("shape")
    }


def _port(value: Any) -> Port:
    kind = value.type.WhichOneof("value")
    if kind != "tensor_type":
        return Port(value.name, str(kind or "unknown").removesuffix("_type"), None)
    tensor = value.type.tensor_type
    dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
    shape = tuple(_axis(d) for d in tensor.shape.dim) if tensor.HasField("shape") else None
    return Port(value.name, "string" if dtype.kind == "O" else dtype.name, shape)


def _axis(dimension: Any) -> Axis:
    if dimension.HasField("dim_value"):
        return int(dimension.dim_value)
    return dimension.dim_param or None


def _constants(graph: Any) -> Mapping[str, Constant]:
    tensors = {t.name: t for t in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            value = attributes(node).get("value")
            if value is not None:
                tensors[node.output[0]] = value
    return {name: _constant(tensor) for name, tensor in tensors.items()}


def _constant(tensor: Any) -> Constant:
    shape = tuple(int(n) for n in tensor.dims)
    is_weight = tensor.data_type in _FLOATS | _QUANTISED and len(shape) > 0
    return Constant(shape, is_weight, tensor)


def _bodies(node: Any) -> Sequence[Any]:
    return [a.g for a in node.attribute if a.type == onnx.AttributeProto.GRAPH]


def _body_parameters(body: Any) -> int:
    own = sum(c.num_elements for c in _constants(body).values() if c.is_weight)
    return own + sum(_body_parameters(inner) for node in body.node for inner in _bodies(node))
