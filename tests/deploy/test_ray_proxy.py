"""What deploy/ray puts around the calls of Ray Serve's proxy, on a real server; Ray itself is not asked."""

import importlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode, aio
from podium_server.metrics import Metrics
from podium_server.workers.page import to_json
from prometheus_client import exposition
from prometheus_client.openmetrics import exposition as openmetrics

FOLDER = Path(__file__).parents[2] / "deploy" / "ray"
GENERATE = "/podium.v1.TextService/Generate"
STREAM = "/podium.v1.TextService/StreamGenerate"
SET_ALIAS = "/podium.v1.ModelService/SetAlias"
FRAMES = "/podium.v1.ClassificationService/ClassifyFrames"

Replica = Callable[[Any], None]


def answers(context: Any) -> None:
    """A replica that answers."""
    context.set_trailing_metadata([("request_id", "1"), ("server-timing", "run;dur=1")])
    context.set_code(StatusCode.OK)


def breaks(context: Any) -> None:
    """A replica whose podium says that it broke."""
    context.set_trailing_metadata([("request_id", "1"), ("grpc-status-details-bin", b"why")])
    context.set_code(StatusCode.INTERNAL)
    context.set_details("the server failed")


def dies(context: Any) -> None:
    """A replica that dies, in Ray's words."""
    context.set_code(StatusCode.INTERNAL)
    context.set_details("The actor died unexpectedly before finishing this task.")


class RaysProxy:
    """Does with handlers what Ray Serve's proxy does: its own functions take the place of theirs.

    Args:
        server: what it listens with.
        end: the last message of a stream.
        replicas: what each replica does that a call is given to, one after the other.
    """

    def __init__(self, server: aio.Server, end: bytes, replicas: Sequence[Replica]) -> None:
        self._server = server
        self._end = end
        self.replicas = list(replicas)
        self.metadata: dict[str, str | bytes] = {}

    def add_generic_rpc_handlers(self, handlers: Sequence[Any]) -> None:
        """Take handlers."""
        (handler,) = handlers
        own = {"unary_unary": self.one, "unary_stream": self.several, "stream_unary": self.one}
        handler._method_handlers = {
            path: method._replace(stream_stream=self.several, **own)
            for path, method in handler._method_handlers.items()
        }
        self._server.add_generic_rpc_handlers((handler,))

    async def one(self, request: Any, context: Any) -> bytes:
        """Give a call with one answer to a replica."""
        self.metadata = dict(context.invocation_metadata())
        self.replicas.pop(0)(context)
        return b"answer"

    async def several(self, request: Any, context: Any) -> AsyncGenerator[bytes, None]:
        """Give a call with a stream of answers to a replica: who does not die at once sends two."""
        replica = self.replicas.pop(0)
        if replica is not dies:
            for message in (b"first", b"second"):
                context.set_trailing_metadata([("request_id", "1")])  # as Ray does with each
                yield message
        replica(context)
        if replica is not dies and replica is not dies_late:
            yield self._end


def dies_late(context: Any) -> None:
    """A replica that dies when some of its answers are out."""
    dies(context)


@asynccontextmanager
async def serving(monkeypatch: pytest.MonkeyPatch, *replicas: Replica) -> AsyncGenerator[tuple[RaysProxy, aio.Channel]]:
    """Serve podium's RPCs through such a proxy."""
    monkeypatch.syspath_prepend(FOLDER)
    ours: Any = importlib.import_module("podium_ray.proxy")
    server = aio.server()
    proxy = RaysProxy(server, ours.END, replicas)
    ours.add_services(None, proxy)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield proxy, channel
    finally:
        await server.stop(None)


def unary(channel: aio.Channel, path: str, **options: Any) -> Awaitable[bytes]:
    """Call with one request, for one answer."""
    method: Any = channel.unary_unary(path)
    call: Awaitable[bytes] = method(b"request", **options)
    return call


async def test_a_call_whose_replica_dies_is_given_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its caller sees an answer."""
    async with serving(monkeypatch, dies, answers) as (proxy, channel):
        assert await unary(channel, GENERATE) == b"answer"
        assert proxy.replicas == []


async def test_a_call_that_kills_does_not_kill_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three tries, and its caller may come again."""
    async with serving(monkeypatch, dies, dies, dies, answers) as (proxy, channel):
        with pytest.raises(aio.AioRpcError, match="the replica that worked on this call died") as error:
            await unary(channel, GENERATE)
        assert error.value.code() is StatusCode.UNAVAILABLE
        assert proxy.replicas == [answers]


