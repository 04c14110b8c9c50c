"""Makes a package in a hidden folder: reference, graph, comparison, golden examples, manifest, rename.

Nothing is published until all of it has succeeded.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import onnx
from podium.v1 import model_manifest_pb2

from podium_export.architecture import Blueprint, GraphBlueprint, Tolerance
from podium_export.chain import Run, check_chain
from podium_export.classifier import check_classifier
from podium_export.golden import golden_arrays, write_golden
from podium_export.manifest import graph_of, manifest_of, parity_of, provenance_of
from podium_export.package import Destination, publish, staging, write_manifest
from podium_export.parity import Comparison, check_rows, compare, refuse_disagreement
from podium_export.progress import Progress
from podium_export.reference import reference_outputs
from podium_export.rules import replay_tolerance
from podium_export.session import Session
from podium_export.trace import TracedGraph
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


@dataclass(frozen=True, slots=True)
class WrittenGraph:
    """One graph in the hidden folder.

    Attributes:
        path: its ONNX file.
        session: the file as ONNX Runtime loaded it.
        traced: the graph as traced, when PyTorch traced it.
    """

    path: Path
    session: Session
    traced: TracedGraph | None = None


class Writer(Protocol):
    """Writes the graphs of a package."""

    @property
    def reference(self) -> str:
        """What the graphs are compared with: "pytorch" or "onnxruntime"."""
        ...

    def write(
        self, graph: GraphBlueprint, folder: Path, answered: Sequence[Answered], progress: Progress
    ) -> WrittenGraph:
        """Write one graph into a folder, given what the reference answered."""
        ...


def assemble(
    blueprint: Blueprint,
    source: Source,
    destination: Destination,
    writer: Writer,
    *,
    progress: Progress,
    evaluations: Sequence[model_manifest_pb2.Evaluation] = (),
) -> Published:
    """Write, compare and publish every graph of a blueprint.

    Raises:
        ExportError: whatever stopped it; nothing is published then.
    """
    destination.check()
    with staging(destination.repository) as folder:
        graphs = [_checked(graph, blueprint, writer, folder, progress) for graph in blueprint.graphs]
        progress.step("Writing the package")
        write_golden(
            folder,
            {key: array for graph in graphs for key, array in golden_arrays(graph.blueprint, graph.answered).items()},
        )
        comparisons = [comparison for graph in graphs for comparison in graph.comparisons]
        manifest = manifest_of(blueprint, [graph.description for graph in graphs])
        replay = replay_tolerance(blueprint.tolerance, [case for graph in graphs for case in graph.answered])
        manifest.parity.CopyFrom(parity_of(comparisons, replay, writer.reference))
        manifest.provenance.CopyFrom(
            provenance_of(
                architecture=source.architecture,
                config=blueprint.config,
                checkpoint=source.checkpoint,
                sha256=source.sha256,
                opset=max(graph.opset for graph in graphs),
            )
        )
        manifest.evaluations.extend(evaluations)
        for name, content in blueprint.files.items():
            (folder / name).write_bytes(content)
        write_manifest(folder, manifest)
        path = publish(folder, destination)
    return Published(path, manifest, comparisons, blueprint.tolerance)


@dataclass(frozen=True, slots=True)
class _Checked:
    """One graph in the hidden folder that agrees with its reference."""

    blueprint: GraphBlueprint
    description: model_manifest_pb2.Graph
    opset: int
    answered: Sequence[Answered]
    comparisons: Sequence[Comparison]


def _checked(graph: GraphBlueprint, blueprint: Blueprint, writer: Writer, folder: Path, progress: Progress) -> _Checked:
    name = {"pytorch": "PyTorch", "onnxruntime": "ONNX Runtime without optimization"}[writer.reference]
    progress.step(f"Running {graph.name} in {name}")
    answered = _answers(graph, blueprint, writer, progress.detail)
    if blueprint.score_kind and graph is blueprint.graphs[-1]:
        check_classifier(blueprint, answered)
    _check_chain(graph, blueprint, lambda trial: reference_outputs(graph, trial), name)
    written = writer.write(graph, folder, answered, progress)
    progress.step(f"Comparing {graph.name} in ONNX Runtime with {name}")
    comparisons = compare(
        graph,
        written.session,
        answered,
        blueprint.tolerance,
        traced=written.traced,
        watch=lambda trial: progress.detail(str(trial)),
    )
    refuse_disagreement(comparisons, blueprint.tolerance, name)
    check_rows(graph, written.session, answered, blueprint.tolerance)
    _check_chain(graph, blueprint, lambda trial: written.session.run(trial.inputs), "ONNX Runtime")
    description = graph_of(graph, written.session, written.path.name)
    return _Checked(graph, description, _opset(written.path), answered, comparisons)


def _check_chain(graph: GraphBlueprint, blueprint: Blueprint, run: Run, runner: str) -> None:
    """Check what one step leaves for the next, where a graph writes step by step."""
    words = blueprint.generation or blueprint.video
    if graph.name == "step" and words is not None:
        check_chain(graph, words.states, run, runner, blueprint.tolerance)


def _answers(
    graph: GraphBlueprint, blueprint: Blueprint, writer: Writer, detail: Callable[[str], None]
) -> list[Answered]:
    """Run the reference on every trial; large inputs need PyTorch, which can tell rounding from error."""
    pictures = blueprint.image_preprocessing is not None and graph is blueprint.graphs[0]
    answered: list[Answered] = []
    for trial in trials(graph, golden_trials(graph, pictures=pictures)):
        if trial.kind != "large" or writer.reference == "pytorch":
            detail(str(trial))
            answered.append(Answered(trial, tuple(reference_outputs(graph, trial))))
    return answered


def _opset(path: Path) -> int:
    """Read the operator set of the default domain; 0 when the graph uses none of it."""
    model = onnx.load(path, load_external_data=False)
    return next((entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")), 0)
