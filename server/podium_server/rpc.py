"""Binds services to gRPC: one place maps errors, counts calls and measures them, for every method alike.

A service is an object whose async methods carry the RPCs' names. Methods raise `PodiumError`; nobody calls
`context.abort` but this module. A wrapper of our own rather than an interceptor: gRPC's asyncio interceptors cost
more than all that is done here.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator, Mapping, Sequence
from typing import Any, NoReturn, TypeAlias, TypeVar, cast

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from grpc import aio
from prometheus_client import Counter

from podium_server.batching.batcher import Run
from podium_server.counted_histogram import Observations
from podium_server.errors import InvalidArgument, NotReady, PodiumError, ServerError, Unexpected
from podium_server.metrics import Metrics
from podium_server.observing.exemplars import Exemplars, exemplar_labels
from podium_server.observing.observer import BegunCall, CallObserver, CallWatch, EndedCall, Phase
from podium_server.observing.request_id import REQUEST_ID, current_request_id, request_id_of
from podium_server.security.guard import Admission, Entrance, Guard
from podium_server.servable import Servable
from podium_server.status import DETAILS_KEY, details, text

log = logging.getLogger(__name__)

Context: TypeAlias = aio.ServicerContext[Any, Any]
R = TypeVar("R")
# A deadline travels as the time left, rounded up by as much as one part in a hundred: 1.001 s arrives as 1.0096 s.
DEADLINE_ROUNDING = 0.01
DEADLINE_TRAVEL_S = 0.02


def _when_done(context: Context, act: Callable[[], None]) -> None:
    """Do something when a call's last message is on its way; the stubs ask for a callable of another kind."""

    def done(_: object) -> None:
        act()

    cast("Any", context).add_done_callback(done)


class Gate:
    """Whether calls are taken, and how many are inside: open until the server drains."""

    def __init__(self) -> None:
        self.open = True
        self._inside = 0
        self._streams = 0
        self._emptied = asyncio.Event()

    @property
    def num_inside(self) -> int:
        """Calls that are inside now."""
        return self._inside

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

    def enter_until_sent(self, context: Context) -> None:
        """Let a call of one answer in, until that answer is on its way; or raise NotReady once the server drains."""
        self.enter()
        _when_done(context, self.leave)

    def stream_until_sent(self, context: Context) -> None:
        """Let a stream in, until its last message is on its way; or raise NotReady once the server drains."""
        self.check()
        self._streams += 1
        _when_done(context, self._stream_ended)

    def _stream_ended(self) -> None:
        self._streams -= 1
        if not self._streams:
            self._emptied.set()

    async def silent(self) -> None:
        """Wait until no stream is open."""
        while self._streams:
            self._emptied.clear()
            await self._emptied.wait()


class Call:
    """What a service method knows of its call, and tells about its answer.

    Attributes:
        began: the monotonic second at which it came.
        request_id: its name in logs and traces; goes back to the caller, however the call ends.
        servable: the version that works on it, once that is known.
        phases: where its time went, once it is answered.
        watches: who looks on.
        admission: what it holds of what is limited, and its caller's name; None where nothing is asked or limited.
    """

    __slots__ = (
        "_context", "_deadline", "_gate", "_held", "_slack_s", "admission", "began", "phases", "request_id", "servable",
        "watches",
    )  # fmt: skip

    def __init__(self, context: Context, gate: Gate) -> None:
        self._context = context
        self._gate = gate
        self._deadline: float | None = None
        self._slack_s = 0.0
        self.began = time.monotonic()
        self.servable: Servable | None = None
        self._held: Servable | None = None
        self.admission: Admission | None = None
        self.phases: tuple[Phase, ...] = ()
        self.watches: Sequence[CallWatch] = ()
        self.request_id = request_id_of(context.invocation_metadata())
        current_request_id.set(self.request_id)
        context.set_trailing_metadata(((REQUEST_ID, self.request_id),))
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
    def working(self, request: Message | None = None) -> Generator[None, None, None]:
        """Hold the door for one request of a stream, so that a draining server waits for its answer.

        A stream itself may stay open for days and holds up nothing.

        Args:
            request: what counts against the limits of a client and of memory; None where the call has counted it.

        Raises:
            NotReady: the server drains.
            Overloaded: the caller, or all together, have as much as they may.
        """
        admission = self.admission if request is not None else None
        num_bytes = request.ByteSize() if admission is not None and request is not None else 0
        if admission is not None:
            self._gate.check()
            admission.again(time.monotonic(), num_bytes)
        self._gate.enter()
        try:
            yield
        finally:
            self._gate.leave()
            if admission is not None:
                admission.done(num_bytes)

    def hold(self, piece: Message) -> None:
        """Count one more piece of a request that comes in pieces against the limit of memory, until the call ends.

        Raises:
            Overloaded: all together have as much as they may.
        """
        if self.admission is not None:
            self.admission.hold(piece.ByteSize())

    def serve_with(self, servable: Servable) -> Servable:
        """Name the version that works on this call: it is kept until the call ends, and errors count as its too.

        Raises:
            Overloaded: the model has as many calls as it may.
        """
        self.servable = servable
        if self.admission is not None:
            self.admission.work_for(servable.name)
        self.let_go()
        servable.occupancy.enter()
        self._held = servable
        return servable

    def let_go(self) -> None:
        """The call has ended: its version need not be kept for it any more."""
        if self._held is not None:
            self._held.occupancy.leave()
            self._held = None

    def answered(
        self,
        servable: Servable,
        *,
        preprocess_s: float,
        run: Run,
        encode_s: float = 0.0,
        written: Sequence[Phase] = (),
    ) -> None:
        """Report a successful answer: feeds metrics, usage and the trailing metadata.

        Args:
            servable: who answered.
            preprocess_s: seconds of decoding and preparing.
            run: what the batcher gave.
            encode_s: seconds of building the answer.
            written: what a run of a text was, such as prefill and decode; empty where it is one run.
        """
        self.servable = servable
        total_s = time.monotonic() - self.began
        servable.usage.answered(run, total_s=total_s, preprocess_s=preprocess_s, encode_s=encode_s)
        timing = _server_timing(total_s, preprocess_s, run)
        self._context.set_trailing_metadata(((REQUEST_ID, self.request_id), ("server-timing", timing)))
        if self.watches:
            runs = written or (Phase("run", run.run_s),)
            self.phases = (
                Phase("preprocess", preprocess_s), Phase("queue", run.queue_s), *runs, Phase("encode", encode_s),
            )  # fmt: skip


