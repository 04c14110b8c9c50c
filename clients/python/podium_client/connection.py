"""What all calls of a client share: the connection, how calls are sent, and how long they may take."""

import dataclasses
import math
from types import TracebackType
from typing import Self

import grpc

from podium_client.calls import Caller
from podium_client.channel import DEFAULT_ADDRESS, check_address, check_token, open_channel
from podium_client.errors import InvalidArgumentError
from podium_client.retries import RetryPolicy
from podium_client.target import target_of

DEFAULT_TIMEOUT_S = 60.0


class Connection:
    """A connection to one server, or to several that serve the same; made, used and closed in one event loop.

    Args:
        address: HOST:PORT of the server's gRPC port; several, "a:8001,b:8001", or "dns:///NAME:8001" for all addresses
            of a name: calls go round them.
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
        self._timeout_s = timeout
        check_address(address)
        target = target_of(address)
        retries = dataclasses.replace(retries, has_others=retries.has_others or target.has_others)
        self._channel = open_channel(target, credentials)
        self._caller = Caller(address, retries, secure=credentials is not None, token=check_token(token))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; calls that still wait are cancelled. May be called twice."""
        await self._channel.close(None)

    def _limit_s(self, timeout: float | None) -> float:
        limit_s = self._timeout_s if timeout is None else timeout
        if math.isnan(limit_s):
            raise InvalidArgumentError("timeout: nan; give seconds, or math.inf for no limit", field="timeout")
        return limit_s
