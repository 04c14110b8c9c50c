"""Small ONNX graphs to serve, and repositories of them."""

from collections.abc import Sequence
from pathlib import Path

import onnx
from onnx import TensorProto, helper

Axes = Sequence[int | str | None] | None


def tensor(name: str, element_type: int, shape: Axes = None) -> onnx.ValueInfoProto:
    """An input or output."""
    return helper.make_tensor_value_info(name, element_type, shape)


def graph(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    weights: Sequence[onnx.TensorProto] = (),
) -> bytes:
    """A model of one graph, serialised."""
    made = helper.make_graph(nodes, "g", inputs, outputs, list(weights))
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


def identity(element_type: int, shape: Axes) -> bytes:
    """y = x."""
    node = helper.make_node("Identity", ["x"], ["y"])
    return graph([node], [tensor("x", element_type, shape)], [tensor("y", element_type, shape)])


def sum_and_difference() -> bytes:
    """Triton's "simple" model with a free batch: sum = a + b, difference = a - b; float32 of shape (batch, 4)."""
    nodes = [helper.make_node("Add", ["a", "b"], ["sum"]), helper.make_node("Sub", ["a", "b"], ["difference"])]
    shape: Axes = ["batch", 4]
    inputs = [tensor(name, TensorProto.FLOAT, shape) for name in ("a", "b")]
    return graph(nodes, inputs, [tensor(name, TensorProto.FLOAT, shape) for name in ("sum", "difference")])


def without_batch() -> bytes:
    """y = x * factor, for a scalar factor: int64 of shape (any, 2), no axis shared by all."""
    node = helper.make_node("Mul", ["x", "factor"], ["y"])
    inputs = [tensor("x", TensorProto.INT64, [None, 2]), tensor("factor", TensorProto.INT64, [])]
    return graph([node], inputs, [tensor("y", TensorProto.INT64, [None, 2])])


def sequence_out() -> bytes:
    """A graph whose output the protocol cannot carry."""
    node = helper.make_node("SequenceConstruct", ["x"], ["s"])
    outputs = [helper.make_tensor_sequence_value_info("s", TensorProto.INT64, None)]
    return graph([node], [tensor("x", TensorProto.INT64, [2])], outputs)


def lookup() -> bytes:
    """y = table[index], for three entries; any other index fails in the run."""
    table = helper.make_tensor("table", TensorProto.FLOAT, [3], [10, 20, 30])
    node = helper.make_node("Gather", ["table", "index"], ["y"])
    inputs, outputs = [tensor("index", TensorProto.INT64, ["n"])], [tensor("y", TensorProto.FLOAT, ["n"])]
    return graph([node], inputs, outputs, [table])


def to_bfloat16() -> bytes:
    """y = x in bfloat16: a type that has no typed contents."""
    node = helper.make_node("Cast", ["x"], ["y"], to=TensorProto.BFLOAT16)
    return graph([node], [tensor("x", TensorProto.FLOAT, ["n"])], [tensor("y", TensorProto.BFLOAT16, ["n"])])


def store(repository: Path, name: str, model: bytes, version: int = 1) -> None:
    """Put a model into a repository."""
    folder = repository / name / str(version)
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(model)
