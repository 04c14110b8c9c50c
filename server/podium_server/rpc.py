"""Binds services to gRPC: one place maps errors, counts calls and measures them, for every method alike.

A service is an object whose async methods carry the RPCs' names. Methods raise `PodiumError`; nobody calls
`context.abort` but this module. A wrapper of our own rather than an interceptor: gRPC's asyncio interceptors cost
more than all that is done here.
"""

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from typing import Any, NoReturn, TypeAlias, TypeVar, cast

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from grpc import aio
from prometheus_client import Counter, Histogram

from podium_server.batching.batcher import Run
from podium_server.errors import InvalidArgument, NotReady, PodiumError, ServerError, Unexpected
from podium_server.metrics import Metrics
from podium_server.servable import Servable
from podium_server.status import DETAILS_KEY, details, text

log = logging.getLogger(__name__)

Context: TypeAlias = aio.ServicerContext[Any, Any]
R = TypeVar("R")
REQUEST_ID = "x-request-id"
# A deadline travels as the time left, rounded up by as much as one part in a hundred: 1.001 s arrives as 1.0096 s.
DEADLINE_ROUNDING = 0.01
DEADLINE_TRAVEL_S = 0.02


class Gate:
    """Whether calls are taken, and how many are inside: open until the server drains."""

    def __init__(self) -> None:
        self.open = True
        self._inside = 0
        self._emptied = asyncio.Event()

    def check(self) -> None:
        """Raise NotReady once the server drains."""
        if not self.open:
            raise NotReady("gRPC server is shutting down and has stopped accepting new requests.")

    def enter(self) -> None:
        """Let a call in, or raise NotReady once the server drains."""
        self.check()
        self._inside += 1

    def leave(self) -> None:
        """A call has ended that was let in."""
        self._inside -= 1
        if not self._inside:
            self._emptied.set()

    async def empty(self) -> None:
        """Wait until no call is inside."""
        while self._inside:
            self._emptied.clear()
            await self._emptied.wait()


class Call:
    """What a service method knows of its call, and tells about its answer."""

    __slots__ = ("_context", "_deadline", "_gate", "_slack_s", "began", "servable")

    def __init__(self, context: Context, gate: Gate) -> None:
        self._context = context
        self._gate = gate
        self._deadline: float | None = None
        self._slack_s = 0.0
        self.began = time.monotonic()
        self.servable: Servable | None = None
        remaining = cast("float | None", context.time_remaining())  # None without a deadline, whatever the stubs say
        if remaining is not None:
            self._deadline = self.began + remaining
            self._slack_s = DEADLINE_TRAVEL_S + DEADLINE_ROUNDING * remaining

    @property
    def deadline(self) -> float | None:
        """The monotonic second at which the caller stops waiting; None when it waits for ever."""
        return self._deadline

    @property
    def late(self) -> bool:
        """Whether the caller's deadline has passed, which its own clock tells it sooner than ours tells us."""
        return self._deadline is not None and time.monotonic() >= self._deadline - self._slack_s

    @property
    def metadata(self) -> Mapping[str, str]:
        """The text values that came with the call."""
        pairs = self._context.invocation_metadata() or ()
        return {str(key): value for key, value in pairs if isinstance(value, str)}

    @contextlib.contextmanager
    def working(self) -> Generator[None, None, None]:
        """Hold the door for one request of a stream, so that a draining server waits for its answer.

        A stream itself may stay open for days and holds up nothing. Raises NotReady once the server drains.
        """
        self._gate.enter()
        try:
            yield
        finally:
            self._gate.leave()

    def serve_with(self, servable: Servable) -> Servable:
        """Name the version that works on this call, so that its errors count as that version's too."""
        self.servable = servable
        return servable

    def answered(self, servable: Servable, *, preprocess_s: float, run: Run, encode_s: float = 0.0) -> None:
        """Report a successful answer: feeds metrics, usage and the trailing metadata.

        Args:
            servable: who answered.
            preprocess_s: seconds of decoding and preparing.
            run: what the batcher gave.
            encode_s: seconds of building the answer.
        """
        self.servable = servable
        total_s = time.monotonic() - self.began
        servable.usage.answered(run, total_s=total_s, preprocess_s=preprocess_s, encode_s=encode_s)
        self._context.set_trailing_metadata((("server-timing", _server_timing(total_s, preprocess_s, run)),))


def _server_timing(total_s: float, preprocess_s: float, run: Run) -> str:
    """Milliseconds by part, in the form of the W3C's Server-Timing header."""
    return (
        f"total;dur={total_s * 1e3:.3f}, preprocess;dur={preprocess_s * 1e3:.3f}, "
        f"queue;dur={run.queue_s * 1e3:.3f}, run;dur={run.run_s * 1e3:.3f}"
    )


