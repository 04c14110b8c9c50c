"""Sends calls: the deadline is for all of one, retries included, and errors are podium's."""

import asyncio
import random
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from typing import TypeVar

from grpc.aio import (
    AioRpcError,
    StreamStreamMultiCallable,
    StreamUnaryMultiCallable,
    UnaryStreamMultiCallable,
    UnaryUnaryMultiCallable,
)

from podium_client.errors import PodiumError
from podium_client.retries import RetryBudget, RetryPolicy
from podium_client.rpc_errors import Sent, from_rpc_error, too_late

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")

REQUEST_ID_KEY = "x-request-id"  # the server writes it to its log when it fails


class Caller:
    """Sends calls to one server.

    Args:
        address: who is called, for messages.
        policy: when a call is sent again.
        draw: uniform in 0 ... 1, spreads retries.
        secure: whether the connection speaks TLS, for messages.
        token: says who calls; None: nothing does.
    """

    def __init__(
        self,
        address: str,
        policy: RetryPolicy,
        draw: Callable[[], float] = random.random,
        *,
        secure: bool = False,
        token: str | None = None,
    ) -> None:
        self.address = address
        self.secure = secure
        self._shown = (("authorization", f"Bearer {token}"),) if token is not None else ()
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

        def send(attempts: _Attempts) -> Awaitable[ResponseT]:
            return rpc(request, timeout=attempts.timeout_s, metadata=attempts.metadata)

        return await self._answer(send, timeout_s)

    async def stream(
        self, rpc: UnaryStreamMultiCallable[RequestT, ResponseT], request: RequestT, timeout_s: float
    ) -> AsyncGenerator[ResponseT, None]:
        """Send a request and give the answers as they come; it is sent again only before the first of them.

        Leaving the generator cancels the call.

        Args:
            rpc: the stub's method.
            request: its message.
            timeout_s: seconds until the last answer; infinite for no limit.

        Raises:
            PodiumError: the last error, by who is to blame.
        """
        attempts = self._attempts(timeout_s)
        while True:
            answered = False
            call = rpc(request, timeout=attempts.timeout_s, metadata=attempts.metadata)
            try:
                async for response in call:
                    answered = True
                    yield response
            except AioRpcError as failure:
                error = attempts.failed(failure)
                delay_s = None if answered else self._delay_s(error, attempts)
                if delay_s is None:
                    raise error from failure
            else:
                self._budget.succeeded()
                return
            finally:
                call.cancel()
            await asyncio.sleep(delay_s)

    async def upload(
        self,
        rpc: StreamUnaryMultiCallable[RequestT, ResponseT],
        requests: Sequence[RequestT],
        timeout_s: float,
        began: float | None = None,
    ) -> ResponseT:
        """Send a request in pieces until it is answered, or refused for good.

        Args:
            rpc: the stub's method.
            requests: its messages.
            timeout_s: seconds for everything; infinite for no limit.
            began: the monotonic second from which they count; None: now.

        Raises:
            PodiumError: the last error, by who is to blame.
        """

        def send(attempts: _Attempts) -> Awaitable[ResponseT]:
            return rpc(iter(requests), timeout=attempts.timeout_s, metadata=attempts.metadata)

        return await self._answer(send, timeout_s, began)

    async def converse(
        self, rpc: StreamStreamMultiCallable[RequestT, ResponseT], requests: AsyncIterator[RequestT], timeout_s: float
    ) -> AsyncGenerator[ResponseT, None]:
        """Send requests as they come, and give the answers as they come; never sent again: they are gone.

        What the requests raise is raised here. Leaving the generator cancels the call.

        Args:
            rpc: the stub's method.
            requests: its messages.
            timeout_s: seconds until the last answer; infinite for no limit.

        Raises:
            PodiumError: by who is to blame.
        """
        attempts = self._attempts(timeout_s)
        failed: list[Exception] = []

        async def watched() -> AsyncGenerator[RequestT, None]:
            try:
                async for request in requests:
                    yield request
            except Exception as error:
                failed.append(error)
                call.cancel()
                raise

        call = rpc(watched(), timeout=attempts.timeout_s, metadata=attempts.metadata)
        try:
            async for response in call:
                yield response
        except AioRpcError as failure:
            raise attempts.failed(failure) from failure
        except asyncio.CancelledError:
            if not failed:
                raise
            raise failed[0] from None
        finally:
            call.cancel()

    async def _answer(
        self, send: Callable[["_Attempts"], Awaitable[ResponseT]], timeout_s: float, began: float | None = None
    ) -> ResponseT:
        """Make attempts until one is answered, or refused for good."""
        attempts = self._attempts(timeout_s, began)
        if attempts.remaining_s <= 0:  # gRPC may still answer such a call
            raise too_late(attempts.sent)
        while True:
            try:
                response = await send(attempts)
            except AioRpcError as failure:
                error = attempts.failed(failure)
                delay_s = self._delay_s(error, attempts)
                if delay_s is None:
                    raise error from failure
            else:
                self._budget.succeeded()
                return response
            await asyncio.sleep(delay_s)

    def _attempts(self, timeout_s: float, began: float | None = None) -> "_Attempts":
        sent = Sent(self.address, timeout_s, uuid.uuid4().hex, self.secure)
        return _Attempts(sent, self._shown, time.monotonic() if began is None else began)

    def _delay_s(self, error: PodiumError, attempts: "_Attempts") -> float | None:
        if self._policy.may_be_sent_again(error) and not self._budget.failed():
            return None
        return self._policy.delay_s(
            error, attempt=attempts.num_failed, remaining_s=attempts.remaining_s, draw=self._draw()
        )


class _Attempts:
    """The attempts at one call: they share a deadline and a request id."""

    def __init__(self, sent: Sent, shown: tuple[tuple[str, str], ...], began: float) -> None:
        self.sent = sent
        self._deadline = began + sent.timeout_s
        self.metadata = ((REQUEST_ID_KEY, sent.request_id), *shown)
        self.num_failed = 0

    @property
    def remaining_s(self) -> float:
        """Seconds until the deadline, negative beyond it."""
        return self._deadline - time.monotonic()

    @property
    def timeout_s(self) -> float | None:
        """What is left for the next attempt, as gRPC takes it."""
        remaining_s = self.remaining_s
        return None if remaining_s == float("inf") else max(remaining_s, 0.0)

    def failed(self, failure: AioRpcError) -> PodiumError:
        """Count a failure and name it."""
        self.num_failed += 1
        return from_rpc_error(failure, self.sent)
