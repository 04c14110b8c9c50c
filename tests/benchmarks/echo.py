"""A bare `grpc.aio` server that only echoes: what gRPC itself costs in Python.

Run as `python -m tests.benchmarks.echo ANSWER_BYTES [uvloop]`: it prints its port and serves until its standard
input closes. Every unary method of any name is answered with as many bytes as asked for.
"""

import asyncio
import sys
from typing import Any

import grpc
import grpc.aio


class _AnyMethod(grpc.GenericRpcHandler):
    """Answers every method with the same bytes; messages are neither parsed nor built."""

    def __init__(self, answer: bytes) -> None:
        self._handler: grpc.RpcMethodHandler[Any, Any] = grpc.unary_unary_rpc_method_handler(self._answer)
        self._bytes = answer

    async def _answer(self, request: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
        return self._bytes

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Any, Any]":
        return self._handler


async def start_echo(answer_bytes: int) -> tuple[grpc.aio.Server, int]:
    """Start an echo server on a free port of this machine; give it and its port."""
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.aio.server(options=options)
    server.add_generic_rpc_handlers((_AnyMethod(bytes(answer_bytes)),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, port


async def _serve(answer_bytes: int) -> None:
    server, port = await start_echo(answer_bytes)
    print(port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(None)


def main() -> None:
    """Serve until the standard input closes."""
    if "uvloop" in sys.argv:
        import uvloop

        uvloop.run(_serve(int(sys.argv[1])))
    else:
        asyncio.run(_serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
