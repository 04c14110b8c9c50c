"""Finds the nodes of a graph in which a length of the traced example is frozen."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

_NOTE = "pkg.torch.onnx.stack_trace"
_MOST = 5


def frozen_nodes(model: onnx.ModelProto, length: int, axis: str) -> list[str]:
    """Describe the nodes that hold a length: as a constant, as the shape of one, or as so many inputs.

    Args:
        model: the graph, with the converter's notes on source lines if it still has them.
        length: the length that the axis was traced with.
        axis: the axis's name.

    Returns:
        One line a node, the first five, as in `node "node_view" (Reshape): constant "val_15" = [37, -1]`.
    """
    constants = dict(constants_of(model.graph))
    found = list(_holders(model.graph, constants, length, axis))
    return found[:_MOST] + ([f"… and {len(found) - _MOST} more nodes"] if len(found) > _MOST else [])


def strip_notes(model: onnx.ModelProto) -> None:
    """Remove the converter's notes: they hold the paths and the code of whoever exported."""
    graph = model.graph
    nodes = list(nodes_of(graph))
    tensors = (*graph.initializer, *graph.input, *graph.output, *graph.value_info)
    noted: tuple[Any, ...] = (model, graph, *nodes, *tensors, *model.functions)
    for part in noted:
        del part.metadata_props[:]
        part.doc_string = ""


def _holders(graph: onnx.GraphProto, constants: dict[str, onnx.TensorProto], length: int, axis: str) -> Iterator[str]:
    for node in nodes_of(graph):
        for name in node.input:
            tensor = constants.get(name)
            if tensor is not None and (why := _holds(tensor, name, length)):
                yield _describe(node, why)
                break
        else:
            if len(node.input) == length:
                yield _describe(node, f'{length} inputs: the loop over "{axis}" was unrolled')


def _holds(tensor: onnx.TensorProto, name: str, length: int) -> str:
    """Say how a constant holds a length, or nothing."""
    if tensor.data_type in (onnx.TensorProto.INT64, onnx.TensorProto.INT32) and np.prod(tensor.dims) <= 16:
        values = numpy_helper.to_array(tensor)
        if length in values:
            return f'constant "{name}" = {values.tolist()}'
    if length in tensor.dims:
        return f'constant "{name}" of shape {list(tensor.dims)}'
    return ""


def _describe(node: onnx.NodeProto, why: str) -> str:
    note = next((entry.value for entry in node.metadata_props if entry.key == _NOTE), "")
    lines = [line.strip() for line in note.splitlines() if line.strip()]
    source = ""
    if len(lines) > 1 and lines[0].startswith("File"):
        source = f"; from {lines[0].split('/')[-1].replace(chr(34), '')}: {lines[1]}"
    return f'node "{node.name}" ({node.op_type}): {why}{source}'


def nodes_of(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yield every node, those of loop bodies and branches too."""
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for body in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
                yield from nodes_of(body)


def constants_of(graph: onnx.GraphProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    """Yield every constant by name: initializers and Constant nodes, those of loop bodies too."""
    for tensor in graph.initializer:
        yield tensor.name, tensor
    for node in nodes_of(graph):
        if node.op_type == "Constant":
            for attribute in node.attribute:
                if attribute.name == "value":
                    yield node.output[0], attribute.t
        for attribute in node.attribute:
            if attribute.HasField("g"):
                for tensor in attribute.g.initializer:
                    yield tensor.name, tensor
