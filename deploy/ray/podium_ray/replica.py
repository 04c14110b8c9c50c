"""A replica: a podium server, and a method for each RPC that passes calls on to it."""

import asyncio
from collections.abc import AsyncGenerator
from functools import cached_property
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from podium_server.errors import PermissionDenied
from podium_server.security.page_access import PageAccess
from podium_server.server import Server
from podium_server.settings import Settings
from podium_server.status import DETAILS_KEY, details, text
from podium_server.workers.page import to_json
from prometheus_client.exposition import choose_encoder
from ray import serve
from ray.exceptions import RayActorError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from podium_ray.page import page_of
from podium_ray.passing import Encoded, begin, fail, passed_on
from podium_ray.services import END, SERVICES, changes, path_of

# A replica sees to these itself: nothing but it reaches its ports.
OWN = {"host": "127.0.0.1", "grpc_port": 0, "http_port": 0}
NOT_HERE = {*OWN, "repository", "tls_certificate", "tls_key", "tls_client_ca", "workers"}
LOADS = ("LoadModel", "UnloadModel", "RepositoryModelLoad", "RepositoryModelUnload")
PAGE_S = 5.0
CLOSED = (
    "calls that change what is served are off: whoever reaches the proxy reaches this server, and it asks nobody who "
    "it is; set `tokens` in `settings`"
)


class Replica:
    """A podium server, and a method for each RPC that passes calls on to it.

    Args:
        repository: a folder that every machine sees.
        settings: of `podium serve`, by name, such as {"queue_rows": 256}.

    Raises:
        ValueError: a setting is a replica's own.
    """

    async def __init__(self, repository: str, settings: dict[str, Any] | None = None) -> None:
        for name in NOT_HERE & set(settings or {}):
            raise ValueError(f"settings.{name}: a replica sees to that itself, behind Ray's proxy; leave it out")
        self._settings = Settings(repository=Path(repository), **((settings or {}) | OWN))
        self._server = Server(self._settings)
        ports = await self._server.start()
        await self._server.load()
        size = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        self._channel = grpc.aio.insecure_channel(f"127.0.0.1:{ports.grpc}", options=size)

    async def check_health(self) -> None:
        """Tell Ray Serve whether this replica can answer."""
        if not self._server.catalogue.ready:
            raise RuntimeError("models are loading, or the server is shutting down")

    async def __del__(self) -> None:
        await self._channel.close()
        await self._server.stop()

    async def __call__(self, request: Request) -> Response:
        """Show everybody's metrics on Ray Serve's HTTP port."""
        if request.url.path != "/metrics":
            return PlainTextResponse(f"no page {request.url.path}: there is /metrics\n", 404)
        refusal = PageAccess(self._server.guard.access.tokens).refuse(request)
        if refusal is not None:
            return refusal
        pages = self._everybody.broadcast("page").results_async(timeout_s=PAGE_S, return_exceptions=True)
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        shown = page_of([page for page in await pages if not isinstance(page, BaseException)])
        return Response(await asyncio.to_thread(encode, shown), media_type=content_type)

    async def page(self) -> tuple[str, Any]:
        """Give this replica's name and metrics."""
        registry = self._server.metrics.registry
        return self._name, to_json(await asyncio.to_thread(lambda: list(registry.collect())))

    async def follow(self, leader: str, path: str, request: bytes, metadata: list[tuple[str, Any]]) -> Any:
        """Load or unload what another replica did; the code and text of what went wrong, if something did."""
        if leader == self._name:
            return None
        method: Any = self._channel.unary_unary(path)
        try:
            await method(request, metadata=metadata)
        except grpc.aio.AioRpcError as error:
            return error.code(), f"replica {self._name}: {error.details()}"
        return None

    @property
    def _name(self) -> str:
        return serve.get_replica_context().replica_tag

    @cached_property
    def _everybody(self) -> Any:
        """All replicas, this one too."""
        context = serve.get_replica_context()
        return serve.get_deployment_handle(context.deployment, context.app_name)

    def _closed_to(self, method: MethodDescriptor, context: Any) -> bool:
        """Refuse what a server does that listens for everybody and asks nobody."""
        if self._settings.tokens is not None or not changes(method):
            return False
        refusal = PermissionDenied(CLOSED)
        context.set_code(refusal.code)
        context.set_details(text(refusal))
        context.set_trailing_metadata([(DETAILS_KEY, details(refusal).SerializeToString())])
        return True

    async def answer(self, method: MethodDescriptor, request: Any, context: Any) -> Encoded:
        """Pass on an RPC with one answer."""
        if self._closed_to(method, context):
            return Encoded(b"")
        call = begin(self._channel, method, request, context)
        data = b""
        try:
            data = await call
        except grpc.aio.AioRpcError as error:
            # Not raised: Ray Serve would lose the details that travel behind it.
            fail(context, error.code(), error.details())
        context.set_trailing_metadata(list(await call.trailing_metadata() or ()))
        if method.name in LOADS and context.code() is None:
            done = self._everybody.broadcast("follow", self._name, path_of(method), request, passed_on(context))
            for failure in await done.results_async(return_exceptions=True):
                if isinstance(failure, RayActorError):
                    continue  # it is gone; who comes in its place looks at the repository
                if isinstance(failure, BaseException):
                    raise failure
                if failure is not None:
                    fail(context, *failure)
        return Encoded(data)

    async def answers(self, method: MethodDescriptor, request: Any, context: Any) -> AsyncGenerator[Encoded, None]:
        """Pass on an RPC with a stream of answers."""
        call = begin(self._channel, method, request, context)
        try:
            async for answer in call:
                yield Encoded(answer)
        except grpc.aio.AioRpcError as error:
            fail(context, error.code(), error.details())
        finally:
            call.cancel()  # whose caller has left; of no effect on one that has ended
        context.set_trailing_metadata(list(await call.trailing_metadata() or ()))
        yield Encoded(END)


def _add_method(method: MethodDescriptor) -> None:
    """Give replicas a method of an RPC's name."""
    assert not hasattr(Replica, method.name), f"two services have a {method.name}"

    async def unary(self: Replica, request: Any, grpc_context: Any) -> Encoded:
        return await self.answer(method, request, grpc_context)

    async def stream(self: Replica, request: Any, grpc_context: Any) -> AsyncGenerator[Encoded, None]:
        async for answer in self.answers(method, request, grpc_context):
            yield answer

    setattr(Replica, method.name, stream if method.server_streaming else unary)


for _service in SERVICES:
    for _method in _service.methods:
        _add_method(_method)


def build(arguments: dict[str, Any]) -> Any:
    """Make the application of a configuration's `args`: `repository`, and `settings` by name."""
    deployment = serve.deployment(Replica, name="podium")
    return deployment.bind(arguments["repository"], arguments.get("settings"))
