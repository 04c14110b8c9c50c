"""A real gRPC server with RPCs that do what a test says, and a channel to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import pytest
from google.rpc import error_details_pb2
from grpc import aio
from grpc_status import rpc_status
from podium.v1 import model_service_pb2 as pb
from podium.v1 import model_service_pb2_grpc as stubs
from podium_server.call import Call
from podium_server.gate import Gate
from podium_server.metrics import Metrics
from podium_server.oip.messages import DESCRIPTOR as OPEN_INFERENCE
from podium_server.oip.messages import ModelInferRequest, ModelStreamInferResponse
from podium_server.rpc import handlers

GET_MODEL = "podium.v1.ModelService.GetModel"
LIST_MODELS = "podium.v1.ModelService.ListModels"
STREAM = "inference.GRPCInferenceService.ModelStreamInfer"
PATIENCE_S = 30.0

Behaviour = Callable[[pb.GetModelRequest, Call], Awaitable[pb.GetModelResponse]]
Streaming = Callable[[AsyncIterator[Any], Call], AsyncIterator[Any]]


class Scripted:
    """Two RPCs that do what the test says; the others of their services are not there."""

    def __init__(self) -> None:
        self.behave: Behaviour = answer
        self.stream: Streaming = _echo

    async def GetModel(self, request: pb.GetModelRequest, call: Call) -> pb.GetModelResponse:
        """Behave."""
        return await self.behave(request, call)

    def ModelStreamInfer(self, requests: AsyncIterator[Any], call: Call) -> AsyncIterator[Any]:
        """Stream."""
        return self.stream(requests, call)


async def answer(request: pb.GetModelRequest, call: Call) -> pb.GetModelResponse:
    """Answer at once."""
    del call
    return pb.GetModelResponse(name=request.model)


async def _echo(requests: AsyncIterator[Any], call: Call) -> AsyncIterator[Any]:
    del call
    async for request in requests:
        yield ModelStreamInferResponse(error_message=request.id)


class Wire:
    """A server on a free port, with a client's channel to it."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self.gate = Gate()
        self.scripted = Scripted()
        self.server = aio.server()
        for service in (
            pb.DESCRIPTOR.services_by_name["ModelService"],
            OPEN_INFERENCE.services_by_name["GRPCInferenceService"],
        ):
            handler = handlers(service, self.scripted, metrics=metrics, gate=self.gate)
            self.server.add_generic_rpc_handlers([handler])
        self.channel = aio.insecure_channel(f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}")
        self.models = stubs.ModelServiceStub(self.channel)

    def fail_with(self, error: BaseException) -> None:
        """Let every call raise."""

        async def behave(request: pb.GetModelRequest, call: Call) -> pb.GetModelResponse:
            del request, call
            raise error

        self.scripted.behave = behave

    def call(self, **options: Any) -> Any:
        """Begin a call."""
        return self.models.GetModel(pb.GetModelRequest(model="m"), **options)

    def stream(self) -> Any:
        """Begin a stream."""
        return self.channel.stream_stream(
            "/inference.GRPCInferenceService/ModelStreamInfer",
            request_serializer=ModelInferRequest.SerializeToString,
            response_deserializer=ModelStreamInferResponse.FromString,
        )()

    def counted(self, method: str = GET_MODEL) -> Mapping[tuple[str, str, str], int]:
        """Calls by model, version and code."""
        return {
            (s.labels["model"], s.labels["version"], s.labels["code"]): int(s.value)
            for family in self.metrics.requests.collect()
            for s in family.samples
            if s.name == "podium_requests_total" and s.labels["method"] == method
        }


async def failure(call: Any) -> aio.AioRpcError:
    """The error that a call ends with."""
    with pytest.raises(aio.AioRpcError) as caught:
        await call
    return caught.value


def details(error: aio.AioRpcError) -> dict[str, Any]:
    """The `google.rpc` details by message name, which must agree with code and text."""
    call: Any = error  # it answers what a call does
    status = rpc_status.from_call(call)
    assert status is not None
    assert status.code == error.code().value[0]
    assert status.message == error.details()
    found: dict[str, Any] = {}
    for packed in status.details:
        name = packed.type_url.rsplit(".", 1)[1]
        found[name] = getattr(error_details_pb2, name)()
        assert packed.Unpack(found[name])
    return found


class Held:
    """A behaviour that waits until let go, and tells how it ended."""

    def __init__(self) -> None:
        self.begun, self.ended, self.go = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.cancelled = False

    async def __call__(self, request: pb.GetModelRequest, call: Call) -> pb.GetModelResponse:
        self.begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        finally:
            self.ended.set()
        return await answer(request, call)
