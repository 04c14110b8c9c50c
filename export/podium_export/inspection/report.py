"""Prints what is inside a package as tables."""

from collections.abc import Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING

from google.protobuf import json_format, struct_pb2
from podium.v1 import model_manifest_pb2
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from podium_export.inspection.examined import Examined, ExaminedGraph
from podium_export.inspection.graph import Port
from podium_export.inspection.latent_words import latent_facts
from podium_export.inspection.layers import Layer
from podium_export.inspection.series_words import series_facts
from podium_export.inspection.text_words import text_facts
from podium_export.inspection.wording import (
    axes_words,
    evaluation_words,
    field_words,
    preprocessing_words,
    score_words,
    video_words,
)

if TYPE_CHECKING:
    from podium_export.inspection.latent_use import LatentUse

_NUM_LABELS = 5
_DIGEST_DIGITS = 12
_REFERENCES = {"pytorch": "PyTorch", "onnxruntime": "ONNX Runtime"}


def report(examined: Examined, use: "LatentUse | None" = None) -> RenderableType:
    """Arrange everything for a terminal: the layers, what the package says of itself, the use of its latents."""
    parts: list[RenderableType] = [Text(f"{examined.title}  ({examined.path})", style="bold")]
    manifest = examined.manifest
    if manifest is not None and manifest.description:
        parts.append(Text(manifest.description))
    for graph in examined.graphs:
        parts += [Padding(layer_table(graph), (1, 0, 0, 0)), Text(_totals(graph))]
    parts.append(Padding(_facts_table(examined), (1, 0, 0, 0)))
    if use is not None:
        from podium_export.inspection.latent_use_report import use_report

        parts.append(Padding(use_report(use), (1, 0, 0, 0)))
    return Group(*parts)


def layer_table(graph: ExaminedGraph) -> Table:
    """Show each layer with its output, its weights without biases, and its receptive field."""
    table = Table(title=f"graph {graph.name}" if graph.name else None, title_justify="left", title_style="bold")
    table.add_column("layer")
    table.add_column("output", justify="right")
    table.add_column("weights", justify="right")
    table.add_column("receptive field", justify="right")
    for layer in graph.layers:
        table.add_row(*(escape(cell) for cell in layer_cells(layer)))
    return table


def layer_cells(layer: Layer) -> tuple[str, str, str, str]:
    """Write a layer's row: what it does, its output, its weights, its receptive field."""
    weights = ", ".join(axes_words(shape) for shape in layer.weights)
    return layer.label, axes_words(layer.output), weights, field_words(layer.receptive_field)


def _totals(graph: ExaminedGraph) -> str:
    weights = sum(prod(shape) for layer in graph.layers for shape in layer.weights)
    shared = " (some weights are used by several layers)" if weights > graph.num_parameters else ""
    parameters = f"{graph.num_parameters:,} parameters, biases included"
    return f"{parameters}; {weights:,} weights in the layers{shared}"


def _facts_table(examined: Examined) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, words in _facts(examined):
        table.add_row(name, Text(words))
    return table


def _facts(examined: Examined) -> Iterator[tuple[str, str]]:
    for graph in examined.graphs:
        of_graph = f" of {graph.name}" if len(examined.graphs) > 1 else ""
        yield f"inputs{of_graph}", _ports(graph.inputs)
        yield f"outputs{of_graph}", _ports(graph.outputs)
    if examined.manifest is None:
        for graph in examined.graphs:
            yield "operator set", str(graph.opset or "only of other domains")
        yield "manifest", "none: a bare ONNX file says nothing of preprocessing, labels or where it came from"
        return
    yield from _manifest_facts(examined.manifest)


def _manifest_facts(manifest: model_manifest_pb2.ModelManifest) -> Iterator[tuple[str, str]]:
    if manifest.HasField("image_preprocessing"):
        yield "preprocessing", preprocessing_words(manifest.image_preprocessing)
    if manifest.HasField("classification"):
        yield "labels", _labels(manifest.classification.labels)
        yield "scores", score_words(manifest.classification.score_kind)
    if manifest.HasField("video"):
        yield "clips", video_words(manifest.video)
    yield from latent_facts(manifest)
    yield from text_facts(manifest)
    yield from series_facts(manifest)
    yield from _provenance_facts(manifest.provenance)
    yield "parity", _parity(manifest.parity)
    for evaluation in manifest.evaluations:
        yield "evaluation", evaluation_words(evaluation)
    for file in manifest.files:
        yield "file", f"{file.name}, {file.size_bytes:,} bytes, sha256 {_short(file.sha256)}"


def _provenance_facts(provenance: model_manifest_pb2.Provenance) -> Iterator[tuple[str, str]]:
    yield "architecture", provenance.architecture or "not recorded"
    config = provenance.config.fields
    if config:
        settings = (f"{key} {_value(config[key])}" for key in sorted(config))
        yield "configuration", ", ".join(settings)
    if provenance.checkpoint:
        yield "checkpoint", f"{provenance.checkpoint}, sha256 {_short(provenance.checkpoint_sha256)}"
    if provenance.HasField("exported_at"):
        yield "exported", provenance.exported_at.ToDatetime().strftime("%Y-%m-%d %H:%M:%S UTC")
    versions = sorted(provenance.tool_versions.items())
    yield "tools", ", ".join(f"{tool} {version}" for tool, version in versions)
    yield "operator set", str(provenance.opset)


def _short(sha256: str) -> str:
    """Write the beginning of a digest; --json has the whole."""
    return f"{sha256[:_DIGEST_DIGITS]}…"


def _ports(ports: Sequence[Port]) -> str:
    return "\n".join(f"{port.name}: {port.type} {axes_words(port.shape)}" for port in ports)


def _labels(labels: Sequence[str]) -> str:
    if not labels:
        return "none: classes are known by index"
    more = f", … {len(labels):,} in all" if len(labels) > 2 * _NUM_LABELS else ""
    shown = labels[:_NUM_LABELS] if more else labels
    return "; ".join(shown) + more


def _parity(parity: model_manifest_pb2.Parity) -> str:
    if not parity.cases:
        return "not compared"
    kinds = ", ".join(sorted({case.inputs for case in parity.cases}))
    worst = max(parity.cases, key=lambda case: case.max_abs_diff)
    return (
        f"agrees with {_REFERENCES.get(parity.reference, parity.reference)} in {len(parity.cases)} comparisons "
        f"({'; '.join(_lengths(parity))}; {kinds} inputs); largest difference {worst.max_abs_diff:.2g}, "
        f"on {worst.inputs} inputs"
    )


def _lengths(parity: model_manifest_pb2.Parity) -> Iterator[str]:
    """Write each dynamic axis with the lengths that it was tried at."""
    lengths_by_axis: dict[str, set[int]] = {}
    for case in parity.cases:
        for axis, length in case.axes.items():
            lengths_by_axis.setdefault(axis, set()).add(length)
    for axis, lengths in sorted(lengths_by_axis.items()):
        yield f"{axis} {', '.join(str(n) for n in sorted(lengths))}"


def _value(value: struct_pb2.Value) -> str:
    """Write a hyper-parameter; whole numbers without a point."""
    if value.WhichOneof("kind") == "list_value":
        return "[" + ", ".join(_value(item) for item in value.list_value.values) + "]"
    plain = json_format.MessageToDict(value)
    return str(int(plain)) if isinstance(plain, float) and plain.is_integer() else str(plain)
