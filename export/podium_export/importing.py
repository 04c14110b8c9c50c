"""Takes over an ONNX file made elsewhere: checked, compared with itself unoptimized, published.

Such a file has no network to be compared with. What can be shown is that ONNX Runtime's optimized run, which
will be served, computes what its plain run computes, at several sizes, and that rows do not mix.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from podium.v1 import model_manifest_pb2 as pb
from torch import Tensor, nn

from podium_export.architecture import Blueprint, GraphBlueprint, InputSpec, OutputSpec, Tolerance
from podium_export.assembling import Published, Source, WrittenGraph, assemble
from podium_export.elements import NUMPY_BY_RUNTIME
from podium_export.errors import FrozenAxis, GraphError, NetworkError, ParityFailure
from podium_export.onnx_file import OnnxFile, copy_onnx
from podium_export.package import Destination
from podium_export.parity import check_rows, frozen_outputs
from podium_export.progress import Progress, Silence
from podium_export.reference import reference_outputs
from podium_export.session import Port, Session
from podium_export.training_nodes import refuse_training_nodes
from podium_export.trials import Answered, trials

TOLERANCE = Tolerance(absolute=1e-4, relative=1e-3)
"""How far the two runs may be: ten times an export's, as no run in double precision can tell rounding from error."""
GRAPH = "model"
"""The name of an imported file's one graph."""


class PlainRun(nn.Module):
    """An ONNX file as a network: run by ONNX Runtime without any optimization."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Run the file on its inputs in order."""
        outputs = self._session.run([array.numpy() for array in inputs])
        return tuple(torch.from_numpy(array.copy()) for array in outputs)


def imported_blueprint(source: OnnxFile, lengths: Mapping[str, tuple[int, ...]] | None = None) -> Blueprint:
    """Describe a file by its own signature, batched along axis 0 where that can be shown to be right.

    Args:
        source: the file.
        lengths: the lengths that a dynamic axis is tried at, by its name.

    Raises:
        GraphError: ONNX Runtime does not load it, or a tensor is of a type that packages do not carry.
        NetworkError: a node trains or draws random numbers, or it does not run.
    """
    refuse_training_nodes(source.model, GRAPH)
    session = Session(source.path, optimized=False)
    for port in (*session.inputs, *session.outputs):
        if port.type not in NUMPY_BY_RUNTIME:
            raise GraphError(
                f'{source.path}: "{port.name}" is {port.type}, which a package does not carry. It can be served '
                "unchecked: put the file alone into <repository>/<name>/1/"
            )
    batched = _graph(session, "batch", lengths or {})
    graph = batched if _is_batched(batched, session) else _graph(session, "", lengths or {})
    return Blueprint((graph,), pb.TASK_TENSOR, tolerance=TOLERANCE)


def import_graph(
    blueprint: Blueprint, source: OnnxFile, destination: Destination, *, progress: Progress | None = None
) -> Published:
    """Compare a file with its plain run and publish it.

    Raises:
        ExportError: whatever stopped it; nothing is published then.
    """
    origin = Source("onnx", source.path.name, source.sha256)
    return assemble(blueprint, origin, destination, _Copier(source), progress=progress or Silence())


class _Copier:
    """Writes a graph by copying the file."""

    reference = "onnxruntime"

    def __init__(self, source: OnnxFile) -> None:
        self._source = source

    def write(
        self, graph: GraphBlueprint, folder: Path, answered: Sequence[Answered], progress: Progress
    ) -> WrittenGraph:
        """Copy the file and load it as it will be served."""
        progress.step(f"Copying {self._source.path.name}")
        path = folder / f"{graph.name}.onnx"
        copy_onnx(self._source, path)
        session = Session(path)
        for frozen in frozen_outputs(session, answered):
            raise GraphError(f"{self._source.path}: its signature is wrong: {frozen}")
        return WrittenGraph(path, session)


def _graph(session: Session, batch_axis: str, lengths: Mapping[str, tuple[int, ...]]) -> GraphBlueprint:
    return GraphBlueprint(
        PlainRun(session),
        tuple(InputSpec(port.name, NUMPY_BY_RUNTIME[port.type], _shape(port, batch_axis)) for port in session.inputs),
        tuple(OutputSpec(port.name, _shape(port, batch_axis)) for port in session.outputs),
        name=GRAPH,
        batch_axis=batch_axis,
        lengths=lengths,
    )


def _shape(port: Port, batch_axis: str) -> tuple[int | str, ...]:
    """Name a tensor's axes: the batch first, dynamic ones without a usable name by the tensor and their place."""
    named = tuple(
        axis if isinstance(axis, int) or (axis and axis != "?") else f"{port.name}_{place}"
        for place, axis in enumerate(port.shape)
    )
    return (batch_axis, *named[1:]) if batch_axis and named else named


def _is_batched(graph: GraphBlueprint, session: Session) -> bool:
    """Tell whether axis 0 of everything is dynamic, and rows are independent when it is used as the batch."""
    ports = (*session.inputs, *session.outputs)
    if any(not port.shape or isinstance(port.shape[0], int) for port in ports):
        return False
    try:
        answered = [
            Answered(trial, tuple(reference_outputs(graph, trial))) for trial in trials(graph) if trial.kind == "random"
        ]
        check_rows(graph, session, answered, TOLERANCE)
    except (NetworkError, FrozenAxis, ParityFailure):
        return False
    return True