def _server_timing(total_s: float, preprocess_s: float, run: Run) -> str:
    """Milliseconds by part, in the form of the W3C's Server-Timing header."""
    return (
        f"total;dur={total_s * 1e3:.3f}, preprocess;dur={preprocess_s * 1e3:.3f}, "
        f"queue;dur={run.queue_s * 1e3:.3f}, run;dur={run.run_s * 1e3:.3f}"
    )


class Ledger:
    """Counts the calls of one method, and lets observers look on."""

    def __init__(
        self,
        metrics: Metrics,
        method: str,
        observers: Sequence[CallObserver] = (),
        entrance: Entrance | None = None,
    ) -> None:
        self.entrance = entrance
        self._metrics = metrics
        self._method = method
        self._observers = observers
        self._exemplars = Exemplars()
        self._series: dict[tuple[str, str, str], tuple[Counter, Observations]] = {}

    def open(self, context: Context, gate: Gate) -> Call:
        """Begin a call."""
        call = Call(context, gate)
        if self._observers:
            begun = BegunCall(self._method, call.request_id, context.peer(), call.metadata)
            call.watches = [observer.began(begun) for observer in self._observers]
        return call

    def close(self, call: Call, code: str, request: object = None, response: Message | None = None) -> None:
        """Count one call that has ended.

        Args:
            call: the call.
            code: gRPC's name of its status.
            request: its bytes, where it is a single one; anything else is passed over.
            response: its single answer.
        """
        call.let_go()
        servable, now = call.servable, time.monotonic()
        seconds = now - call.began
        model, version = (servable.name, str(servable.version)) if servable else ("", "")
        counter, histogram = self._series.get((model, version, code)) or self._look_up(model, version, code)
        counter.inc()
        histogram.observe(seconds)
        if self._exemplars.choose(now, seconds):
            histogram.name(seconds, exemplar_labels(call.request_id, next(_traces(call), "")))
        if call.admission is not None and call.admission.client:
            self._metrics.client_requests.labels(call.admission.client, code).inc()
        if servable is not None and code != "OK":
            servable.usage.failed(seconds)
        if call.watches:
            data = request if isinstance(request, bytes) else None
            ended = EndedCall(code, seconds, servable, call.phases, data, response)
            for watch in call.watches:
                watch.ended(ended)

    def _look_up(self, model: str, version: str, code: str) -> tuple[Counter, Observations]:
        """Find the series of one outcome once: looking labels up costs more than counting."""
        counter = self._metrics.requests.labels(self._method, model, version, code)
        histogram = self._metrics.request_seconds.labels(self._method, model, version)
        self._series[model, version, code] = counter, histogram
        return counter, histogram


def _traces(call: Call) -> Iterator[str]:
    """The traces that keep a call."""
    return (watch.trace_id for watch in call.watches if watch.trace_id)


