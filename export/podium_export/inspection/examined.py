"""What an inspection finds, before it is put into tables or JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from podium.v1 import model_manifest_pb2

from podium_export.inspection.graph import OnnxGraph, Port
from podium_export.inspection.layers import Layer, batch_axis_of, layers
from podium_export.inspection.opened import Opened


@dataclass(frozen=True, slots=True)
class ExaminedGraph:
    """One ONNX file.

    Attributes:
        name: the graph's role; empty for a bare file.
        file: the file's name.
        opset: the version of the default operator set.
        inputs: what a run is fed.
        outputs: what a run gives.
        layers: the table.
        num_parameters: trained numbers, biases included.
        onnx: the graph itself.
    """

    name: str
    file: str
    opset: int
    inputs: Sequence[Port]
    outputs: Sequence[Port]
    layers: Sequence[Layer]
    num_parameters: int
    onnx: OnnxGraph


@dataclass(frozen=True, slots=True)
class Examined:
    """A package or a bare ONNX file.

    Attributes:
        title: what to call it.
        path: where it is.
        manifest: what the package says of itself; None for a bare file.
        graphs: its ONNX files.
    """

    title: str
    path: Path
    manifest: model_manifest_pb2.ModelManifest | None
    graphs: Sequence[ExaminedGraph]


def examine(opened: Opened) -> Examined:
    """Read every graph of what was opened.

    Raises:
        GraphError: a file is not ONNX.
    """
    batch_axis_by_name = {g.name: g.batch_axis for g in opened.manifest.graphs} if opened.manifest else {}
    graphs = [_examine(name, file, batch_axis_by_name.get(name)) for name, file in opened.graphs.items()]
    return Examined(opened.title, opened.path, opened.manifest, graphs)


def _examine(name: str, file: Path, batch_axis: str | None) -> ExaminedGraph:
    graph = OnnxGraph.read(file)
    axis = batch_axis_of(graph) if batch_axis is None else batch_axis or None
    return ExaminedGraph(
        name=name,
        file=file.name,
        opset=graph.opset,
        inputs=graph.inputs,
        outputs=graph.outputs,
        layers=layers(graph, axis),
        num_parameters=graph.num_parameters,
        onnx=graph,
    )
