"""Binds services that are not ours, health and reflection: neither counted nor guarded, and junk is the caller's error.

Bound by their libraries' own functions, a request that cannot be read would be UNKNOWN, with a trace in the log.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from grpc import StatusCode, aio

Context: TypeAlias = aio.ServicerContext[Any, Any]
Read: TypeAlias = Callable[[bytes, Context], Awaitable[Message]]


def uncounted_handlers(service: ServiceDescriptor, servicer: object) -> grpc.GenericRpcHandler:
    """Bind a servicer's methods, whose requests are single or streamed both ways."""
    bound = {method.name: _bind(method, getattr(servicer, method.name)) for method in service.methods}
    return grpc.method_handlers_generic_handler(service.full_name, bound)


def _bind(method: MethodDescriptor, function: Callable[..., Any]) -> "grpc.RpcMethodHandler[Any, Any]":
    read, write = _reader(method), GetMessageClass(method.output_type).SerializeToString

    async def answer(data: bytes, context: Context) -> Message:
        answer: Message = await function(await read(data, context), context)
        return answer

    async def answers(data: bytes, context: Context) -> AsyncIterator[Message]:
        async for answer in function(await read(data, context), context):
            yield answer

    async def converse(requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[Message]:
        messages = (await read(data, context) async for data in requests)
        async for answer in function(messages, context):
            yield answer

    if method.client_streaming:
        assert method.server_streaming, f"{method.full_name}: streams with one answer are not bound here"
        return grpc.stream_stream_rpc_method_handler(converse, None, write)
    if method.server_streaming:
        return grpc.unary_stream_rpc_method_handler(answers, None, write)
    return grpc.unary_unary_rpc_method_handler(answer, None, write)


def _reader(method: MethodDescriptor) -> Read:
    parse = GetMessageClass(method.input_type).FromString

    async def read(data: bytes, context: Context) -> Message:
        try:
            return parse(data)
        except DecodeError as error:
            await context.abort(StatusCode.INVALID_ARGUMENT, f"the request cannot be read: {error}")
            raise AssertionError("abort always raises") from error

    return read
