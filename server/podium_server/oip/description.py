"""How a version describes itself: the protocol's metadata, and Triton's ModelConfig, which perf_analyzer needs.

A batched graph takes any number of rows and splits what is more than a run's worth, so `max_batch_size` is no limit of
the server's: it says how far a client that wants one number may go.
"""

from collections.abc import Sequence
from typing import cast

from podium_server.elements import Element
from podium_server.oip import messages as oip
from podium_server.oip.model import graph_of
from podium_server.runtime.devices import CPU_PROVIDER
from podium_server.servable import Servable
from podium_server.signature import Signature, TensorSpec

# Triton's names for what runs the graph; clients show them.
PLATFORM = "onnxruntime_onnx"
BACKEND = "onnxruntime"
MAX_BATCH_SIZE = 1024

Tensors = list[oip.ModelMetadataResponse.TensorMetadata]


def describe(servable: Servable, versions: Sequence[int]) -> oip.ModelMetadataResponse:
    """A version's metadata; shapes are complete, -1 stands for any length.

    What the protocol cannot carry comes last, with its ONNX type as its datatype: whether it goes in or out
    does not matter to who cannot send it.

    Args:
        servable: the version.
        versions: every version of the model that is ready.

    Raises:
        Unsupported: the version has several graphs.
    """
    response = oip.ModelMetadataResponse(name=servable.name, versions=map(str, versions), platform=PLATFORM)
    signature = servable.batchers[graph_of(servable)].signature
    response.inputs.extend(_metadata(signature.inputs))
    response.outputs.extend(_metadata(signature.outputs))
    response.outputs.extend(
        oip.ModelMetadataResponse.TensorMetadata(name=each.name, datatype=each.type) for each in signature.uncarried
    )
    return response


def configure(servable: Servable) -> oip.ModelConfig:
    """A version as Triton's ModelConfig; a batched graph's dims leave the batch out.

    Raises:
        Unsupported: the version has several graphs.
    """
    config = oip.ModelConfig(name=servable.name, platform=PLATFORM, backend=BACKEND)
    config.model_transaction_policy.decoupled = False
    graph = graph_of(servable)
    signature, plan = servable.batchers[graph].signature, servable.plans[graph]
    config.default_model_filename = next(each.file for each in servable.manifest.graphs if each.name == graph)
    config.input.extend(
        oip.ModelInput(name=spec.name, data_type=_data_type(spec.element), dims=_dims(signature, spec))
        for spec in signature.inputs
    )
    config.output.extend(
        oip.ModelOutput(name=spec.name, data_type=_data_type(spec.element), dims=_dims(signature, spec))
        for spec in signature.outputs
    )
    on_cpu = servable.provider == CPU_PROVIDER
    kind = oip.ModelInstanceGroup.KIND_CPU if on_cpu else oip.ModelInstanceGroup.KIND_GPU
    config.instance_group.add(name=servable.name, count=plan.layout.num_sessions, kind=kind)
    if signature.batched:
        config.max_batch_size = MAX_BATCH_SIZE
        config.dynamic_batching.preferred_batch_size.append(plan.max_batch_rows)
    return config


def _metadata(specs: Sequence[TensorSpec]) -> Tensors:
    return [
        oip.ModelMetadataResponse.TensorMetadata(
            name=spec.name, datatype=spec.element.oip, shape=[_length(length) for length in spec.shape]
        )
        for spec in specs
    ]


def _dims(signature: Signature, spec: TensorSpec) -> list[int]:
    return [_length(length) for length in spec.shape[1 if signature.batched else 0 :]]


def _length(length: int | str | None) -> int:
    return length if isinstance(length, int) else -1


def _data_type(element: Element) -> oip.DataType:
    name = "TYPE_STRING" if element.is_string else f"TYPE_{element.oip}"
    return cast(oip.DataType, oip.DataType.Value(name))
