"""A call is sent again only when the server says that nothing of it was run."""

from typing import Any, cast

import pytest
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata
from podium_client import (
    AsyncClient,
    InternalError,
    NoServerError,
    OverloadedError,
    PodiumError,
    RetryPolicy,
    UnavailableError,
)
from podium_client.calls import Caller
from podium_client.retries import RetryBudget

from tests.client.fake_server import DETAILS_KEY, NOT_READY, OVERLOADED, Refusal, reason, retry_in, serving

NOT_READY_DETAILS = Metadata((DETAILS_KEY, NOT_READY.status().SerializeToString()))
QUICK = RetryPolicy(initial_backoff_s=0.001, max_backoff_s=0.001)


@pytest.mark.parametrize("refusal", [OVERLOADED, NOT_READY])
async def test_a_call_that_was_not_run_is_sent_again(refusal: Refusal) -> None:
    """The caller gets the answer of the third call, and the server has seen three."""
    async with serving(refusal, refusal) as server, AsyncClient(server.address, retries=QUICK) as client:
        answer = await client.classify("digits", b"\x05")

    assert answer.best.index == 5
    assert server.num_calls == 3


async def test_attempts_are_bounded() -> None:
    """After as many calls as the policy allows the last error is the caller's."""
    async with serving(*[NOT_READY] * 9) as server, AsyncClient(server.address, retries=QUICK) as client:
        with pytest.raises(UnavailableError):
            await client.classify("digits", b"x")

    assert server.num_calls == QUICK.max_attempts


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(StatusCode.INTERNAL, "it broke", (reason("RUN_FAILED"),)),
        Refusal(StatusCode.RESOURCE_EXHAUSTED, "a quota of a proxy"),
        Refusal(StatusCode.UNAVAILABLE, "a proxy lost the server"),
        Refusal(StatusCode.INVALID_ARGUMENT, "no picture", (reason("INVALID_ARGUMENT"),)),
        Refusal(StatusCode.ABORTED, "it stopped in the middle"),
    ],
)
async def test_what_may_have_been_run_is_not_sent_again(refusal: Refusal) -> None:
    """The server sees the call once, and the caller decides."""
    async with serving(refusal) as server, AsyncClient(server.address, retries=QUICK) as client:
        with pytest.raises(PodiumError):
            await client.classify("digits", b"x")

    assert server.num_calls == 1


async def test_a_large_picture_is_sent_again_too() -> None:
    """gRPC's own retries stop at 256 KiB of request; these do not."""
    async with serving(OVERLOADED) as server, AsyncClient(server.address, retries=QUICK) as client:
        await client.classify("digits", b"\x05" + bytes(1 << 20))

    assert server.num_calls == 2


async def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    """Told to come back in an hour, with a second to live, the call fails at once with the server's reason."""
    later = Refusal(StatusCode.RESOURCE_EXHAUSTED, "full", (reason("QUEUE_FULL"), retry_in(3600)))
    async with serving(later) as server, AsyncClient(server.address) as client:
        with pytest.raises(OverloadedError):
            await client.classify("digits", b"x", timeout=1)

    assert server.num_calls == 1


async def test_the_deadline_is_for_all_calls_together() -> None:
    """A second call gets what the first one left of the timeout."""
    timeouts: list[float] = []

    async def not_ready(request: str, timeout: float, metadata: object) -> str:  # noqa: ASYNC109  gRPC's own name
        timeouts.append(timeout)
        raise AioRpcError(StatusCode.UNAVAILABLE, Metadata(), NOT_READY_DETAILS)

    with pytest.raises(UnavailableError):
        await Caller("localhost:8001", QUICK).call(cast("Any", not_ready), "question", 30.0)

    assert len(timeouts) == QUICK.max_attempts
    assert timeouts == sorted(timeouts, reverse=True)
    assert len(set(timeouts)) == len(timeouts)
    assert timeouts[0] <= 30.0


async def test_a_server_that_refuses_everybody_is_left_alone() -> None:
    """Once half of the budget is gone, calls are no longer multiplied: each is sent once."""
    async with serving(*[NOT_READY] * 400) as server, AsyncClient(server.address, retries=QUICK) as client:
        for _ in range(100):
            with pytest.raises(UnavailableError):
                await client.classify("digits", b"x")

    assert server.num_calls < 160


class TestPolicy:
    """The decision alone."""

    POLICY = RetryPolicy(max_attempts=4, initial_backoff_s=0.1, max_backoff_s=0.3, multiplier=2)

    def delay(self, error: PodiumError, attempt: int = 1, remaining_s: float = 60, draw: float = 1.0) -> float | None:
        return self.POLICY.delay_s(error, attempt=attempt, remaining_s=remaining_s, draw=draw)

    def test_waits_grow_to_a_bound(self) -> None:
        """0.1, 0.2, then 0.3 where 0.4 would be, then no more."""
        waits = [self.delay(UnavailableError("no"), attempt) for attempt in (1, 2, 3, 4)]

        assert waits == [pytest.approx(0.1), pytest.approx(0.2), pytest.approx(0.3), None]

    def test_the_servers_wait_comes_first(self) -> None:
        """Callers who were refused together come back after it, each at a time of its own."""
        error = OverloadedError("full", retry_after_s=5.0)

        assert self.delay(error, draw=0.0) == 5.0
        assert self.delay(error, draw=0.5) == pytest.approx(5.05)

    def test_no_wait_passes_the_deadline(self) -> None:
        """With 0.05 s left a wait of 0.1 s is useless."""
        assert self.delay(UnavailableError("no"), remaining_s=0.05) is None

    @pytest.mark.parametrize("error", [InternalError("no"), NoServerError("no"), OverloadedError("no")])
    def test_doubt_is_no_retry(self, error: PodiumError) -> None:
        """A broken connection may have carried a call that ran; an overload without a wait is no podium server's."""
        assert self.delay(error) is None

    @pytest.mark.parametrize(
        "fields", [{"max_attempts": 0}, {"initial_backoff_s": -1.0}, {"initial_backoff_s": 9.0}, {"multiplier": 0.5}]
    )
    def test_a_policy_that_means_nothing_is_refused(self, fields: dict[str, float]) -> None:
        """The message names the field and its value."""
        with pytest.raises(ValueError, match=next(iter(fields))):
            RetryPolicy(**fields)  # type: ignore[arg-type]


def test_success_refills_the_budget() -> None:
    """At half nothing is retried; ten answers give one retry back."""
    budget = RetryBudget(max_tokens=4, tokens=4)

    allowed = [budget.failed(), budget.failed()]
    for _ in range(20):
        budget.succeeded()

    assert allowed == [True, False]
    assert budget.failed()
