"""How a replica sends a call on to its server, and what comes back."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor

from podium_ray.services import REMAINING_S, path_of

# What goes with the connection, and not with the call.
HOP = ("user-agent", "content-type", "te", "host", "application", "request_id", REMAINING_S)


class Encoded:
    """An answer as bytes, for Ray Serve asks answers for them."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def SerializeToString(self) -> bytes:  # noqa: N802 - protobuf's name
        """Give the bytes."""
        return self._data


def begin(channel: grpc.aio.Channel, method: MethodDescriptor, request: Any, context: Any) -> Any:
    """Send a call to a server, with its metadata and what is left of its time.

    Args:
        channel: to the server.
        method: what is called.
        request: its bytes, or Ray's stream of them.
        context: Ray's, of the call as the proxy has it.
    """
    kinds: Any = {
        (False, False): channel.unary_unary,
        (False, True): channel.unary_stream,
        (True, False): channel.stream_unary,
        (True, True): channel.stream_stream,
    }
    call: Any = None

    async def fed() -> AsyncIterator[bytes]:
        async for each in request:
            yield each
        if request.is_cancelled():
            call.cancel()

    timeout = next((float(value) for key, value in context.invocation_metadata() if key == REMAINING_S), None)
    send = kinds[method.client_streaming, method.server_streaming](path_of(method))
    call = send(fed() if method.client_streaming else request, metadata=passed_on(context), timeout=timeout)
    return call


def passed_on(context: Any) -> list[tuple[str, str | bytes]]:
    """Give the metadata that is the call's."""
    pairs = context.invocation_metadata()
    return [(key, value) for key, value in pairs if key not in HOP and not key.startswith((":", "grpc-"))]


def fail(context: Any, code: grpc.StatusCode, why: str | None) -> None:
    """Tell the proxy how a call ended."""
    context.set_code(code)
    context.set_details(why or "")
