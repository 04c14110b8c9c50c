"""Writes what a package says of itself: the message that the server reads."""

from collections.abc import Mapping, Sequence
from importlib import metadata

from google.protobuf import json_format
from podium.v1 import model_manifest_pb2 as pb
from podium.v1 import tensor_pb2

from podium_export.architecture import Blueprint, GraphBlueprint, Tolerance
from podium_export.elements import NUMPY_BY_RUNTIME, PROTO_BY_NUMPY
from podium_export.parity import Comparison
from podium_export.session import Port, Session

FORMAT = 1
"""The format of the packages written here."""

_TOOLS = ("podium", "torch", "onnx", "onnxscript", "onnxruntime")


def manifest_of(blueprint: Blueprint, graphs: Sequence[pb.Graph]) -> pb.ModelManifest:
    """Describe a model's task, graphs, pictures, labels and latents; provenance and parity are the caller's."""
    manifest = pb.ModelManifest(format=FORMAT, task=blueprint.task, description=blueprint.description, graphs=graphs)
    if blueprint.image_preprocessing is not None:
        manifest.image_preprocessing.CopyFrom(blueprint.image_preprocessing)
    if blueprint.task in (pb.TASK_IMAGE_CLASSIFICATION, pb.TASK_VIDEO_CLASSIFICATION):
        manifest.classification.score_kind = blueprint.score_kind
        manifest.classification.labels.extend(blueprint.labels)
    if blueprint.latent_space is not None:
        manifest.latent_space.CopyFrom(blueprint.latent_space)
    if blueprint.image_output is not None:
        manifest.image_output.CopyFrom(blueprint.image_output)
    if blueprint.generation is not None:
        manifest.generation.CopyFrom(blueprint.generation)
    if blueprint.forecasting is not None:
        manifest.forecasting.CopyFrom(blueprint.forecasting)
    if blueprint.video is not None:
        manifest.video.CopyFrom(blueprint.video)
    return manifest


def graph_of(graph: GraphBlueprint, session: Session, file: str) -> pb.Graph:
    """Describe one written graph: element types as ONNX Runtime reads them, axes as the blueprint names them."""
    declared = {spec.name: spec.shape for spec in graph.inputs}
    declared |= {o.name: o.shape for o in graph.outputs if not isinstance(o, str) and o.shape is not None}
    return pb.Graph(
        name=graph.name,
        file=file,
        inputs=[_tensor(port, declared.get(port.name)) for port in session.inputs],
        outputs=[_tensor(port, declared.get(port.name)) for port in session.outputs],
        batch_axis=graph.batch_axis,
    )


def parity_of(comparisons: Sequence[Comparison], tolerance: Tolerance, reference: str) -> pb.Parity:
    """Record every comparison and the tolerance that the golden examples are replayed with.

    Args:
        comparisons: what was compared.
        tolerance: `absolute` already times the largest magnitude of the golden outputs, see `replay_tolerance`.
        reference: "pytorch" or "onnxruntime".
    """
    return pb.Parity(
        reference=reference,
        absolute_tolerance=tolerance.absolute,
        relative_tolerance=tolerance.relative,
        cases=[
            pb.ParityCase(
                graph=comparison.graph,
                output=comparison.output,
                axes=comparison.trial.axes,
                inputs=comparison.trial.kind,
                max_abs_diff=comparison.max_abs_diff,
            )
            for comparison in comparisons
        ],
    )


def provenance_of(
    *, architecture: str, config: Mapping[str, object], checkpoint: str, sha256: str, opset: int
) -> pb.Provenance:
    """Record where a package came from, and when."""
    provenance = pb.Provenance(
        architecture=architecture,
        checkpoint=checkpoint,
        checkpoint_sha256=sha256,
        tool_versions=dict(_tool_versions()),
        opset=opset,
    )
    json_format.ParseDict(dict(config), provenance.config)
    provenance.exported_at.GetCurrentTime()
    return provenance


def _tensor(port: Port, declared: Sequence[int | str] | None) -> tensor_pb2.TensorSpec:
    shape = declared if declared is not None else port.shape
    return tensor_pb2.TensorSpec(
        name=port.name,
        element_type=PROTO_BY_NUMPY[NUMPY_BY_RUNTIME[port.type]],
        shape=[
            tensor_pb2.Dimension(size=axis)
            if isinstance(axis, int)
            else tensor_pb2.Dimension(axis=axis or f"{port.name}_{place}")
            for place, axis in enumerate(shape)
        ],
    )


def _tool_versions() -> Sequence[tuple[str, str]]:
    versions: list[tuple[str, str]] = []
    for tool in _TOOLS:
        try:
            versions.append((tool, metadata.version(tool)))
        except metadata.PackageNotFoundError:  # onnxruntime-gpu goes by another name
            continue
    return versions
