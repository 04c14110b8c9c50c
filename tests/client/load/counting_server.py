"""A real gRPC server that answers any method with bytes and remembers what it saw."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc
import grpc.aio


@dataclass
class CountingServer:
    """What a server saw.

    Attributes:
        port: where it listens.
        num_calls: calls that came.
        inside: calls under way now.
        most_inside: the most calls that were ever under way together.
        last_request: the bytes of the last call.
    """

    port: int = 0
    num_calls: int = 0
    inside: int = 0
    most_inside: int = 0
    last_request: bytes = b""


Respond = Callable[[CountingServer, Any], Awaitable[bytes]]


class AnyMethod(grpc.GenericRpcHandler):
    """Counts a call, then lets `respond` answer it."""

    def __init__(self, seen: CountingServer, respond: Respond) -> None:
        self._seen = seen
        self._respond = respond
        self._handler: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(self._answer)

    async def _answer(self, request: bytes, context: Any) -> bytes:
        seen = self._seen
        seen.num_calls += 1
        seen.inside += 1
        seen.most_inside = max(seen.most_inside, seen.inside)
        seen.last_request = request
        try:
            return await self._respond(seen, context)
        finally:
            seen.inside -= 1

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Any, Any]":
        return self._handler


@asynccontextmanager
async def counting(respond: Respond) -> AsyncGenerator[tuple[CountingServer, grpc.aio.Server], None]:
    """Serve until the block is left."""
    seen = CountingServer()
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
    server.add_generic_rpc_handlers((AnyMethod(seen, respond),))
    seen.port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield seen, server
    finally:
        await server.stop(None)