class Ledger:
    """Counts the calls of one method."""

    def __init__(self, metrics: Metrics, method: str) -> None:
        self._metrics = metrics
        self._method = method
        self._series: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}

    def close(self, call: Call, code: str) -> None:
        """Count one call that has ended."""
        servable = call.servable
        seconds = time.monotonic() - call.began
        model, version = (servable.name, str(servable.version)) if servable else ("", "")
        counter, histogram = self._series.get((model, version, code)) or self._look_up(model, version, code)
        counter.inc()
        histogram.observe(seconds)
        if servable is not None and code != "OK":
            servable.usage.failed(seconds)

    def _look_up(self, model: str, version: str, code: str) -> tuple[Counter, Histogram]:
        """Find the series of one outcome once: looking labels up costs more than counting."""
        counter = self._metrics.requests.labels(self._method, model, version, code)
        histogram = self._metrics.request_seconds.labels(self._method, model, version)
        self._series[model, version, code] = counter, histogram
        return counter, histogram


def handlers(
    service: ServiceDescriptor, implementation: object, *, metrics: Metrics, gate: Gate
) -> grpc.GenericRpcHandler:
    """Bind the methods of an object to the RPCs of a service.

    Args:
        service: the service's descriptor; RPCs without a method of that name answer UNIMPLEMENTED.
        implementation: has async methods `Name(request, call) -> response` for unary RPCs, async generators
            `Name(request, call)` for those that stream their answers, and `Name(requests, call)` for those that stream
            both ways.
        metrics: where calls are counted.
        gate: refuses calls when the server drains.
    """
    bound = {
        method.name: _bind(method, getattr(implementation, method.name), Ledger(metrics, method.full_name), gate)
        for method in service.methods
        if hasattr(implementation, method.name)
    }
    return grpc.method_handlers_generic_handler(service.full_name, bound)


def _bind(
    method: MethodDescriptor, function: Callable[..., Any], ledger: Ledger, gate: Gate
) -> "grpc.RpcMethodHandler[Any, Any]":
    # A single request is read by the handler: gRPC would answer junk with UNKNOWN, uncounted, and log a trace.
    request_class: type[Message] = GetMessageClass(method.input_type)
    read, write = request_class.FromString, GetMessageClass(method.output_type).SerializeToString
    if method.client_streaming and method.server_streaming:
        return grpc.stream_stream_rpc_method_handler(_streaming(function, ledger, gate), read, write)
    assert not method.client_streaming, f"{method.full_name}: streams with one answer are not bound here yet"
    if method.server_streaming:

        def read_and_answer(data: bytes, call: Call) -> AsyncGenerator[Message, None]:
            answers: AsyncGenerator[Message, None] = function(read(data), call)
            return answers

        return grpc.unary_stream_rpc_method_handler(_streaming(read_and_answer, ledger, gate), None, write)
    return grpc.unary_unary_rpc_method_handler(_unary(function, read, ledger, gate), None, write)


def _unary(
    function: Callable[[Message, Call], Awaitable[Message]],
    read: Callable[[bytes], Message],
    ledger: Ledger,
    gate: Gate,
) -> Callable[[bytes, Context], Awaitable[Message]]:
    async def handle(data: bytes, context: Context) -> Message:
        call = Call(context, gate)
        try:
            gate.enter()
            try:
                response = await function(read(data), call)
            finally:
                gate.leave()
        except BaseException as error:  # noqa: BLE001 - each way to end is counted, and raised again
            await _fail(error, call, context, ledger)
        ledger.close(call, "OK")
        return response

    return handle


def _streaming(
    function: Callable[[R, Call], AsyncGenerator[Message, None]], ledger: Ledger, gate: Gate
) -> Callable[[R, Context], AsyncGenerator[Message, None]]:
    """Handle a method that streams its answers; `R` is its request, or the stream of its requests."""

    async def handle(requests: R, context: Context) -> AsyncGenerator[Message, None]:
        call = Call(context, gate)
        try:
            gate.check()
            async with contextlib.aclosing(function(requests, call)) as responses:
                async for response in responses:
                    yield response
        except BaseException as error:  # noqa: BLE001 - each way to end is counted, and raised again
            await _fail(error, call, context, ledger)
        ledger.close(call, "OK")

    return handle


async def _fail(error: BaseException, call: Call, context: Context, ledger: Ledger) -> NoReturn:
    """Count a failed call and end it with the error's status."""
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        # gRPC cancels a handler both when its caller leaves and when the caller's deadline passes.
        ledger.close(call, "DEADLINE_EXCEEDED" if call.late else "CANCELLED")
        raise error
    if isinstance(error, DecodeError):
        error = InvalidArgument(f"the request cannot be read: {error}; is it of this method, from the same .proto?")
    if not isinstance(error, PodiumError):
        request_id = _request_id(call)
        log.error("request %s failed", request_id, exc_info=error)
        error = Unexpected(f"the server failed; its log has the cause under request {request_id}", request_id)
    elif isinstance(error, ServerError):
        log.error("request %s failed: %s", _request_id(call), error)
    ledger.close(call, error.code.name)
    await context.abort(error.code, text(error), ((DETAILS_KEY, details(error).SerializeToString()),))
    raise AssertionError("abort always raises")


def _request_id(call: Call) -> str:
    """The caller's own name for its call, or else a new one."""
    return call.metadata.get(REQUEST_ID) or uuid.uuid4().hex
