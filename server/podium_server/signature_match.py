"""Between a manifest's words for a graph's signature and the graph's own."""

import dataclasses
from collections.abc import Collection, Iterable

from podium.v1 import model_manifest_pb2 as pb
from podium.v1 import tensor_pb2

from podium_server.elements import BY_PROTO
from podium_server.generation.described import STEP, describe
from podium_server.package import MANIFEST, PackageError
from podium_server.signature import Signature, TensorSpec


def check_signature(graph: pb.Graph, actual: Signature, states: Collection[str] = ()) -> Signature:
    """Compare a graph with what its manifest says, and take the batch axis from the manifest.

    Args:
        graph: what the manifest says.
        actual: what the graph has.
        states: inputs and outputs that may have the batch elsewhere, see `state_names`.

    Raises:
        PackageError: names, types or ranks differ, or the batch axis is not axis 0 of everything but states.
    """
    _check_side(graph.name, "input", graph.inputs, actual.inputs)
    _check_side(graph.name, "output", graph.outputs, actual.outputs)
    if graph.batch_axis:
        for spec in (*graph.inputs, *graph.outputs):
            if spec.name not in states and (not spec.shape or spec.shape[0].axis != graph.batch_axis):
                raise PackageError(
                    f"{MANIFEST}: graph '{graph.name}' is batched along '{graph.batch_axis}', which is not axis 0 of "
                    f"'{spec.name}'"
                )
    return dataclasses.replace(actual, batched=bool(graph.batch_axis))


def state_names(manifest: pb.ModelManifest, graph: pb.Graph) -> frozenset[str]:
    """The inputs and outputs of a graph that are states of a step graph: `compile_step` checks them."""
    words = describe(manifest)
    if graph.name != STEP or words is None:
        return frozenset()
    return frozenset(name for state in words.states for name in (state.input, state.output))


def _check_side(
    graph: str, side: str, declared: Iterable[tensor_pb2.TensorSpec], actual: tuple[TensorSpec, ...]
) -> None:
    said = {spec.name: (_element_name(spec.element_type), len(spec.shape)) for spec in declared}
    found = {spec.name: (spec.element.oip, len(spec.shape)) for spec in actual}
    if said != found:
        raise PackageError(f"{MANIFEST}: graph '{graph}' has the {side}s {found}, and the manifest says {said}")


def _element_name(value: int) -> str:
    element = BY_PROTO.get(value)
    return element.oip if element else f"element type {value}"


def to_proto(graph: pb.Graph, signature: Signature) -> pb.Graph:
    """A graph's entry in a manifest with the signature that it is served with."""
    return pb.Graph(
        name=graph.name,
        file=graph.file,
        inputs=[_spec_to_proto(spec) for spec in signature.inputs],
        outputs=[_spec_to_proto(spec) for spec in signature.outputs],
        batch_axis=graph.batch_axis or (str(signature.inputs[0].shape[0]) if signature.batched else ""),
    )


def from_proto(graph: pb.Graph) -> Signature:
    """The signature that `to_proto` wrote."""
    inputs, outputs = (tuple(_spec_from_proto(spec) for spec in side) for side in (graph.inputs, graph.outputs))
    return Signature(inputs, outputs, batched=bool(graph.batch_axis))


def _spec_from_proto(spec: tensor_pb2.TensorSpec) -> TensorSpec:
    shape = tuple(n.size if n.WhichOneof("length") == "size" else n.axis for n in spec.shape)
    return TensorSpec(spec.name, BY_PROTO[spec.element_type], shape)


def _spec_to_proto(spec: TensorSpec) -> tensor_pb2.TensorSpec:
    shape = [
        tensor_pb2.Dimension(size=length) if isinstance(length, int) else tensor_pb2.Dimension(axis=length or "?")
        for length in spec.shape
    ]
    return tensor_pb2.TensorSpec(name=spec.name, element_type=spec.element.proto, shape=shape)
