"""Puts one ONNX operator into the words of the layer table, and follows the receptive field through it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from podium_export.inspection.graph import Axis, Constant, OnnxGraph, attributes
from podium_export.inspection.operator_words import ELEMENT_WISE, UNLOCATED
from podium_export.inspection.receptive_field import Extent, Field, Window
from podium_export.inspection.sliding import Sliding


@dataclass(frozen=True, slots=True)
class Operation:
    """One node and what is known around it.

    Attributes:
        node: the ONNX node.
        before: the receptive field of what it is fed.
        input_shape: the axes of its first computed input, batch included; None: not known.
        output_shape: the axes of its first output, batch included; None: not known.
        constants: everything in the graph that no input reaches.
        graph: the graph that it is in.
    """

    node: Any
    before: Field
    input_shape: tuple[Axis, ...] | None
    output_shape: tuple[Axis, ...] | None
    constants: Mapping[str, Constant]
    graph: OnnxGraph

    def constant(self, index: int) -> Constant | None:
        """Give an input that is a constant; None: it is absent or computed."""
        if index >= len(self.node.input):
            return None
        return self.constants.get(self.node.input[index])

    def numbers(self, index: int) -> list[float] | None:
        """Give the elements of an input that the file stores; None: it is absent or computed."""
        constant = self.constant(index)
        if constant is None or constant.tensor is None:
            return None
        return [float(x) for x in self.graph.array(constant).flatten()]


@dataclass(frozen=True, slots=True)
class Description:
    """An operator in the table's words.

    Attributes:
        label: what it does.
        field: the receptive field of what comes out.
        weights: the axes of each array of weights, biases left out.
    """

    label: str
    field: Field
    weights: tuple[tuple[int, ...], ...] = ()


def describe(operation: Operation) -> Description:
    """Describe any operator; one that is not known here is named, without a receptive field."""
    node = operation.node
    operator = node.op_type if node.domain in {"", "ai.onnx"} else f"{node.domain}.{node.op_type}"
    if operator in _DESCRIBERS:
        return _DESCRIBERS[operator](operation)
    if operator in ELEMENT_WISE:
        return Description(ELEMENT_WISE[operator], operation.before, _all_weights(operation))
    return Description(UNLOCATED.get(operator, operator), Extent.UNKNOWN, _all_weights(operation))


def _all_weights(operation: Operation) -> tuple[tuple[int, ...], ...]:
    """Every stored array of two or more axes; arrays of one axis are biases and scales."""
    found = (operation.constants.get(name) for name in operation.node.input)
    return tuple(c.shape for c in found if c is not None and c.is_weight and c.shape and len(c.shape) > 1)


def _convolution(operation: Operation) -> Description:
    settings = attributes(operation.node)
    weight = operation.constant(1)
    if weight is None or weight.shape is None:
        return Description("conv with computed filters", Extent.UNKNOWN)
    filters, channels, *kernel = weight.shape
    window = Sliding.of(settings, kernel)
    groups = int(settings.get("group", 1))
    depthwise = groups > 1 and channels == 1
    label = f"{'depthwise ' if depthwise else ''}conv, {filters} filters, {window.words(show_padding=True)}"
    if groups > 1 and not depthwise:
        label += f", G {groups}"
    return Description(label, window.after(operation.before), (weight.shape,))


def _transposed_convolution(operation: Operation) -> Description:
    settings = attributes(operation.node)
    weight = operation.constant(1)
    if weight is None or weight.shape is None:
        return Description("transposed conv with computed filters", Extent.UNKNOWN)
    _, channels, *kernel = weight.shape
    filters = channels * int(settings.get("group", 1))
    words = Sliding.of(settings, kernel).words(show_padding=True)
    return Description(f"transposed conv, {filters} filters, {words}", Extent.UNKNOWN, (weight.shape,))


def _pooling(kind: str) -> Callable[[Operation], Description]:
    def describe_pooling(operation: Operation) -> Description:
        settings = attributes(operation.node)
        window = Sliding.of(settings, settings["kernel_shape"])
        return Description(f"{kind} pool, {window.words()}", window.after(operation.before))

    return describe_pooling


def _global_pooling(kind: str) -> Callable[[Operation], Description]:
    return lambda _: Description(f"global {kind} pool", Extent.WHOLE)


def _mean(operation: Operation) -> Description:
    shape = operation.input_shape
    axes = attributes(operation.node).get("axes") or operation.numbers(1)
    if shape is None or axes is None:
        return Description("mean", Extent.UNKNOWN)
    over = {int(axis) % len(shape) for axis in axes}
    if over == set(range(2, len(shape))):
        return Description("global average pool", Extent.WHOLE)
    return Description("mean", operation.before if over == {1} else Extent.UNKNOWN)


def _linear(operation: Operation) -> Description:
    """Describe a product with a stored matrix, written inputs × outputs; of anything else, nothing is known."""
    weight = operation.constant(1)
    if weight is None or weight.shape is None or len(weight.shape) != 2:
        return Description("matrix product", Extent.UNKNOWN, _all_weights(operation))
    turned = bool(attributes(operation.node).get("transB", 0))
    sizes = weight.shape[::-1] if turned else weight.shape
    # On (batch, features) every input is seen; on (batch, position, features) each position is by itself.
    flat = operation.input_shape is not None and len(operation.input_shape) <= 2
    known = operation.before is not Extent.UNKNOWN
    return Description("linear", Extent.WHOLE if flat and known else operation.before, (sizes,))


def _reshape(operation: Operation) -> Description:
    shape, before = operation.output_shape, operation.input_shape
    flat = shape is not None and len(shape) == 2 and before is not None and len(before) > 2
    label = "flatten" if flat or operation.node.op_type == "Flatten" else "reshape"
    return Description(label, _rearranged(operation))


def _rearrangement(label: str) -> Callable[[Operation], Description]:
    return lambda operation: Description(label, _rearranged(operation))


def _rearranged(operation: Operation) -> Field:
    """Follow a field through a change of axes; where the spatial axes stay last and as they are, so does it."""
    field, shape, before = operation.before, operation.output_shape, operation.input_shape
    if not isinstance(field, Window):
        return field
    spatial = len(field.size)
    if field == Window.pixel(spatial):
        return Window.pixel(len(shape) - 2) if shape is not None and len(shape) > 2 else field
    permutation = list(attributes(operation.node).get("perm") or ())
    kept = permutation[-spatial:] == list(range(2, 2 + spatial)) if permutation else True
    if shape is not None and before is not None and kept and shape[-spatial:] == before[-spatial:]:
        return field
    return replace(field, in_place=False)


def _slice(operation: Operation) -> Description:
    """Follow a slice with steps: neighbours in the output lie further apart in the input."""
    axes, steps = operation.numbers(3), operation.numbers(4)
    if steps is None or all(step == 1 for step in steps):
        return Description("slice", operation.before)
    before = operation.before
    if axes is None or not isinstance(before, Window):
        return Description("slice", before if before is Extent.WHOLE else Extent.UNKNOWN)
    rank = len(before.size) + 2
    step_by_axis = {int(a) % rank: abs(int(s)) for a, s in zip(axes, steps, strict=True)}
    spatial = [step_by_axis.get(axis, 1) for axis in range(2, rank)]
    words = "×".join(str(step) for step in spatial)
    ones = [1] * len(spatial)
    return Description(f"slice, S {words}", before.through(ones, spatial, ones))


def _clip(operation: Operation) -> Description:
    settings = attributes(operation.node)
    low, high = operation.numbers(1), operation.numbers(2)
    bounds = (low[0] if low else settings.get("min"), high[0] if high else settings.get("max"))
    label = "ReLU6" if bounds == (0.0, 6.0) else "clip"
    return Description(label, operation.before)


def _softmax(label: str) -> Callable[[Operation], Description]:
    def describe_softmax(operation: Operation) -> Description:
        rank = len(operation.input_shape or ())
        over_features = rank == 2 or int(attributes(operation.node).get("axis", -1)) == 1
        return Description(label, operation.before if over_features else Extent.UNKNOWN)

    return describe_softmax


def _recurrent(label: str) -> Callable[[Operation], Description]:
    def describe_recurrent(operation: Operation) -> Description:
        settings = attributes(operation.node)
        both = ", both directions" if settings.get("direction") == "bidirectional" else ""
        weights = tuple(c.shape for c in (operation.constant(1), operation.constant(2)) if c is not None and c.shape)
        return Description(f"{label}, {settings.get('hidden_size', '?')} units{both}", Extent.UNKNOWN, weights)

    return describe_recurrent


def _gather(operation: Operation) -> Description:
    table = operation.constant(0)
    if table is not None and table.is_weight and table.shape is not None:
        return Description("embedding", Extent.UNKNOWN, (table.shape,))
    return Description("gather", Extent.UNKNOWN)


_DESCRIBERS: Mapping[str, Callable[[Operation], Description]] = MappingProxyType(
    {
        "Conv": _convolution,
        "ConvTranspose": _transposed_convolution,
        "MaxPool": _pooling("max"),
        "AveragePool": _pooling("average"),
        "GlobalMaxPool": _global_pooling("max"),
        "GlobalAveragePool": _global_pooling("average"),
        "ReduceMean": _mean,
        "Gemm": _linear,
        "MatMul": _linear,
        "Flatten": _reshape,
        "Reshape": _reshape,
        "Squeeze": _rearrangement("squeeze"),
        "Unsqueeze": _rearrangement("unsqueeze"),
        "Transpose": _rearrangement("transpose"),
        "Slice": _slice,
        "Clip": _clip,
        "Softmax": _softmax("softmax"),
        "LogSoftmax": _softmax("log-softmax"),
        "LSTM": _recurrent("LSTM"),
        "GRU": _recurrent("GRU"),
        "RNN": _recurrent("RNN"),
        "Gather": _gather,
    }
)
