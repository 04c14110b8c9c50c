"""The wire's edge on a real gRPC server: codes, details, counts, cancelled and late callers, draining."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.rpc import error_details_pb2
from grpc import StatusCode, aio
from grpc_status import rpc_status
from podium.v1 import model_manifest_pb2 as manifest_pb
from podium.v1 import model_service_pb2 as pb
from podium.v1 import model_service_pb2_grpc as stubs
from podium_server.batching.batcher import Run
from podium_server.call import Call
from podium_server.errors import (
    DeadlineExceeded,
    InvalidArgument,
    LoadFailed,
    ModelNotFound,
    NotReady,
    Overloaded,
    PodiumError,
    RunFailed,
    Unsupported,
    WrongTask,
)
from podium_server.gate import Gate
from podium_server.metrics import Metrics
from podium_server.oip.messages import DESCRIPTOR as OPEN_INFERENCE
from podium_server.oip.messages import ModelInferRequest, ModelStreamInferResponse
from podium_server.rpc import handlers
from podium_server.servable import Servable
from podium_server.usage import Usage

GET_MODEL = "podium.v1.ModelService.GetModel"
LIST_MODELS = "podium.v1.ModelService.ListModels"
STREAM = "inference.GRPCInferenceService.ModelStreamInfer"
PATIENCE_S = 30.0

Behaviour = Callable[[pb.GetModelRequest, Call], Awaitable[pb.GetModelResponse]]
Streaming = Callable[[AsyncIterator[Any], Call], AsyncIterator[Any]]


class Scripted:
    """Two RPCs that do what the test says; the others of their services are not there."""

    def __init__(self) -> None:
        self.behave: Behaviour = _answer
        self.stream: Streaming = _echo

    async def GetModel(self, request: pb.GetModelRequest, call: Call) -> pb.GetModelResponse:  # noqa: N802
        """Behave."""
        return await self.behave(request, call)

    def ModelStreamInfer(self, requests: AsyncIterator[Any], call: Call) -> AsyncIterator[Any]:  # noqa: N802
        """Stream."""
        return self.stream(requests, call)


async def _answer(request: pb.GetModelRequest, call: Call) -> pb.GetModelResponse:
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


@pytest.fixture
async def wire(metrics: Metrics) -> AsyncIterator[Wire]:
    """A running server."""
    wire = Wire(metrics)
    await wire.server.start()
    yield wire
    await wire.channel.close()
    await wire.server.stop(None)


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


ERRORS: list[tuple[PodiumError, StatusCode, str]] = [
    (InvalidArgument("`model` is wrong", "model"), StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT"),
    (ModelNotFound("no such model"), StatusCode.NOT_FOUND, "MODEL_NOT_FOUND"),
    (WrongTask("is for text"), StatusCode.FAILED_PRECONDITION, "WRONG_TASK"),
    (Unsupported("never"), StatusCode.UNIMPLEMENTED, "UNSUPPORTED"),
    (LoadFailed("broken"), StatusCode.FAILED_PRECONDITION, "LOAD_FAILED"),
    (RunFailed("node 3"), StatusCode.INTERNAL, "RUN_FAILED"),
    (Overloaded("full", 0.25), StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL"),
    (NotReady("loading"), StatusCode.UNAVAILABLE, "NOT_READY"),
    (DeadlineExceeded("late"), StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"),
]


@pytest.mark.parametrize(("error", "code", "reason"), ERRORS, ids=[reason for _, _, reason in ERRORS])
async def test_each_error_arrives_with_its_code_text_and_reason(
    wire: Wire, error: PodiumError, code: StatusCode, reason: str
) -> None:
    """People read the text, programs the reason, operators the count."""
    wire.fail_with(error)
    arrived = await failure(wire.call())
    assert arrived.code() is code
    assert arrived.details() == error.message
    info = details(arrived)["ErrorInfo"]
    assert (info.reason, info.domain) == (reason, "podium")
    assert wire.counted() == {("", "", code.name): 1}


async def test_wrong_field_is_named_in_the_details(wire: Wire) -> None:
    """BadRequest has the field's path and what is wrong with it."""
    wire.fail_with(InvalidArgument("`images[2]` has no data", "images[2]"))
    (violation,) = details(await failure(wire.call()))["BadRequest"].field_violations
    assert (violation.field, violation.description) == ("images[2]", "`images[2]` has no data")


async def test_full_queue_says_when_to_come_back(wire: Wire) -> None:
    """RetryInfo has the delay."""
    wire.fail_with(Overloaded("full", 0.25))
    delay = details(await failure(wire.call()))["RetryInfo"].retry_delay
    assert delay.ToMilliseconds() == 250


LONG = [
    "x" * 100_000,
    "日" * 20_000,
    "%" * 20_000,
    "\n\t\x00\x7f" * 5_000,
    "😀" * 20_000,
    "e\u0301" * 20_000,
    "short: 日本 ü % \n 😀",
    "",
]