async def test_a_change_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another one may have been made meanwhile."""
    async with serving(monkeypatch, dies, answers) as (proxy, channel):
        with pytest.raises(aio.AioRpcError) as error:
            await unary(channel, SET_ALIAS)
        assert error.value.code() is StatusCode.UNAVAILABLE
        assert proxy.replicas == [answers]


async def test_what_podium_says_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """An INTERNAL of podium's own is an answer, with what is behind it."""
    async with serving(monkeypatch, breaks, answers) as (proxy, channel):
        with pytest.raises(aio.AioRpcError, match="the server failed") as error:
            await unary(channel, GENERATE)
        assert error.value.code() is StatusCode.INTERNAL
        trailing: Any = error.value.trailing_metadata()
        assert dict(trailing)["grpc-status-details-bin"] == b"why"
        assert proxy.replicas == [answers]


async def test_replicas_hear_how_long_a_caller_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the call's deadline; what callers say of it themselves is not heard."""
    lies = [("podium-remaining-s", "1e9"), ("x-request-id", "mine")]
    async with serving(monkeypatch, answers, answers) as (proxy, channel):
        await unary(channel, GENERATE, timeout=30, metadata=lies)
        assert 0 < float(proxy.metadata["podium-remaining-s"]) < 31  # gRPC rounds up on the wire
        assert proxy.metadata["x-request-id"] == "mine"
        await unary(channel, GENERATE, metadata=lies)
        assert "podium-remaining-s" not in proxy.metadata


@pytest.mark.parametrize("path", [STREAM, FRAMES])
async def test_a_stream_brings_its_status_and_what_is_behind(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """The message that it travels with in Ray goes no further."""
    async with serving(monkeypatch, breaks) as (_, channel):
        call = streamed(channel, path)
        assert [await call.read(), await call.read()] == [b"first", b"second"]
        with pytest.raises(aio.AioRpcError, match="the server failed"):
            await call.read()
        assert dict(await call.trailing_metadata())["grpc-status-details-bin"] == b"why"


async def test_a_stream_that_has_not_begun_is_given_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it was seen."""
    async with serving(monkeypatch, dies, answers) as (_, channel):
        assert [message async for message in streamed(channel, STREAM)] == [b"first", b"second"]


@pytest.mark.parametrize(("path", "replica"), [(STREAM, dies_late), (FRAMES, dies)])
async def test_a_stream_that_has_begun_is_not(monkeypatch: pytest.MonkeyPatch, path: str, replica: Replica) -> None:
    """Neither one that was answered in part, nor one whose requests are read."""
    async with serving(monkeypatch, replica, answers) as (proxy, channel):
        with pytest.raises(aio.AioRpcError) as error:
            async for _ in streamed(channel, path):
                pass
        assert error.value.code() is StatusCode.UNAVAILABLE
        assert proxy.replicas == [answers]


def test_replicas_are_instances_of_one_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Series of one name are one family, whoever has them."""
    monkeypatch.syspath_prepend(FOLDER)
    ours: Any = importlib.import_module("podium_ray.page")
    first, second = Metrics(), Metrics()
    first.show_server(lambda: True, lambda: 3, lambda: 0)
    second.show_server(lambda: False, lambda: 0, lambda: 0)
    pages = [(name, to_json(each.registry.collect())) for name, each in (("b", second), ("a", first))]
    for encode in (exposition.generate_latest, openmetrics.generate_latest):
        text = encode(ours.page_of(pages)).decode()
        assert text.count("# TYPE podium_ready gauge") == 1
        assert 'podium_ready{instance="a"} 1.0\npodium_ready{instance="b"} 0.0\n' in text


def streamed(channel: aio.Channel, path: str) -> Any:
    """Call for a stream of answers."""
    one: Any = channel.unary_stream(path)
    several: Any = channel.stream_stream(path)
    return one(b"request") if path == STREAM else several(iter([b"request"]))