def handlers(
    service: ServiceDescriptor,
    implementation: object,
    *,
    metrics: Metrics,
    gate: Gate,
    observers: Sequence[CallObserver] = (),
    guard: Guard | None = None,
) -> grpc.GenericRpcHandler:
    """Bind the methods of an object to the RPCs of a service.

    Args:
        service: the service's descriptor; RPCs without a method of that name answer UNIMPLEMENTED.
        implementation: has async methods `Name(request, call) -> response` for unary RPCs, async generators
            `Name(request, call)` for those that stream their answers; those whose requests are streamed take
            `requests` instead.
        metrics: where calls are counted.
        gate: refuses calls when the server drains.
        observers: who looks on.
        guard: who may call, and how much; None: everybody, and as much as they like.
    """

    def ledger(method: MethodDescriptor) -> Ledger:
        entrance = guard.entrance(method.full_name) if guard is not None else None
        return Ledger(metrics, method.full_name, observers, entrance)

    bound = {
        method.name: _bind(method, getattr(implementation, method.name), ledger(method), gate)
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
    if method.client_streaming:
        return grpc.stream_unary_rpc_method_handler(_answering(function, _as_they_are, ledger, gate), read, write)
    if method.server_streaming:

        def read_and_answer(data: bytes, call: Call) -> AsyncGenerator[Message, None]:
            answers: AsyncGenerator[Message, None] = function(read(data), call)
            return answers

        return grpc.unary_stream_rpc_method_handler(_streaming(read_and_answer, ledger, gate), None, write)
    return grpc.unary_unary_rpc_method_handler(_answering(function, read, ledger, gate), None, write)


def _as_they_are(requests: R) -> R:
    return requests


def _answering(
    function: Callable[[Any, Call], Awaitable[Message]],
    read: Callable[[R], Any],
    ledger: Ledger,
    gate: Gate,
) -> Callable[[R, Context], Awaitable[Message]]:
    """Handle a method with one answer; `R` is its request as bytes, or the stream of its requests."""

    async def handle(data: R, context: Context) -> Message:
        call = ledger.open(context, gate)
        try:
            gate.enter_until_sent(context)
            try:
                if ledger.entrance is not None:
                    num_bytes = len(data) if isinstance(data, bytes) else 0
                    call.admission = ledger.entrance.enter(context, call.began, num_bytes)
                response = await function(read(data), call)
            finally:
                if call.admission is not None:
                    call.admission.leave()
        except BaseException as error:  # noqa: BLE001 - each way to end is counted, and raised again
            await _fail(error, call, context, ledger, data)
        ledger.close(call, "OK", data, response)
        return response

    return handle


def _streaming(
    function: Callable[[R, Call], AsyncGenerator[Message, None]], ledger: Ledger, gate: Gate
) -> Callable[[R, Context], AsyncGenerator[Message, None]]:
    """Handle a method that streams its answers; `R` is its request, or the stream of its requests."""

    async def handle(requests: R, context: Context) -> AsyncGenerator[Message, None]:
        call = ledger.open(context, gate)
        try:
            gate.stream_until_sent(context)
            if ledger.entrance is not None:
                num_bytes = len(requests) if isinstance(requests, bytes) else 0
                call.admission = ledger.entrance.enter(context, call.began, num_bytes)
            try:
                async with contextlib.aclosing(function(requests, call)) as responses:
                    async for response in responses:
                        yield response
            finally:
                if call.admission is not None:
                    call.admission.leave()
        except BaseException as error:  # noqa: BLE001 - each way to end is counted, and raised again
            await _fail(error, call, context, ledger)
        ledger.close(call, "OK")

    return handle


async def _fail(error: BaseException, call: Call, context: Context, ledger: Ledger, request: object = None) -> NoReturn:
    """Count a failed call and end it with the error's status."""
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        # gRPC cancels a handler both when its caller leaves and when the caller's deadline passes.
        ledger.close(call, "DEADLINE_EXCEEDED" if call.late else "CANCELLED")
        raise error
    if isinstance(error, DecodeError):
        error = InvalidArgument(f"the request cannot be read: {error}; is it of this method, from the same .proto?")
    if not isinstance(error, PodiumError):
        log.error("request %s%s failed", call.request_id, _of_whom(call), exc_info=error)
        error = Unexpected(f"the server failed; its log has the cause under request {call.request_id}", call.request_id)
    elif isinstance(error, ServerError):
        log.error("request %s%s failed: %s", call.request_id, _of_whom(call), error)
    ledger.close(call, error.code.name, request)
    trailing = ((REQUEST_ID, call.request_id), (DETAILS_KEY, details(error).SerializeToString()))
    await context.abort(error.code, text(error), trailing)
    raise AssertionError("abort always raises")


def _of_whom(call: Call) -> str:
    """The caller's name, where callers have one."""
    return f" of {call.admission.client}" if call.admission is not None and call.admission.client else ""