@pytest.mark.parametrize("message", LONG, ids=range(len(LONG)))
async def test_any_text_arrives(wire: Wire, message: str) -> None:
    """Long ones are cut to what headers carry, with an ellipsis; other scripts and signs are kept."""
    wire.fail_with(InvalidArgument(message, "field" if len(message) < 1000 else message))
    arrived = await failure(wire.call())
    assert arrived.code() is StatusCode.INVALID_ARGUMENT
    text = arrived.details() or ""
    assert text == message or (text.endswith("…") and message.startswith(text[:-1]) and len(text) > 100)
    assert details(arrived)["ErrorInfo"].reason == "INVALID_ARGUMENT"


async def test_text_that_utf8_cannot_say_arrives_too(wire: Wire) -> None:
    """A lone surrogate, as Python makes of a file name that is no UTF-8, is replaced."""
    wire.fail_with(ModelNotFound("no file \udcff here"))
    arrived = await failure(wire.call())
    assert arrived.code() is StatusCode.NOT_FOUND
    assert arrived.details() == "no file ? here"


async def test_unexpected_error_tells_nothing_but_a_request_id(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """The caller gets an id, the log has the cause under it."""
    wire.fail_with(KeyError("/secret/path"))
    arrived = await failure(wire.call())
    assert arrived.code() is StatusCode.INTERNAL
    assert "secret" not in str(arrived)
    request_id = details(arrived)["RequestInfo"].request_id
    assert request_id in str(arrived.details())
    assert f"request {request_id} failed" in caplog.text
    assert "KeyError: '/secret/path'" in caplog.text
    assert wire.counted() == {("", "", "INTERNAL"): 1}


async def test_callers_own_request_id_is_used(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """One id through all of a caller's systems."""
    wire.fail_with(KeyError("x"))
    arrived = await failure(wire.call(metadata=(("x-request-id", "abc-123"),)))
    assert details(arrived)["RequestInfo"].request_id == "abc-123"
    assert "request abc-123 failed" in caplog.text


@pytest.mark.parametrize(
    ("error", "logged"), [(RunFailed("node 3"), "request abc-123 failed: node 3"), (ModelNotFound("no such"), None)]
)
async def test_what_the_server_is_to_blame_for_is_in_its_log(
    wire: Wire, caplog: pytest.LogCaptureFixture, error: PodiumError, logged: str | None
) -> None:
    """Callers tell its operator their request's id; what they did wrong themselves fills no log."""
    wire.fail_with(error)
    await failure(wire.call(metadata=(("x-request-id", "abc-123"),)))
    assert caplog.messages == ([logged] if logged else [])


async def test_overlong_request_id_does_not_drown_the_error(wire: Wire) -> None:
    """Whatever a caller sends as an id, the answer fits a header."""
    wire.fail_with(KeyError("x"))
    arrived = await failure(wire.call(metadata=(("x-request-id", "i" * 6_000),)))
    assert arrived.code() is StatusCode.INTERNAL
    assert details(arrived)["RequestInfo"].request_id.startswith("i" * 100)


@pytest.mark.parametrize("error", [SystemExit(1), BaseExceptionGroup("several", [KeyboardInterrupt()])])
async def test_errors_past_exception_are_unexpected_too(wire: Wire, error: BaseException) -> None:
    """A library's exit() ends one call, not the server."""
    wire.fail_with(error)
    assert (await failure(wire.call())).code() is StatusCode.INTERNAL
    wire.scripted.behave = _answer
    assert (await wire.call()).name == "m"


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
        return await _answer(request, call)


@pytest.mark.parametrize("timeout_s", [None, 100])
async def test_caller_who_leaves_ends_its_call(wire: Wire, timeout_s: float | None) -> None:
    """The method is cancelled at once, and the call counted as CANCELLED, whether or not it had a deadline."""
    held = wire.scripted.behave = Held()
    call = wire.call(timeout=timeout_s)
    await asyncio.wait_for(held.begun.wait(), PATIENCE_S)
    call.cancel()
    await asyncio.wait_for(held.ended.wait(), PATIENCE_S)
    assert held.cancelled
    await asyncio.wait_for(wire.gate.empty(), PATIENCE_S)
    assert wire.counted() == {("", "", "CANCELLED"): 1}


@pytest.mark.parametrize("timeout_s", [0.2, 1.001])
async def test_caller_whose_deadline_passes_is_counted_so(wire: Wire, timeout_s: float) -> None:
    """The method is cancelled when it passes by the caller's clock, before the rounded one that came by wire."""
    held = wire.scripted.behave = Held()
    arrived = await failure(wire.call(timeout=timeout_s))
    assert arrived.code() is StatusCode.DEADLINE_EXCEEDED
    await asyncio.wait_for(held.ended.wait(), PATIENCE_S)
    await asyncio.wait_for(wire.gate.empty(), PATIENCE_S)
    assert held.cancelled
    assert wire.counted() == {("", "", "DEADLINE_EXCEEDED"): 1}


async def test_call_knows_its_deadline_and_metadata(wire: Wire) -> None:
    """Without a deadline it is None; binary metadata is left out."""
    seen: list[tuple[bool, bool, str | None, bool]] = []

    async def behave(request: pb.GetModelRequest, call: Call) -> pb.GetModelResponse:
        metadata = call.metadata
        seen.append((call.deadline is None, call.late, metadata.get("x-user"), "raw-bin" in metadata))
        return await _answer(request, call)

    wire.scripted.behave = behave
    await wire.call(metadata=(("x-user", "me"), ("raw-bin", b"\0")))
    await wire.call(timeout=1000)
    assert seen == [(True, False, "me", False), (False, False, None, False)]


async def test_draining_server_refuses_new_calls_and_finishes_old_ones(wire: Wire) -> None:
    """UNAVAILABLE for who comes now; the call inside is answered, and only then the gate is empty."""
    held = wire.scripted.behave = Held()
    inside = asyncio.ensure_future(wire.call())
    await asyncio.wait_for(held.begun.wait(), PATIENCE_S)
    wire.gate.open = False
    emptied = asyncio.ensure_future(wire.gate.empty())
    arrived = await failure(wire.call())
    assert arrived.code() is StatusCode.UNAVAILABLE
    assert "shutting down" in str(arrived.details())
    assert not emptied.done()
    held.go.set()
    assert (await inside).name == "m"
    await asyncio.wait_for(emptied, PATIENCE_S)
    assert wire.counted() == {("", "", "UNAVAILABLE"): 1, ("", "", "OK"): 1}


async def test_gate_without_calls_is_empty() -> None:
    """A server that nobody uses stops at once, as often as it is asked."""
    gate = Gate()
    await gate.empty()
    gate.enter()
    gate.leave()
    await gate.empty()


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
        return await _answer(request, call)

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


async def test_stream_answers_in_step(wire: Wire) -> None:
    """Each message is answered before the next is sent; the stream is one call."""
    call = wire.stream()
    for number in range(5):
        await call.write(ModelInferRequest(id=str(number)))
        assert (await call.read()).error_message == str(number)
    await call.done_writing()
    assert await call.read() == aio.EOF
    assert wire.counted(STREAM) == {("", "", "OK"): 1}


async def test_error_in_mid_stream_ends_it_with_its_code(wire: Wire) -> None:
    """What was answered before arrives."""

    async def stream(requests: AsyncIterator[Any], call: Call) -> AsyncIterator[Any]:
        del requests, call
        yield ModelStreamInferResponse(error_message="first")
        raise Overloaded("full", 1.0)

    wire.scripted.stream = stream
    call = wire.stream()
    assert (await call.read()).error_message == "first"
    arrived = await failure(call.read())
    assert arrived.code() is StatusCode.RESOURCE_EXHAUSTED
    assert details(arrived)["RetryInfo"].retry_delay.seconds == 1
    assert wire.counted(STREAM) == {("", "", "RESOURCE_EXHAUSTED"): 1}


@pytest.mark.parametrize("reads", [True, False], ids=["waiting for a message", "waiting for a reader"])
async def test_caller_who_leaves_a_stream_ends_it(wire: Wire, reads: bool) -> None:
    """Whether the server waits for the caller's next message or for the caller to read; nothing is left inside."""
    begun, ended = asyncio.Event(), asyncio.Event()

    async def stream(requests: AsyncIterator[Any], call: Call) -> AsyncIterator[Any]:
        del call
        try:
            begun.set()
            if reads:
                async for request in requests:
                    yield ModelStreamInferResponse(error_message=request.id)
            while True:
                yield ModelStreamInferResponse(error_message="x" * 1_000_000)
        finally:
            ended.set()

    wire.scripted.stream = stream
    call = wire.stream()
    await call.write(ModelInferRequest(id="1"))
    await call.read()
    await asyncio.wait_for(begun.wait(), PATIENCE_S)
    call.cancel()
    await asyncio.wait_for(ended.wait(), PATIENCE_S)
    await wire.server.stop(PATIENCE_S)
    assert wire.counted(STREAM) == {("", "", "CANCELLED"): 1}


async def test_draining_server_refuses_new_streams(wire: Wire) -> None:
    """Like any call."""
    wire.gate.open = False
    arrived = await failure(wire.stream().read())
    assert arrived.code() is StatusCode.UNAVAILABLE


async def test_junk_is_the_callers_error(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """Bytes that are no message of the method are refused as such and counted, alone or in a stream; no trace."""
    call: Any = wire.channel.unary_unary("/podium.v1.ModelService/GetModel")
    alone = await failure(call(b"\xff\xff\xff"))
    streamed: Any = wire.channel.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer")()
    await streamed.write(b"\xff\xff\xff")
    for arrived in (alone, await failure(streamed.read())):
        assert arrived.code() is StatusCode.INVALID_ARGUMENT
        assert "the request cannot be read" in str(arrived.details())
        assert details(arrived)["ErrorInfo"].reason == "INVALID_ARGUMENT"
    assert wire.counted() == wire.counted(STREAM) == {("", "", "INVALID_ARGUMENT"): 1}
    assert (await wire.call()).name == "m"
    assert "Traceback" not in caplog.text
