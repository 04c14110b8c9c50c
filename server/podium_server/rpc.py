"""Binds services to gRPC: one place maps errors, counts calls and measures them, for every method alike.

A service is an object whose async methods carry the RPCs' names. Methods raise `PodiumError`; nobody calls
`context.abort` but this module. A wrapper of our own rather than an interceptor: gRPC's asyncio interceptors cost
more than all that is done here.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, NoReturn, TypeVar

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from podium_server.call import Call
from podium_server.errors import InvalidArgument, Overloaded, PodiumError, ServerError, Unexpected
from podium_server.gate import Context, Gate
from podium_server.ledger import Ledger
from podium_server.metrics import Metrics
from podium_server.observing.observer import CallObserver
from podium_server.observing.request_id import REQUEST_ID
from podium_server.security.guard import Guard
from podium_server.status import DETAILS_KEY, details, text

log = logging.getLogger(__name__)

R = TypeVar("R")


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
        return Ledger(metrics, method.full_name, observers, entrance, _whole(method).full_name)

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


def _whole(method: MethodDescriptor) -> MethodDescriptor:
    """The method that takes the same request, and gives the answer whole: of StreamGenerate, Generate; else itself."""
    name = method.name.removeprefix("Stream")
    return method.containing_service.methods_by_name.get(name, method)


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
                call.name()
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
                call.name()
            finally:
                if call.admission is not None:
                    call.admission.leave()
        except BaseException as error:  # noqa: BLE001 - each way to end is counted, and raised again
            await _fail(error, call, context, ledger, requests)
        ledger.close(call, "OK", requests, call.whole)

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
    limit = error.reason if isinstance(error, Overloaded) else ""
    ledger.close(call, error.code.name, request, limit=limit)
    trailing = ((REQUEST_ID, call.request_id), (DETAILS_KEY, details(error).SerializeToString()))
    await context.abort(error.code, text(error), trailing)
    raise AssertionError("abort always raises")


def _of_whom(call: Call) -> str:
    """The caller's name, where callers have one."""
    return f" of {call.admission.client}" if call.admission is not None and call.admission.client else ""
