"""Batchers that are closed when the test ends, whatever happened in it."""

import threading
from collections.abc import AsyncIterator, Callable

import pytest
from podium_server.batching.batcher import Batcher
from podium_server.batching.execution import Runnable
from podium_server.signature import Signature

from tests.server.fakes import Counts, HeldDoubler, signature

MakeBatcher = Callable[..., Batcher]


@pytest.fixture
def held() -> HeldDoubler:
    """y = 2x, each run held until let go."""
    return HeldDoubler()


@pytest.fixture
def counts() -> Counts:
    """What the batcher tells its observer."""
    return Counts()


@pytest.fixture
async def make_batcher(counts: Counts) -> AsyncIterator[MakeBatcher]:
    """Make batchers; at the end they are closed, and their threads must be gone."""
    before = set(threading.enumerate())
    made: list[tuple[Batcher, Runnable]] = []

    def make(
        session: Runnable,
        of: Signature | None = None,
        *,
        max_batch_rows: int = 4,
        num_sessions: int = 1,
        max_waiting_rows: int = 1000,
    ) -> Batcher:
        batcher = Batcher(
            session,
            of or signature(1),
            max_batch_rows=max_batch_rows,
            num_sessions=num_sessions,
            max_waiting_rows=max_waiting_rows,
            observer=counts,
        )
        made.append((batcher, session))
        return batcher

    yield make
    for batcher, session in made:
        if isinstance(session, HeldDoubler):
            session.open()
        await batcher.close()
        assert batcher.waiting_rows == 0
    left = {t for t in set(threading.enumerate()) - before if t.name.startswith("session-")}
    assert not left, "session threads outlived their batcher"
