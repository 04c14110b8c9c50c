"""Compiles what a manifest says of a step graph, and refuses what does not add up."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from podium.v1 import model_manifest_pb2 as pb
from podium.v1 import tensor_pb2

from podium_server.elements import BY_PROTO
from podium_server.generation.described import ENCODER, FRAME, STEP, TOKEN, Described, describe
from podium_server.generation.rows import zeros
from podium_server.generation.step_plan import FrameSpec, StateSpec, StepPlan

LOGITS = "logits"

_Specs: TypeAlias = Mapping[str, tensor_pb2.TensorSpec]


def compile_step(manifest: pb.ModelManifest) -> StepPlan:
    """Check what a manifest says of its step graph against the graphs, and compile it.

    Raises:
        ValueError: it does not add up; the message names the field, what is wrong and what would be right.
    """
    graphs = {graph.name: graph for graph in manifest.graphs}
    words = describe(manifest)
    assert words is not None, "only packages with a step graph come here"
    if STEP not in graphs:
        raise ValueError(f"{words.field}: needs a graph named '{STEP}'; `graphs` has {_listed(graphs)}")
    graph = graphs[STEP]
    inputs = {spec.name: spec for spec in graph.inputs}
    outputs = {spec.name: spec for spec in graph.outputs}
    frame = _check_input(words.input, inputs, graph.batch_axis)
    size = _vocabulary_size(outputs, graph.batch_axis)
    encoded = _encoded(graphs, words)
    states = tuple(
        _state(f"{words.field}.states[{i}]", state, inputs, outputs, batch_axis=graph.batch_axis, encoded=encoded)
        for i, state in enumerate(words.states)
    )
    for i, context in enumerate(words.contexts):
        _check_context(f"{words.field}.contexts[{i}]", context, inputs, graph.batch_axis, encoded)
    contexts = tuple(context.input for context in words.contexts)
    fed = [words.input, *(state.input for state in states), *contexts]
    given = [LOGITS, *(state.output for state in words.states)]
    _check_all("input", fed, list(inputs), f"{words.field}.states and {words.field}.contexts")
    _check_all("output", given, list(outputs), f"{words.field}.states")
    return StepPlan(
        size,
        states,
        contexts,
        tuple(fed.index(name) for name in inputs),
        tuple(list(outputs).index(name) for name in given),
        _ids(f"{words.field}.end_ids", words.end_ids, size),
        _ids(f"{words.field}.suppressed_ids", words.suppressed_ids, size),
        frame,
    )


def _check_input(name: str, inputs: _Specs, batch_axis: str) -> FrameSpec | None:
    """Check what a step reads; what a frame is, None for tokens."""
    spec = inputs.get(name)
    if not batch_axis:
        raise ValueError(f"graphs: graph '{STEP}' needs a `batch_axis`, which its rows lie along")
    if spec is None:
        raise ValueError(f"graphs: graph '{STEP}' needs an input '{name}'; it has {_listed(inputs)}")
    shape = _shape(spec)
    if name == FRAME:
        return _frame(spec, shape, batch_axis)
    if spec.element_type != tensor_pb2.ELEMENT_TYPE_INT64:
        raise ValueError(f"graphs: input '{TOKEN}' of graph '{STEP}' must be of int64")
    if len(shape) != 2 or shape[0] != batch_axis or isinstance(shape[1], int):
        raise ValueError(
            f"graphs: input '{TOKEN}' of graph '{STEP}' has the shape {shape}; it must be ['{batch_axis}', 'time'], "
            "both dynamic"
        )
    return None


def _frame(spec: tensor_pb2.TensorSpec, shape: Sequence[int | str], batch_axis: str) -> FrameSpec:
    rest = [length for length in shape[2:] if isinstance(length, int)]
    if shape[:1] != [batch_axis] or not isinstance(shape[1], str) or len(rest) != len(shape) - 2:
        raise ValueError(
            f"graphs: input '{FRAME}' of graph '{STEP}' has the shape {shape}; it must be "
            f"['{batch_axis}', 'time', ...] with fixed lengths after the two"
        )
    return FrameSpec(BY_PROTO[spec.element_type].dtype, tuple(rest))


def _vocabulary_size(outputs: _Specs, batch_axis: str) -> int:
    spec = outputs.get(LOGITS)
    if spec is None:
        raise ValueError(f"graphs: graph '{STEP}' needs an output '{LOGITS}'; it has {_listed(outputs)}")
    shape, element = _shape(spec), BY_PROTO.get(spec.element_type)
    if len(shape) != 2 or shape[0] != batch_axis or not isinstance(shape[1], int):
        raise ValueError(
            f"graphs: output '{LOGITS}' of graph '{STEP}' has the shape {shape}; it must be ['{batch_axis}', V] for "
            "the last of the tokens, V being the number of tokens"
        )
    if element is None or element.dtype.kind != "f":
        raise ValueError(f"graphs: output '{LOGITS}' of graph '{STEP}' must be of a floating-point type")
    return shape[1]


def _encoded(graphs: Mapping[str, pb.Graph], words: Described) -> _Specs | None:
    """What the encoder gives; None where there is no encoder."""
    if ENCODER in graphs:
        return {spec.name: spec for spec in graphs[ENCODER].outputs}
    for i, context in enumerate(words.contexts):
        raise ValueError(f"{words.field}.contexts[{i}]: '{context.input}' needs a graph named '{ENCODER}'")
    return None


def _state(
    field: str,
    state: pb.StepState,
    inputs: _Specs,
    outputs: _Specs,
    *,
    batch_axis: str,
    encoded: _Specs | None,
) -> StateSpec:
    before = _find(f"{field}.input", state.input, inputs, f"inputs of graph '{STEP}'")
    after = _find(f"{field}.output", state.output, outputs, f"outputs of graph '{STEP}'")
    shape = _shape(before)
    if shape.count(batch_axis) != 1:
        raise ValueError(f"{field}.input: '{state.input}' has the shape {shape}; one axis must be '{batch_axis}'")
    if not _alike(before, after):
        raise ValueError(
            f"{field}.output: '{state.output}' is of {_said(after)}; it must be of {_said(before)}, as '{state.input}'"
        )
    axis = shape.index(batch_axis)
    source = state.WhichOneof("first")
    if source == "encoder_output":
        spec = _find(f"{field}.encoder_output", state.encoder_output, encoded or {}, f"outputs of graph '{ENCODER}'")
        _check_same(f"{field}.encoder_output", spec, before)
        return StateSpec(state.input, axis, None)
    if source == "values":
        return StateSpec(state.input, axis, _values(f"{field}.values", state.values, before, axis))
    if any(isinstance(length, str) and length != batch_axis for length in shape):
        raise ValueError(
            f"{field}: '{state.input}' has the shape {shape}; a state that begins as zeros needs fixed lengths beside "
            f"'{batch_axis}': give `encoder_output` or `values`"
        )
    return StateSpec(state.input, axis, zeros(BY_PROTO[before.element_type].dtype, shape, axis))


def _values(field: str, tensor: tensor_pb2.Tensor, spec: tensor_pb2.TensorSpec, axis: int) -> NDArray[Any]:
    element = BY_PROTO.get(tensor.element_type)
    shape, wanted = list(tensor.shape), _shape(spec)
    wanted[axis] = 1
    fits = len(shape) == len(wanted) and all(isinstance(w, str) or w == n for n, w in zip(shape, wanted, strict=True))
    if element is None or tensor.element_type != spec.element_type or not fits:
        raise ValueError(f"{field}: the shape is {shape}; it must be {wanted}, of the type of '{spec.name}'")
    if len(tensor.data) != element.dtype.itemsize * int(np.prod(shape)):
        raise ValueError(f"{field}: `data` has {len(tensor.data)} bytes, which a tensor of {shape} has not")
    return np.frombuffer(tensor.data, element.dtype).reshape(shape)


def _check_context(
    field: str,
    context: pb.StepContext,
    inputs: _Specs,
    batch_axis: str,
    encoded: _Specs | None,
) -> None:
    spec = _find(f"{field}.input", context.input, inputs, f"inputs of graph '{STEP}'")
    if _shape(spec)[:1] != [batch_axis]:
        raise ValueError(f"{field}.input: '{context.input}' has the shape {_shape(spec)}; axis 0 must be the batch")
    source = _find(f"{field}.encoder_output", context.encoder_output, encoded or {}, f"outputs of graph '{ENCODER}'")
    _check_same(f"{field}.encoder_output", source, spec)


def _check_same(field: str, given: tensor_pb2.TensorSpec, wanted: tensor_pb2.TensorSpec) -> None:
    a, b = _shape(given), _shape(wanted)
    same = len(a) == len(b) and all(
        x == y or (isinstance(x, str) and isinstance(y, str)) for x, y in zip(a, b, strict=True)
    )
    if not same or given.element_type != wanted.element_type:
        raise ValueError(f"{field}: '{given.name}' is of {_said(given)}; '{wanted.name}' takes {_said(wanted)}")


def _check_all(side: str, named: Sequence[str], there: Sequence[str], fields: str) -> None:
    twice = {name for name in named if named.count(name) > 1}
    if twice:
        raise ValueError(f"{fields}: the {side} {_listed(twice)} is named twice")
    over = [name for name in there if name not in named]
    if over:
        raise ValueError(f"{fields}: nothing is said of the {side} {_listed(over)} of graph '{STEP}'")


def _find(field: str, name: str, specs: _Specs, where: str) -> tensor_pb2.TensorSpec:
    if name not in specs:
        raise ValueError(f"{field}: '{name}' is none of the {where}, which are {_listed(specs) or 'none'}")
    return specs[name]


def _ids(field: str, ids: Sequence[int], size: int) -> NDArray[np.int64]:
    beyond = [i for i in ids if i >= size]
    if beyond:
        raise ValueError(f"{field}: {beyond[0]} is no token; '{LOGITS}' has ids 0 … {size - 1}")
    return np.array(sorted(set(ids)), np.int64)


def _shape(spec: tensor_pb2.TensorSpec) -> list[int | str]:
    return [axis.axis or axis.size for axis in spec.shape]


def _alike(a: tensor_pb2.TensorSpec, b: tensor_pb2.TensorSpec) -> bool:
    return a.element_type == b.element_type and _shape(a) == _shape(b)


def _said(spec: tensor_pb2.TensorSpec) -> str:
    element = BY_PROTO.get(spec.element_type)
    return f"{element.oip if element else 'no type'} {_shape(spec)}"


def _listed(names: Collection[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
