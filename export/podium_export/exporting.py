"""The life of a checkpoint: trace, compare with PyTorch, write, publish; and nothing published in between."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import onnx
from podium.v1 import model_manifest_pb2

from podium_export.architecture import Blueprint, GraphBlueprint, Tolerance
from podium_export.errors import FrozenAxis
from podium_export.frozen import strip_notes
from podium_export.golden import golden_arrays, write_golden
from podium_export.labels import check_count
from podium_export.manifest import graph_of, manifest_of, parity_of, provenance_of
from podium_export.package import Destination, publish, staging, write_manifest
from podium_export.parity import (
    Comparison,
    check_rows,
    compare,
    frozen_outputs,
    held_lengths,
    refuse_disagreement,
)
from podium_export.progress import Progress, Silence
from podium_export.reference import reference_outputs
from podium_export.rules import replay_tolerance
from podium_export.session import Session
from podium_export.trace import OPSET, trace
from podium_export.training_nodes import refuse_training_nodes
from podium_export.trials import Answered, golden_trials, trials


@dataclass(frozen=True, slots=True)
class Source:
    """Where a network came from.

    Attributes:
        architecture: its name, or the factory as "package.module:factory".
        checkpoint: the checkpoint's file name, without folders.
        sha256: the checkpoint's SHA-256 in hexadecimal digits; empty when there is no file.
    """

    architecture: str
    checkpoint: str = ""
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Published:
    """What an export leaves.

    Attributes:
        path: the version's folder.
        manifest: what is written in it.
        comparisons: every comparison with the reference.
        tolerance: how far an output could be.
    """

    path: Path
    manifest: model_manifest_pb2.ModelManifest
    comparisons: Sequence[Comparison] = field(repr=False)
    tolerance: Tolerance


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
    destination.check()
    progress = progress or Silence()
    with staging(destination.repository) as folder:
        written = [_write_graph(graph, blueprint, folder, progress) for graph in blueprint.graphs]
        progress.step("Writing the package")
        comparisons = [comparison for graph in written for comparison in graph.comparisons]
        arrays = {
            key: array for graph in written for key, array in golden_arrays(graph.blueprint, graph.answered).items()
        }
        write_golden(folder, arrays)
        manifest = manifest_of(blueprint, [graph.description for graph in written])
        replay = replay_tolerance(blueprint.tolerance, [case for graph in written for case in graph.answered])
        manifest.parity.CopyFrom(parity_of(comparisons, replay, "pytorch"))
        manifest.provenance.CopyFrom(
            provenance_of(
                architecture=source.architecture,
                config=blueprint.config,
                checkpoint=source.checkpoint,
                sha256=source.sha256,
                opset=OPSET,
            )
        )
        manifest.evaluations.extend(evaluations)
        write_manifest(folder, manifest)
        path = publish(folder, destination)
    return Published(path, manifest, comparisons, blueprint.tolerance)


@dataclass(frozen=True, slots=True)
class _Written:
    """One graph in the staging folder, compared."""

    blueprint: GraphBlueprint
    description: model_manifest_pb2.Graph
    answered: Sequence[Answered]
    comparisons: Sequence[Comparison]


def _write_graph(graph: GraphBlueprint, blueprint: Blueprint, folder: Path, progress: Progress) -> _Written:
    progress.step(f"Running {graph.name} in PyTorch")
    answered = _answers(graph, blueprint, progress.detail)
    _check_classes(graph, blueprint, answered)
    progress.step(f"Tracing {graph.name}")
    traced = trace(graph)
    refuse_training_nodes(traced.model, graph.name)
    path = folder / f"{graph.name}.onnx"
    _save(traced.model, path)
    progress.step(f"Comparing {graph.name} in ONNX Runtime with PyTorch")
    session = Session(path)
    for frozen in frozen_outputs(session, answered):
        raise FrozenAxis(f'graph "{graph.name}", {frozen}{held_lengths(traced)}')
    comparisons = compare(
        graph,
        session,
        answered,
        blueprint.tolerance,
        traced=traced,
        watch=lambda trial: progress.detail(str(trial)),
    )
    refuse_disagreement(comparisons, blueprint.tolerance, "PyTorch")
    check_rows(graph, session, answered, blueprint.tolerance)
    return _Written(graph, graph_of(graph, session, path.name), answered, comparisons)


def _answers(graph: GraphBlueprint, blueprint: Blueprint, detail: Callable[[str], None]) -> list[Answered]:
    pictures = blueprint.image_preprocessing is not None and graph is blueprint.graphs[0]
    answered: list[Answered] = []
    for trial in trials(graph, golden_trials(graph, pictures=pictures)):
        detail(str(trial))
        answered.append(Answered(trial, tuple(reference_outputs(graph, trial))))
    return answered


def _check_classes(graph: GraphBlueprint, blueprint: Blueprint, answered: Sequence[Answered]) -> None:
    if blueprint.task == model_manifest_pb2.TASK_IMAGE_CLASSIFICATION and graph is blueprint.graphs[-1]:
        check_count(blueprint.labels, answered[0].outputs[0].shape[-1])


def _save(model: onnx.ModelProto, path: Path) -> None:
    """Write a graph without the tracer's notes; weights beyond protobuf's 2 GiB go into a file beside it."""
    written = onnx.ModelProto()
    written.CopyFrom(model)
    strip_notes(written)
    limit = 2**31 - 2**20
    onnx.save(written, path, save_as_external_data=written.ByteSize() > limit, location=f"{path.name}.data")
