"""What is counted, and what an answer tells of its making."""

import asyncio
from pathlib import Path

import numpy as np
from grpc import StatusCode
from podium.v1 import model_manifest_pb2 as manifest_pb
from podium.v1 import model_service_pb2 as pb
from podium_server.batching.batcher import Run
from podium_server.call import Call
from podium_server.errors import (
    ModelNotFound,
    RunFailed,
)
from podium_server.metrics import Metrics
from podium_server.servable import Servable
from podium_server.usage import Usage

from tests.server.rpc.wire import (
    LIST_MODELS,
    Wire,
    answer,
    failure,
)


async def test_counts_are_what_was_called(wire: Wire) -> None:
    """Every call is counted once, under one code, and timed once."""
    await asyncio.gather(*(wire.call() for _ in range(30)))
    wire.fail_with(ModelNotFound("no"))
    for _ in range(7):
        await failure(wire.call())
    assert wire.counted() == {("", "", "OK"): 30, ("", "", "NOT_FOUND"): 7}
    (family,) = wire.metrics.request_seconds.collect()
    assert [s.value for s in family.samples if s.name.endswith("_count")] == [37]


async def test_method_without_implementation_is_unimplemented(wire: Wire) -> None:
    """gRPC's own answer; it is counted nowhere."""
    arrived = await failure(wire.models.ListModels(pb.ListModelsRequest()))
    assert arrived.code() is StatusCode.UNIMPLEMENTED
    assert wire.counted(LIST_MODELS) == {}


def servable(metrics: Metrics) -> Servable:
    """A version that never runs anything."""
    usage = Usage(metrics.version("digits", 3))
    return Servable("digits", 3, Path(), manifest_pb.ModelManifest(), "CPUExecutionProvider", {}, {}, usage)


async def test_answer_counts_for_the_version_and_tells_where_time_went(wire: Wire) -> None:
    """The same numbers feed trailing metadata, statistics and histograms."""
    served = servable(wire.metrics)

    async def behave(request: pb.GetModelRequest, call: Call) -> pb.GetModelResponse:
        run = Run((np.zeros(1),), queue_s=0.25, run_s=0.5)
        call.answered(served, preprocess_s=0.125, run=run, encode_s=0.0625)
        return await answer(request, call)

    wire.scripted.behave = behave
    call = wire.call()
    await call
    timing = dict(await call.trailing_metadata())["server-timing"]
    assert timing.endswith("preprocess;dur=125.000, queue;dur=250.000, run;dur=500.000")
    usage = served.usage
    assert (usage.queue_ns, usage.compute_input_ns) == (250_000_000, 125_000_000)
    assert (usage.compute_infer_ns, usage.compute_output_ns) == (500_000_000, 62_500_000)
    assert (usage.success_count, usage.fail_count) == (1, 0)
    assert wire.counted() == {("digits", "3", "OK"): 1}


async def test_failure_counts_for_the_version_that_worked_on_it(wire: Wire) -> None:
    """Once known, the version is named in every outcome."""
    served = servable(wire.metrics)

    async def behave(request: pb.GetModelRequest, call: Call) -> pb.GetModelResponse:
        call.serve_with(served)
        raise RunFailed("node 3")

    wire.scripted.behave = behave
    await failure(wire.call())
    assert wire.counted() == {("digits", "3", "INTERNAL"): 1}
    assert (served.usage.success_count, served.usage.fail_count) == (0, 1)
