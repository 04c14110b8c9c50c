"""An inspection for programs."""

from typing import TYPE_CHECKING, Any

from google.protobuf import json_format

from podium_export.inspection.examined import Examined, ExaminedGraph
from podium_export.inspection.graph import Port
from podium_export.inspection.layers import Layer
from podium_export.inspection.receptive_field import Extent, Field, Window

if TYPE_CHECKING:
    from podium_export.inspection.latent_use import LatentUse


def as_json(examined: Examined, use: "LatentUse | None" = None) -> dict[str, Any]:
    """Give everything as what JSON holds; `latent_use` only where it was measured.

    A layer's `output` leaves the batch out, a dynamic axis is its name or null; `receptive_field` is the side on
    each spatial axis, "whole input", or null where it is not known.
    """
    manifest = examined.manifest
    content = {
        "title": examined.title,
        "path": str(examined.path),
        "graphs": [_graph(graph) for graph in examined.graphs],
        "manifest": manifest and json_format.MessageToDict(manifest, preserving_proto_field_name=True),
    }
    if use is not None:
        from podium_export.inspection.latent_use_report import use_as_json

        content["latent_use"] = use_as_json(use)
    return content


def _graph(graph: ExaminedGraph) -> dict[str, Any]:
    return {
        "name": graph.name,
        "file": graph.file,
        "opset": graph.opset,
        "inputs": [_port(port) for port in graph.inputs],
        "outputs": [_port(port) for port in graph.outputs],
        "layers": [_layer(layer) for layer in graph.layers],
        "num_parameters": graph.num_parameters,
    }


def _port(port: Port) -> dict[str, Any]:
    return {"name": port.name, "type": port.type, "shape": port.shape and list(port.shape)}


def _layer(layer: Layer) -> dict[str, Any]:
    return {
        "layer": layer.label,
        "operator": layer.operator,
        "output": None if layer.output is None else list(layer.output),
        "weights": [list(shape) for shape in layer.weights],
        "receptive_field": _field(layer.receptive_field),
    }


def _field(field: Field) -> list[int] | str | None:
    if isinstance(field, Window):
        return list(field.size) or None
    return field.value if field is Extent.WHOLE else None
