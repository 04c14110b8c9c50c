"""What may share a run, in which order, and how much may wait: properties over any sequence of calls."""

from collections.abc import Hashable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from podium_server.batching.batch_queue import Batch, BatchQueue, Ticket
from podium_server.errors import Overloaded

MAX_BATCH, MAX_WAITING = 4, 12


@dataclass(frozen=True)
class Add:
    rows: int
    shapes: str
    priority: int
    deadline: float | None


@dataclass(frozen=True)
class Drop:
    which: int


@dataclass(frozen=True)
class Take:
    now: float


Operation = Add | Drop | Take

TIMES = st.integers(0, 9).map(float)
ADDS = st.builds(
    Add, st.integers(1, MAX_BATCH), st.sampled_from("ab"), st.integers(1, 3), st.none() | st.none() | TIMES
)
OPERATIONS = st.lists(
    st.one_of(ADDS, ADDS, ADDS, st.builds(Drop, st.integers(0, 30)), st.builds(Take, TIMES)), max_size=60
)


class Model:
    """The plainest queue that keeps the promises; the real one must do as it does."""

    def __init__(self) -> None:
        self.waiting: list[Ticket[int]] = []

    @property
    def rows(self) -> int:
        return sum(ticket.rows for ticket in self.waiting)

    def take(self, now: float) -> tuple[list[Ticket[int]], set[int]]:
        """The batch, and everything that is late."""
        late = {t.payload for t in self.waiting if t.deadline is not None and t.deadline <= now}
        live = sorted((t for t in self.waiting if t.payload not in late), key=lambda t: (t.priority, t.payload))
        batch: list[Ticket[int]] = []
        room = MAX_BATCH
        for ticket in live:
            if ticket.shapes != live[0].shapes:
                continue
            if ticket.rows > room:
                break
            batch.append(ticket)
            room -= ticket.rows
        return batch, late


def payloads(tickets: list[Ticket[int]]) -> list[int]:
    return [ticket.payload for ticket in tickets]


@given(OPERATIONS)
@settings(max_examples=300)
def test_any_sequence_of_calls_keeps_the_promises(operations: list[Operation]) -> None:
    """Batches are those of the plain model: urgent first, then in order, of one shape, within the rows; no one late,
    dropped or twice; the rows that wait are counted exactly."""
    queue: BatchQueue[int] = BatchQueue(MAX_BATCH, MAX_WAITING)
    model, every = Model(), list[Ticket[int]]()
    for operation in operations:
        match operation:
            case Add(rows, shapes, priority, deadline):
                full = model.rows > 0 and model.rows + rows > MAX_WAITING
                try:
                    queue.admit(rows)
                except Overloaded:
                    assert full
                    continue
                assert not full
                ticket = Ticket(len(every), rows, shapes, priority, deadline)
                every.append(ticket)
                model.waiting.append(ticket)
                queue.add(ticket)
            case Drop(which) if which < len(every):
                ticket = every[which]
                assert queue.drop(ticket) == (ticket in model.waiting)
                model.waiting = [t for t in model.waiting if t is not ticket]
            case Take(now):
                batch = queue.take(now)
                expected, late = model.take(now)
                assert payloads(batch.tickets) == payloads(expected)
                assert set(payloads(batch.expired)) <= late
                assert expected or not model.waiting or set(payloads(batch.expired)) == late
                gone = {*payloads(batch.tickets), *payloads(batch.expired)}
                model.waiting = [t for t in model.waiting if t.payload not in gone]
            case Drop():
                pass
        assert queue.waiting_rows == model.rows


def test_room_is_filled_by_less_urgent_requests_of_the_same_shapes() -> None:
    """A run takes as many as it may, and those of other shapes wait."""
    queue: BatchQueue[str] = BatchQueue(3, 100)
    for name, shapes, priority in [("late", "a", 9), ("other", "b", 5), ("usual", "a", 5), ("urgent", "a", 1)]:
        queue.add(Ticket(name, 1, shapes, priority))
    assert names(queue.take(0)) == ["urgent", "usual", "late"]
    assert names(queue.take(0)) == ["other"]


def test_first_that_does_not_fit_is_not_passed_over() -> None:
    """A big request is not starved by small ones behind it."""
    queue: BatchQueue[str] = BatchQueue(4, 100)
    for name, rows in [("two", 2), ("big", 4), ("small", 1)]:
        queue.add(Ticket(name, rows))
    assert [names(queue.take(0)) for _ in range(3)] == [["two"], ["big"], ["small"]]


def test_empty_queue_takes_more_than_may_wait() -> None:
    """Otherwise a request of more rows than the bound could never be served."""
    queue: BatchQueue[str] = BatchQueue(4, 3)
    queue.admit(1000)
    for _ in range(250):
        queue.add(Ticket("part", 4))
    with pytest.raises(Overloaded, match=r"1000 rows are waiting of at most 3, and this request has 1"):
        queue.admit(1)


def test_reserved_rows_have_their_room_until_it_is_given_back() -> None:
    """They count as those that wait do, and nobody takes them."""
    queue: BatchQueue[str] = BatchQueue(4, 3)
    queue.reserve(2)
    queue.admit(1)
    with pytest.raises(Overloaded, match="2 rows are waiting of at most 3, and this request has 2"):
        queue.reserve(2)
    assert queue.take(0) == Batch([], [])
    queue.release(2)
    queue.admit(1000)


def test_deadline_that_is_now_has_passed() -> None:
    """A request is run strictly before its deadline, or reported as expired."""
    queue: BatchQueue[str] = BatchQueue(4, 100)
    queue.add(Ticket("at", 1, deadline=5.0))
    queue.add(Ticket("after", 1, deadline=5.5))
    batch = queue.take(5.0)
    assert (names(batch), [t.payload for t in batch.expired]) == (["after"], ["at"])


def test_late_request_does_not_hold_its_lanes_place() -> None:
    """Who comes behind one that is too late queues from its own arrival on."""
    queue: BatchQueue[str] = BatchQueue(4, 100)
    for name, shapes, deadline in [("late", "a", 1.0), ("first", "b", None), ("second", "a", None)]:
        queue.add(Ticket(name, 1, shapes, deadline=deadline))
    assert [names(queue.take(2.0)) for _ in range(2)] == [["first"], ["second"]]


def test_nothing_waiting_is_nothing_taken() -> None:
    """An empty queue gives an empty batch."""
    assert BatchQueue[str](4, 4).take(0) == Batch([], [])


def test_lanes_do_not_pile_up() -> None:
    """Shapes that came once are forgotten with their last request: memory does not grow with their variety."""
    queue: BatchQueue[int] = BatchQueue(4, 100)
    for i in range(1000):
        shapes: Hashable = (i,)
        ticket = Ticket(i, 1, shapes)
        queue.add(ticket)
        if i % 2:
            queue.drop(ticket)
        else:
            queue.take(0)
    assert queue._lanes == {}  # pyright: ignore[reportPrivateUsage]


def names(batch: Batch[str]) -> list[str]:
    return [ticket.payload for ticket in batch.tickets]
