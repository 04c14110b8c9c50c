"""The table of layers of an ONNX graph: what each does, what comes out, its weights, its receptive field."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from podium_export.inspection.graph import Axis, Constant, OnnxGraph, Port
from podium_export.inspection.operators import Operation, describe
from podium_export.inspection.receptive_field import Extent, Field, Window, joined


@dataclass(frozen=True, slots=True)
class Layer:
    """One row of the table.

    Attributes:
        label: what it does, as in "conv, 20 filters, K 5, P 2, S 1".
        operator: the ONNX operator; empty for an input.
        output: the axes of what comes out, without the batch; None: the graph does not say.
        weights: the axes of each array of weights, biases left out.
        receptive_field: the part of the input that one value of the output depends on.
    """

    label: str
    operator: str
    output: tuple[Axis, ...] | None
    weights: tuple[tuple[int, ...], ...]
    receptive_field: Field


# What changes no number and no place.
_TRANSPARENT = frozenset({"Identity", "Dropout"})
_SHAPE_OF = frozenset({"Shape", "Size"})


@dataclass(slots=True)
class _Walk:
    """What is known so far of the tensors of a graph, in the order of its nodes."""

    graph: OnnxGraph
    batch_axis: str | None
    fields: dict[str, Field] = field(default_factory=dict[str, Field])
    constants: dict[str, Constant] = field(default_factory=dict[str, Constant])
    biased: set[str] = field(default_factory=set[str])  # products that still await their bias

    def rows(self) -> Iterator[Layer]:
        self.constants.update(self.graph.constants)
        for port in self.graph.inputs:
            yield self._input(port)
        for node in self.graph.nodes:
            yield from self._node(node)

    def _input(self, port: Port) -> Layer:
        self.fields[port.name] = Window.pixel(max(len(port.shape or ()) - 2, 0))
        label = "input" if len(self.graph.inputs) == 1 else f"input {port.name}"
        return Layer(label, "", self._output(port.name), (), self.fields[port.name])

    def _node(self, node: Any) -> Iterator[Layer]:
        outputs = [name for name in node.output if name]
        fed = [name for name in node.input if name and name not in self.constants]
        if not outputs or node.op_type == "Constant":
            return
        if node.op_type in _SHAPE_OF or (not fed and node.input):
            self._fold(node, outputs)
        elif node.op_type in _TRANSPARENT or self._adds_bias(node, fed):
            self.fields[outputs[0]] = self.fields.get(fed[0], Extent.UNKNOWN)
        else:
            yield self._layer(node, outputs, fed)

    def _fold(self, node: Any, outputs: Sequence[str]) -> None:
        """Note a tensor that no input's values reach: a shape, or weights that the graph unpacks."""
        sources = [self.constants[name] for name in node.input if name in self.constants]
        is_weight = node.op_type not in _SHAPE_OF and any(s.is_weight for s in sources)
        for name in outputs:
            shape = self.graph.shapes.get(name)
            sizes = None if shape is None else tuple(n for n in shape if isinstance(n, int))
            known = sizes if shape is not None and sizes is not None and len(sizes) == len(shape) else None
            tensor = sources[0].tensor if node.op_type == "Identity" and sources else None
            self.constants[name] = Constant(known, is_weight, tensor)

    def _adds_bias(self, node: Any, fed: Sequence[str]) -> bool:
        """Tell whether a node adds the bias of the product before it, which belongs to that layer."""
        if node.op_type != "Add" or len(fed) != 1 or fed[0] not in self.biased:
            return False
        added = next(self.constants[name] for name in node.input if name in self.constants)
        return added.is_weight and added.shape is not None and len(added.shape) == 1

    def _layer(self, node: Any, outputs: Sequence[str], fed: Sequence[str]) -> Layer:
        before = joined(self.fields.get(name, Extent.UNKNOWN) for name in fed)
        operation = Operation(
            node=node,
            before=before,
            input_shape=self.graph.shapes.get(fed[0]) if fed else None,
            output_shape=self.graph.shapes.get(outputs[0]),
            constants=self.constants,
            graph=self.graph,
        )
        description = describe(operation)
        for name in outputs:
            self.fields[name] = description.field
        if node.op_type == "MatMul" and description.weights:
            self.biased.add(outputs[0])
        output = self._output(outputs[0])
        return Layer(description.label, node.op_type, output, description.weights, description.field)

    def _output(self, name: str) -> tuple[Axis, ...] | None:
        shape = self.graph.shapes.get(name)
        if shape is None or self.batch_axis is None or not shape:
            return shape
        return shape if isinstance(shape[0], int) else shape[1:]


def layers(graph: OnnxGraph, batch_axis: str | None = None) -> tuple[Layer, ...]:
    """Give a graph's layers in the order of computation.

    Args:
        graph: what to walk.
        batch_axis: the name of the axis 0 that is left out of the sizes; None: nothing is left out.
    """
    return tuple(_Walk(graph, batch_axis).rows())


def batch_axis_of(graph: OnnxGraph) -> str | None:
    """Give the name of the batch axis of a graph that has no manifest: a dynamic axis 0 of every input."""
    firsts = {port.shape[0] if port.shape else 1 for port in graph.inputs}
    if len(firsts) != 1 or isinstance(first := firsts.pop(), int):
        return None
    return first or "?"
