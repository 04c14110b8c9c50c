"""From a network to an ONNX graph, by PyTorch's converter.

The graph is traced at unusual lengths of its dynamic axes, so that a length which the tracer froze can be
found again among the graph's constants.
"""

import contextlib
import inspect
import io
import logging
import re
import warnings
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import torch

from podium_export.architecture import GraphBlueprint
from podium_export.chance import calling_line
from podium_export.converter_faults import forget_recurrent_kernels, name_lengths
from podium_export.errors import FrozenAxis, NetworkError
from podium_export.frozen import frozen_nodes
from podium_export.reference import evaluation
from podium_export.trials import draw, traced_lengths

OPSET = 20
"""The ONNX operator set written: the converter's own, which needs no conversion afterwards."""

_KNOWN_WARNINGS = (
    r".*isinstance\(treespec, LeafSpec\).*",
    r"# The axis name: .* will not be used",
    r".*were assigned during export.*",
    r".*_check_is_size will be removed.*",
    r".*guard_size_oblivious.*",
)
"""What the converter says of its own insides on every run."""

_CHATTER = ("For ", "If you suspect", "Caused by", "consider using", "(Refer to")
"""How lines begin that tell PyTorch's own developers how to go on."""


@dataclass(frozen=True, slots=True)
class TracedGraph:
    """A graph fresh from the tracer.

    Attributes:
        model: the ONNX model, with notes of the source lines that its nodes came from.
        lengths: the lengths of the dynamic axes that it was traced with.
    """

    model: onnx.ModelProto
    lengths: Mapping[str, int]


def trace(graph: GraphBlueprint) -> TracedGraph:
    """Convert a network in evaluation mode.

    Raises:
        FrozenAxis: the network fixes the length of a dynamic axis.
        NetworkError: PyTorch cannot convert it.
    """
    taken = {length for tensor in graph.module.state_dict().values() for length in tensor.shape}
    lengths = traced_lengths(graph, taken=taken)
    try:
        return TracedGraph(_convert(graph, lengths, tuple(lengths)), lengths)
    except NetworkError as error:
        axes = _specialized(graph, lengths, str(error))
        if not axes:
            raise
        raise FrozenAxis(_frozen_while_tracing(graph, lengths, axes)) from error


def _convert(graph: GraphBlueprint, lengths: Mapping[str, int], dynamic: Sequence[str]) -> onnx.ModelProto:
    inputs = tuple(torch.from_numpy(draw(spec, lengths, "random")) for spec in graph.inputs)
    shapes = tuple({place: axis for place, axis in enumerate(spec.shape) if axis in dynamic} for spec in graph.inputs)
    forget_recurrent_kernels()
    names = [output if isinstance(output, str) else output.name for output in graph.outputs]
    try:
        with evaluation(graph.module), torch.no_grad(), _quiet():
            program: Any = torch.onnx.export(
                graph.module,
                inputs,
                dynamo=True,
                input_names=[spec.name for spec in graph.inputs],
                output_names=names,
                dynamic_shapes=_as_given(graph.module, shapes),
                opset_version=OPSET,
                verbose=False,
                optimize=False,
            )
            name_lengths(program, {lengths[axis]: axis for axis in dynamic})
            program.optimize()
    except Exception as error:
        raise NetworkError(
            f'graph "{graph.name}": PyTorch {torch.__version__} cannot convert the network to ONNX: {_cause(error)}'
        ) from error
    model: onnx.ModelProto = program.model_proto
    return model


def _as_given(module: torch.nn.Module, shapes: Sequence[Any]) -> tuple[Any, ...]:
    """Put the shapes of what `forward` gathers in *args into a tuple of their own, as the tracer wants them."""
    parameters = list(inspect.signature(module.forward).parameters.values())
    kinds = [parameter.kind for parameter in parameters]
    if inspect.Parameter.VAR_POSITIONAL not in kinds:
        return tuple(shapes)
    place = kinds.index(inspect.Parameter.VAR_POSITIONAL)
    return (*shapes[:place], tuple(shapes[place:]))


def _specialized(graph: GraphBlueprint, lengths: Mapping[str, int], message: str) -> list[str]:
    """Name the dynamic axes that the tracer says it had to fix."""
    if "static shape" not in message and "pecializ" not in message and "onstraint" not in message:
        return []
    return [
        axis
        for axis, length in lengths.items()
        if f"static shape of {length} " in message or f"({length})" in message or f" {length}" in message
    ]


def _frozen_while_tracing(graph: GraphBlueprint, lengths: Mapping[str, int], axes: Sequence[str]) -> str:
    """Trace again with the axes fixed, to find the nodes that hold their lengths."""
    dynamic = [axis for axis in lengths if axis not in axes]
    try:
        nodes = [node for axis in axes for node in frozen_nodes(_convert(graph, lengths, dynamic), lengths[axis], axis)]
    except NetworkError:
        nodes = []
    frozen = ", ".join(f'"{axis}" (traced at {lengths[axis]})' for axis in axes)
    held = "".join(f"\n  {node}" for node in nodes) or "\n  no node that the report can name"
    return (
        f'graph "{graph.name}": the network fixes the length of axis {frozen}, which must stay dynamic. '
        f"The length is held by{held}\n"
        "Take lengths from the input (x.shape[0], x.flatten(1)), and replace loops over the axis by operations "
        "on the whole tensor."
    )


def _cause(error: BaseException) -> str:
    """Say what went wrong first, without the converter's advice to its own developers."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line for line in str(error).splitlines() if line.strip() and not line.startswith(_CHATTER)]
    text = "\n".join(lines[:4]) or "no reason given"
    advice = ""
    if "data-dependent" in str(error) or "DataDependent" in type(error).__name__:
        advice = (
            "\nAn `if` or a length depends on the values of a tensor: such a choice cannot be written as a graph. "
            "Use torch.where, or make the choice outside the network."
        )
    where = "" if "line " in text else calling_line(error)
    return f"{type(error).__name__}: {text}{where}{advice}"


@contextlib.contextmanager
def _quiet() -> Generator[None]:
    """Keep the converter's logs, prints and known warnings from the terminal.

    Warnings are gathered and the unknown ones given afterwards: one that is turned into an error on its way
    would make the converter fall back to another, worse way of tracing.
    """
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(record=True) as caught,
            np.errstate(all="ignore"),
        ):
            warnings.simplefilter("always")
            yield
    finally:
        logging.disable(disabled)
    for warning in caught:
        if not any(re.match(known, str(warning.message)) for known in _KNOWN_WARNINGS):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
