"""Sends one unary call: the deadline is for all of it, retries included, and errors are podium's."""

import asyncio
import random
import time
import uuid
from collections.abc import Callable
from typing import TypeVar

from grpc.aio import AioRpcError, UnaryUnaryMultiCallable

from podium_client.errors import PodiumError
from podium_client.retries import RetryBudget, RetryPolicy, nothing_was_run
from podium_client.rpc_errors import Sent, from_rpc_error

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")

REQUEST_ID_KEY = "x-request-id"  # the server writes it to its log when it fails


class Caller:
    """Sends calls to one server.

    Args:
        address: who is called, for messages.
        policy: when a call is sent again.
        draw: uniform in 0 ... 1, spreads retries.
    """

    def __init__(self, address: str, policy: RetryPolicy, draw: Callable[[], float] = random.random) -> None:
        self.address = address
        self._policy = policy
        self._budget = RetryBudget()
        self._draw = draw

    async def call(
        self, rpc: UnaryUnaryMultiCallable[RequestT, ResponseT], request: RequestT, timeout_s: float
    ) -> ResponseT:
        """Send a request until it is answered, or refused for good.

        Args:
            rpc: the stub's method.
            request: its message.
            timeout_s: seconds for everything; infinite for no limit.

        Raises:
            PodiumError: the last error, by who is to blame.
        """
        deadline = time.monotonic() + timeout_s
        request_id = uuid.uuid4().hex
        attempt = 1
        while True:
            remaining_s = deadline - time.monotonic()
            try:
                response: ResponseT = await rpc(
                    request,
                    timeout=None if remaining_s == float("inf") else max(remaining_s, 0.0),
                    metadata=((REQUEST_ID_KEY, request_id),),
                )
            except AioRpcError as failure:
                error = from_rpc_error(failure, Sent(self.address, timeout_s, request_id))
                delay_s = self._delay_s(error, attempt, deadline - time.monotonic())
                if delay_s is None:
                    raise error from failure
            else:
                self._budget.succeeded()
                return response
            await asyncio.sleep(delay_s)
            attempt += 1

    def _delay_s(self, error: PodiumError, attempt: int, remaining_s: float) -> float | None:
        if nothing_was_run(error) and not self._budget.failed():
            return None
        return self._policy.delay_s(error, attempt=attempt, remaining_s=remaining_s, draw=self._draw())
