"""Whether a server serves, by `grpc.health.v1`."""

import asyncio

from grpc import StatusCode
from grpc.aio import AioRpcError, Channel
from grpc_health.v1 import health_pb2

from podium_client.calls import Caller
from podium_client.errors import DeadlineError, UnavailableError
from podium_client.rpc_errors import Sent, from_rpc_error

_SERVING = health_pb2.HealthCheckResponse.SERVING


class Health:
    """Asks one server for its health."""

    def __init__(self, channel: Channel, caller: Caller) -> None:
        self._caller = caller
        codec = health_pb2.HealthCheckRequest.SerializeToString, health_pb2.HealthCheckResponse.FromString
        self._check = channel.unary_unary("/grpc.health.v1.Health/Check", *codec)
        self._watch = channel.unary_stream("/grpc.health.v1.Health/Watch", *codec)

    async def ready(self, timeout_s: float) -> bool:
        """Say whether the server serves; nobody there, or one that is starting or draining, does not.

        Raises:
            PodiumError: what answers is no podium server.
        """
        request = health_pb2.HealthCheckRequest()
        try:
            response = await self._caller.call(self._check, request, timeout_s)
        except UnavailableError:
            return False
        return bool(response.status == _SERVING)

    async def wait_until_ready(self, timeout_s: float) -> None:
        """Wait for a server to appear and to serve.

        Raises:
            DeadlineError: it does not within the timeout.
        """
        limit_s = None if timeout_s == float("inf") else timeout_s
        try:
            async with asyncio.timeout(limit_s):
                # False: the connection broke, as of a server that restarts. gRPC spaces out the attempts to connect.
                while not await self._follow(timeout_s):
                    pass
        except TimeoutError:
            raise DeadlineError(
                f"the server at {self._caller.address} was not ready within {timeout_s:g} s",
                "DEADLINE_EXCEEDED",
                StatusCode.DEADLINE_EXCEEDED,
            ) from None

    async def _follow(self, timeout_s: float) -> bool:
        """Follow the server's health until it serves; False when the connection breaks first."""
        watch = self._watch(health_pb2.HealthCheckRequest(), wait_for_ready=True)
        try:
            async for response in watch:
                if response.status == _SERVING:
                    return True
        except AioRpcError as failure:
            error = from_rpc_error(failure, Sent(self._caller.address, timeout_s, secure=self._caller.secure))
            if not isinstance(error, UnavailableError):
                raise error from failure
        finally:
            watch.cancel()
        return False
