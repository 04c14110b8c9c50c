"""What runs in Ray Serve's proxies: podium's RPCs, and around each of them what Ray does not see to.

A call whose replica dies is given to another; a replica is told how long its caller waits; the status of a stream of
answers arrives with all that is behind it.
"""

import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor

from podium_ray.services import END, REMAINING_S, SERVICES, changes, path_of

# A request that kills whatever runs it may not take all replicas with it.
MAX_REPLICAS = 3
LOST = "the replica that worked on this call died; whether it ended it nobody knows"

Pairs = Sequence[tuple[str, str | bytes]]


def add_services(servicer: Any, server: Any) -> None:
    """Tell Ray Serve's proxy of every service; it answers with what a replica's method of that name gives."""
    del servicer
    for service in SERVICES:
        methods = {method.name: _handler(method) for method in service.methods}
        handlers: Any = grpc.method_handlers_generic_handler(service.full_name, methods)
        server.add_generic_rpc_handlers([handlers])
        passing = handlers._method_handlers  # noqa: SLF001 - where the proxy has put its own functions
        handlers._method_handlers = {  # noqa: SLF001
            path_of(method): _surrounded(method, passing[path_of(method)]) for method in service.methods
        }


def _handler(method: MethodDescriptor) -> "grpc.RpcMethodHandler[bytes, bytes]":
    """A method of bytes; the proxy puts its own function in place of this one's."""
    kinds = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, False): grpc.stream_unary_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }
    make: Any = kinds[method.client_streaming, method.server_streaming]
    return make(lambda request, context: request)


def _surrounded(method: MethodDescriptor, handler: Any) -> Any:
    """Put our functions around the proxy's."""
    # What was read of a stream of requests is gone; a change may have been followed by another one meanwhile.
    attempts = 1 if method.client_streaming or changes(method) else MAX_REPLICAS
    kind = f"{'stream' if method.client_streaming else 'unary'}_{'stream' if method.server_streaming else 'unary'}"
    around = _stream if method.server_streaming else _unary
    return handler._replace(**{kind: around(getattr(handler, kind), attempts)})


class Attempt:
    """A call's context, as a proxy sees it that gives the call to one replica.

    Args:
        context: the call's own; it learns nothing before `settle`.

    Attributes:
        ended: whether the replica itself said how the call ended.
    """

    def __init__(self, context: Any) -> None:
        self._context = context
        self._code: Any = None
        self._details = ""
        self._trailing: Pairs = ()
        self.ended = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def invocation_metadata(self) -> Pairs:
        """Give what the caller sent, and how long it waits."""
        pairs = [(key, value) for key, value in self._context.invocation_metadata() if key != REMAINING_S]
        remaining_s = self._context.time_remaining()
        return pairs if remaining_s is None else [*pairs, (REMAINING_S, f"{remaining_s:.3f}")]

    def code(self) -> Any:
        """Give the status, None before there is one."""
        return self._code

    def set_code(self, code: Any) -> None:
        """Keep the status."""
        self._code = code

    def details(self) -> str:
        """Give the status's text."""
        return self._details

    def set_details(self, details: str) -> None:
        """Keep the status's text."""
        self._details = details

    def trailing_metadata(self) -> Pairs:
        """Give what goes behind the answer."""
        return self._trailing

    def set_trailing_metadata(self, trailing: Pairs) -> None:
        """Keep what goes behind the answer."""
        self._trailing = trailing

    @property
    def lost(self) -> bool:
        """Whether the replica was gone before the call ended."""
        return self._code is grpc.StatusCode.INTERNAL and not self.ended

    def settle(self) -> None:
        """Tell the caller."""
        self._context.set_code(grpc.StatusCode.UNAVAILABLE if self.lost else self._code)
        self._context.set_details(LOST if self.lost else self._details)
        self._context.set_trailing_metadata(tuple(self._trailing))


def _unary(passed_on: Callable[[Any, Attempt], Awaitable[bytes]], attempts: int) -> Callable[..., Awaitable[bytes]]:
    async def answer(request: Any, context: Any) -> bytes:
        for _ in range(attempts):
            attempt = Attempt(context)
            response = await passed_on(request, attempt)
            attempt.ended = bool(attempt.trailing_metadata())  # comes with each word of a replica's, and with no other
            if not attempt.lost:
                break
        attempt.settle()
        return response

    return answer


def _stream(
    passed_on: Callable[[Any, Attempt], AsyncGenerator[bytes, None]], attempts: int
) -> Callable[..., AsyncGenerator[bytes, None]]:
    async def answers(request: Any, context: Any) -> AsyncGenerator[bytes, None]:
        begun = False
        for _ in range(attempts):
            attempt = Attempt(context)
            async with contextlib.aclosing(passed_on(request, attempt)) as messages:
                async for message in messages:
                    if message == END:
                        attempt.ended = True
                    else:
                        begun = True
                        yield message
            if begun or not attempt.lost:
                break
        attempt.settle()

    return answers
