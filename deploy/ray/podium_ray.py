"""podium behind Ray Serve's gRPC proxy: replicas on the machines of a cluster, more of them when more is asked.

Each replica is a whole podium server of its own, on an address that only it knows; the proxy's calls go through to it
as they came, bytes in and bytes out, so that answers, errors and their details are podium's.

Needs `podium[server]` and `ray[serve]` on every machine, this file where Python finds it, and a repository that all
machines see. `serve run config.yaml` starts it.
"""

import itertools
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from grpc_health.v1 import health_pb2
from podium.v1 import (
    captioning_service_pb2,
    classification_service_pb2,
    forecast_service_pb2,
    image_service_pb2,
    model_service_pb2,
    text_service_pb2,
)
from podium_server.oip.messages import DESCRIPTOR as OPEN_INFERENCE
from podium_server.server import Server
from podium_server.settings import Settings
from ray import serve

FILES = (
    captioning_service_pb2, classification_service_pb2, forecast_service_pb2, image_service_pb2, model_service_pb2,
    text_service_pb2, health_pb2,
)  # fmt: skip
SERVICES: tuple[ServiceDescriptor, ...] = tuple(
    itertools.chain(
        *(file.DESCRIPTOR.services_by_name.values() for file in FILES), OPEN_INFERENCE.services_by_name.values()
    )
)
# What goes with the connection, and not with the call.
_HOP = ("user-agent", "content-type", "te", "host", "application", "request_id")


def add_services(servicer: Any, server: Any) -> None:
    """Tell Ray Serve's proxy of every service; it answers with what a replica's method of that name gives."""
    del servicer
    for service in SERVICES:
        methods = {method.name: _handler(method) for method in service.methods}
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service.full_name, methods)])


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


class Encoded:
    """An answer as bytes, for Ray Serve asks answers for them."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def SerializeToString(self) -> bytes:  # noqa: N802 - protobuf's name
        """Give the bytes."""
        return self._data


class Replica:
    """A podium server, and a method for each RPC that passes calls on to it.

    Args:
        repository: a folder that every machine sees.
        settings: of `podium serve`, by name, such as {"queue_rows": 256}.
    """

    async def __init__(self, repository: str, settings: dict[str, Any] | None = None) -> None:
        own = {"host": "127.0.0.1", "grpc_port": 0, "http_port": 0}
        self._server = Server(Settings(repository=Path(repository), **((settings or {}) | own)))
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

    async def _unary(self, path: str, request: bytes, context: Any) -> Encoded:
        method: Any = self._channel.unary_unary(path)
        call = method(request, metadata=_passed_on(context))
        try:
            answer = await call
        except grpc.aio.AioRpcError as error:
            # Not raised: Ray Serve would lose the details that travel behind it.
            context.set_code(error.code())
            context.set_details(error.details() or "")
            answer = b""
        context.set_trailing_metadata(list(await call.trailing_metadata() or ()))
        return Encoded(answer)

    async def _stream(self, path: str, request: bytes, context: Any) -> AsyncGenerator[Encoded, None]:
        method: Any = self._channel.unary_stream(path)
        try:
            async for answer in method(request, metadata=_passed_on(context)):
                yield Encoded(answer)
        except grpc.aio.AioRpcError as error:
            context.set_code(error.code())
            context.set_details(error.details() or "")
            raise


def _passed_on(context: Any) -> list[tuple[str, str | bytes]]:
    pairs = context.invocation_metadata()
    return [(key, value) for key, value in pairs if key not in _HOP and not key.startswith((":", "grpc-"))]


def _add_method(service: ServiceDescriptor, method: MethodDescriptor) -> None:
    """Give replicas a method of an RPC's name."""
    path = f"/{service.full_name}/{method.name}"
    assert not hasattr(Replica, method.name), f"two services have a {method.name}"

    async def unary(self: Replica, request: bytes, grpc_context: Any) -> Encoded:
        return await self._unary(path, request, grpc_context)

    async def stream(self: Replica, request: bytes, grpc_context: Any) -> AsyncGenerator[Encoded, None]:
        async for answer in self._stream(path, request, grpc_context):
            yield answer

    setattr(Replica, method.name, stream if method.server_streaming else unary)


for _service in SERVICES:
    for _method in _service.methods:
        if not _method.client_streaming:
            _add_method(_service, _method)


def build(arguments: dict[str, Any]) -> Any:
    """Make the application of a configuration's `args`: `repository`, and `settings` by name."""
    deployment = serve.deployment(Replica, name="podium")
    return deployment.bind(arguments["repository"], arguments.get("settings"))
