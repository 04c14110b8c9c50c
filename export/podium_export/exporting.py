"""The life of a checkpoint after its network is built: trace each graph, compare it with PyTorch, publish."""

from collections.abc import Sequence
from pathlib import Path

import onnx
from podium.v1 import model_manifest_pb2

from podium_export.architecture import Blueprint, GraphBlueprint
from podium_export.assembling import Published, Source, WrittenGraph, assemble
from podium_export.errors import FrozenAxis
from podium_export.frozen import strip_notes
from podium_export.package import Destination
from podium_export.parity import frozen_outputs, held_lengths
from podium_export.progress import Progress, Silence
from podium_export.session import Session
from podium_export.trace import trace
from podium_export.training_nodes import refuse_training_nodes
from podium_export.trials import Answered

EXTERNAL_DATA_BYTES = 2**31 - 2**20
"""Above this size weights go into a file beside the graph: protobuf ends at 2 GiB."""


def export_network(
    blueprint: Blueprint,
    source: Source,
    destination: Destination,
    *,
    progress: Progress | None = None,
    evaluations: Sequence[model_manifest_pb2.Evaluation] = (),
) -> Published:
    """Convert a network's graphs, compare each with PyTorch, and publish the package.

    Args:
        blueprint: the network's graphs with their weights, and what the package says of them.
        source: where the network came from.
        destination: where the package goes.
        progress: told what is being done.
        evaluations: figures measured on data that the network was not trained on.

    Raises:
        ExportError: whatever stopped it; nothing is published then.
    """
    return assemble(blueprint, source, destination, _Tracer(), progress=progress or Silence(), evaluations=evaluations)


class _Tracer:
    """Writes graphs by tracing them in PyTorch."""

    reference = "pytorch"

    def write(
        self, graph: GraphBlueprint, folder: Path, answered: Sequence[Answered], progress: Progress
    ) -> WrittenGraph:
        """Trace one graph, refuse what may not be served, and save it."""
        progress.step(f"Tracing {graph.name}")
        traced = trace(graph)
        refuse_training_nodes(traced.model, graph.name)
        path = folder / f"{graph.name}.onnx"
        _save(traced.model, path)
        session = Session(path)
        for frozen in frozen_outputs(session, answered):
            raise FrozenAxis(f'graph "{graph.name}", {frozen}{held_lengths(traced)}')
        return WrittenGraph(path, session, traced)


def _save(model: onnx.ModelProto, path: Path) -> None:
    """Write a graph without the tracer's notes, which reports still need; a huge one is not copied for that."""
    huge = sum(len(tensor.raw_data) for tensor in model.graph.initializer) > EXTERNAL_DATA_BYTES
    written = model if huge else onnx.ModelProto.FromString(model.SerializeToString())
    strip_notes(written)
    onnx.save(written, path, save_as_external_data=huge, location=f"{path.name}.data")
