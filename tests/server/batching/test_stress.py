"""Ten thousand callers who come, leave and time out at random: the books must balance and the threads come to rest."""

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from numpy.typing import NDArray
from podium_server.errors import DeadlineExceeded, Overloaded, RunFailed

from tests.server.batching.conftest import MakeBatcher
from tests.server.batching.test_batcher import Picky
from tests.server.fakes import PATIENCE_S, Counts, Rows, rows

NUM_CALLERS = 10_000
TOGETHER = -7.0
ANSWERED, WRONG, FAILED = "answered", "wrong", "failed"
REFUSED, EXPIRED, CANCELLED = "refused", "expired", "cancelled"


class Stormy(Picky):
    """Fails on 13; runs with TOGETHER end only when all sessions are in one."""

    def __init__(self, num_sessions: int) -> None:
        super().__init__(ValueError("thirteen"))
        self._together = threading.Barrier(num_sessions)

    def run(self, inputs: Sequence[NDArray[Any]]) -> Rows:
        if TOGETHER in inputs[0]:
            self._together.wait(PATIENCE_S)
        return super().run(inputs)


@pytest.mark.parametrize("num_sessions", [1, 3])
async def test_every_caller_gets_exactly_one_outcome(
    make_batcher: MakeBatcher, counts: Counts, num_sessions: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Right rows, or an error that fits; counters add up; nothing waits; sessions are idle; nothing is logged late."""
    caplog.set_level("CRITICAL", "podium_server")  # thousands of expected traces
    dice = random.Random(7)
    batcher = make_batcher(Stormy(num_sessions), max_batch_rows=4, num_sessions=num_sessions, max_waiting_rows=60)
    outcomes: Counter[str] = Counter()

    async def call(number: int) -> None:
        values = [13.0] if number % 97 == 0 else [14.0 + number + row for row in range(dice.randint(1, 9))]
        deadline = time.monotonic() + dice.choice([0.0, 0.001, 5.0]) if dice.random() < 0.3 else None
        try:
            run = await batcher.run(rows(*values), deadline=deadline, priority=dice.randint(0, 9))
        except RunFailed:
            outcomes[FAILED] += 1
        except Overloaded:
            outcomes[REFUSED] += 1
        except DeadlineExceeded:
            outcomes[EXPIRED] += 1
        except asyncio.CancelledError:
            outcomes[CANCELLED] += 1
        else:
            right = run.outputs[0].ravel().tolist() == [2 * value for value in values]
            outcomes[ANSWERED if right else WRONG] += 1

    tasks: list[asyncio.Task[None]] = []
    for number in range(NUM_CALLERS):
        tasks.append(asyncio.create_task(call(number)))
        if dice.random() < 0.2:
            await asyncio.sleep(0)
        if dice.random() < 0.2:
            dice.choice(tasks[-40:]).cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    never_begun = sum(task.cancelled() for task in tasks)
    assert outcomes[WRONG] == 0
    assert sum(outcomes.values()) + never_begun == NUM_CALLERS
    assert min(outcomes[kind] for kind in (ANSWERED, FAILED, REFUSED, EXPIRED, CANCELLED)) > 0, outcomes
    assert counts.num_refused == outcomes[REFUSED]
    assert counts.num_expired == outcomes[EXPIRED]
    assert counts.num_cancelled == outcomes[CANCELLED]
    assert batcher.waiting_rows == 0
    # Each session takes a run of its own again: none was lost, none is counted busy for ever.
    await asyncio.gather(*(batcher.run(rows(TOGETHER, 0, 0, 0)) for _ in range(num_sessions)))
    await batcher.close()
    assert "never retrieved" not in caplog.text
