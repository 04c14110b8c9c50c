"""The client for programs without an event loop: `AsyncClient`, run in a thread of its own."""

import asyncio
import functools
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, cast

import grpc

from podium_client.async_client import AsyncClient
from podium_client.channel import DEFAULT_ADDRESS
from podium_client.connection import DEFAULT_TIMEOUT_S
from podium_client.event_loop_thread import EventLoopThread
from podium_client.retries import RetryPolicy
from podium_client.text_stream import AsyncTextStream, TextStream

P = ParamSpec("P")
T = TypeVar("T")


def _blocking(
    method: Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate["Client", P], T]:
    """Make a method of `Client` of one of `AsyncClient`, with its signature, overloads and docstring."""

    @functools.wraps(method)
    def call(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.run(method, *args, **kwargs)

    return call


def _iterating(
    method: Callable[Concatenate[AsyncClient, P], AsyncGenerator[T, None]],
) -> Callable[Concatenate["Client", P], Generator[T, None, None]]:
    """Do the same with a method that gives its answers one by one."""

    @functools.wraps(method)
    def call(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> Generator[T, None, None]:
        return self.iterate(method, *args, **kwargs)

    return call


def _streaming(
    method: Callable[Concatenate[AsyncClient, P], AsyncTextStream],
) -> Callable[Concatenate["Client", P], TextStream]:
    """Do the same with a method that gives a text as it is written."""

    @functools.wraps(method)
    def call(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> TextStream:
        return self.stream(method, *args, **kwargs)

    return call


class Client:
    """Calls a podium server; usable from several threads at once, and in notebooks.

    Close it, best by `with Client() as client:`; until then it keeps one thread.

    Args:
        address: HOST:PORT of the server's gRPC port; several, "a:8001,b:8001", or "dns:///NAME:8001" for all addresses
            of a name: calls go round them, and one whose connection is lost is sent again to another.
        timeout: seconds for a call and its retries, unless the call says otherwise; `math.inf`: no limit.
        retries: when a call of which nothing was run is sent again.
        credentials: for TLS; None: without.
        token: says who calls, for a server that asks; None: nothing is said.

    Raises:
        InvalidArgumentError: the address cannot be meant, or the token cannot be one.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        *,
        timeout: float = DEFAULT_TIMEOUT_S,
        retries: RetryPolicy = RetryPolicy(),
        credentials: grpc.ChannelCredentials | None = None,
        token: str | None = None,
    ) -> None:
        self.address = address
        self._thread = EventLoopThread("podium-client")

        async def connect() -> AsyncClient:
            return AsyncClient(address, timeout=timeout, retries=retries, credentials=credentials, token=token)

        try:
            self._client = self._thread.run(connect())
        except BaseException:
            self._thread.close()
            raise

    classify = _blocking(AsyncClient.classify)
    classify_video = _blocking(AsyncClient.classify_video)
    classify_frames = _iterating(AsyncClient.classify_frames)
    sample = _blocking(AsyncClient.sample)
    stream_sample = _iterating(AsyncClient.stream_sample)
    encode = _blocking(AsyncClient.encode)
    decode = _blocking(AsyncClient.decode)
    reconstruct = _blocking(AsyncClient.reconstruct)
    interpolate = _blocking(AsyncClient.interpolate)
    traverse = _blocking(AsyncClient.traverse)
    edit = _blocking(AsyncClient.edit)
    generate = _streaming(AsyncClient.generate)
    complete = _blocking(AsyncClient.complete)
    translate = _blocking(AsyncClient.translate)
    score = _blocking(AsyncClient.score)
    caption = _blocking(AsyncClient.caption)
    forecast = _blocking(AsyncClient.forecast)
    stream_caption = _streaming(AsyncClient.stream_caption)
    models = _blocking(AsyncClient.models)
    model = _blocking(AsyncClient.model)
    load = _blocking(AsyncClient.load)
    unload = _blocking(AsyncClient.unload)
    set_alias = _blocking(AsyncClient.set_alias)
    delete_alias = _blocking(AsyncClient.delete_alias)
    ready = _blocking(AsyncClient.ready)
    wait_until_ready = _blocking(AsyncClient.wait_until_ready)

    def run(
        self,
        method: Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run a coroutine function of the asynchronous client in this one's thread, and wait for it."""
        return self._thread.run(method(self._client, *args, **kwargs))

    def iterate(
        self,
        method: Callable[Concatenate[AsyncClient, P], AsyncGenerator[T, None]],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Generator[T, None, None]:
        """Do the same with one that gives its answers one by one; leaving the iteration early ends it there too."""
        return self._following(method(self._client, *args, **kwargs))

    def stream(
        self,
        method: Callable[Concatenate[AsyncClient, P], AsyncTextStream],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> TextStream:
        """Do the same with one that gives a text as it is written."""
        return TextStream(method(self._client, *args, **kwargs), self._following)

    def _following(self, answers: AsyncGenerator[T, None]) -> Generator[T, None, None]:
        end, turn = object(), asyncio.Lock()

        async def following() -> T | object:
            async with turn:
                return await anext(answers, end)

        async def leaving() -> None:
            async with turn:  # a step that was interrupted may still be on its way out
                await answers.aclose()

        try:
            while (answer := self._thread.run(following())) is not end:
                yield cast("T", answer)
        finally:
            # Not waited for: this may be run by the end of the program, when the thread is no more.
            self._thread.start(leaving)

    def close(self) -> None:
        """Close the connection and end the thread; calls that still wait are cancelled. May be called twice."""
        if self._thread.running:
            self._thread.run(self._client.close())
            self._thread.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
