"""A slow model at four times what it takes: what is accepted is answered, and the rest refused at once."""

import asyncio
from collections import Counter
from pathlib import Path

import numpy as np
from grpc import StatusCode, aio

from tests.security.conftest import Running, Start
from tests.security.slow_model import slow_request, write_slow
from tests.security.test_limits import infer, refusal_of

QUEUE_ROWS = 16
CALLERS = 4 * QUEUE_ROWS
REFUSED = StatusCode.UNAVAILABLE  # as the Open Inference Protocol's clients want it; RESOURCE_EXHAUSTED elsewhere


async def test_what_is_accepted_is_answered_and_the_rest_refused_at_once(start: Start, repository: Path) -> None:
    """Everybody gets an answer or a refusal with when to come back, and the counters are what the callers saw."""
    write_slow(repository)
    running = await start(queue_rows=QUEUE_ROWS, max_images_per_request=QUEUE_ROWS)
    seen: Counter[str] = Counter()
    order: list[str] = []
    async with aio.insecure_channel(running.address) as channel:

        async def call(number: int) -> None:
            try:
                answer = await infer(channel, slow_request(number))
            except aio.AioRpcError as error:
                reason, retry_after_s = refusal_of(error, REFUSED)
                assert (reason, retry_after_s >= 0) == ("QUEUE_FULL", True)
                order.append(error.code().name)
            else:
                assert set(np.frombuffer(answer.raw_output_contents[0], "<f4")) == {np.float32(number)}
                order.append("OK")
            seen[order[-1]] += 1

        await call(0)
        order.clear()
        for wave in range(3):
            await asyncio.gather(*(call(wave * CALLERS + number) for number in range(CALLERS)))
    assert seen["OK"] + seen[REFUSED.name] == 1 + 3 * CALLERS
    assert seen["OK"] >= 1 + 3 * (QUEUE_ROWS + 1), "a whole queue, and the one that runs"
    assert seen[REFUSED.name] >= CALLERS, "four times what it takes was sent"
    assert order[-1] == "OK", "who was refused did not wait for those who were accepted"
    assert counted(running) == {StatusCode[name].name: count for name, count in seen.items()}
    assert refused(running) == seen[REFUSED.name]


def counted(running: Running) -> dict[str, int]:
    """Calls of the model by code, as the metrics page has them."""
    return {
        sample.labels["code"]: int(sample.value)
        for family in running.server.metrics.requests.collect()
        for sample in family.samples
        if sample.name == "podium_requests_total" and sample.labels["model"] == "slow"
    }


def refused(running: Running) -> int:
    """Requests that found the queue full."""
    return sum(
        int(sample.value)
        for family in running.server.metrics.refused.collect()
        for sample in family.samples
        if sample.name == "podium_refused_total" and sample.labels["model"] == "slow"
    )
