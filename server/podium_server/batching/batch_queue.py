"""Which waiting requests share the next run: a decision without threads, clocks or futures.

A lane holds the requests that may share a run and are equally urgent. The next run serves the lane whose first
request is the most urgent and, among equals, came first; room left in it goes to less urgent lanes of the same
shapes. Within a lane requests keep their order, and none is passed over for a smaller one.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from itertools import count
from typing import Generic, TypeVar

from podium_server.errors import Overloaded

P = TypeVar("P")

DEFAULT_PRIORITY = 5
LEAST_PRIORITY = 9


@dataclass(eq=False, slots=True)
class Ticket(Generic[P]):
    """One waiting request, or the part of one that fits a run.

    Attributes:
        payload: what the runner needs; the queue never looks at it.
        rows: its length along the batch axis, 1 or more.
        shapes: requests share a run only where these are equal.
        priority: 1 (most urgent) to 9.
        deadline: the monotonic second after which it must not be run; None for never.
    """

    payload: P
    rows: int
    shapes: Hashable = None
    priority: int = DEFAULT_PRIORITY
    deadline: float | None = None
    arrival: int = field(default=0, init=False)


@dataclass(frozen=True, slots=True)
class Batch(Generic[P]):
    """What one run takes, and what came too late for it."""

    tickets: list[Ticket[P]]
    expired: list[Ticket[P]]


class BatchQueue(Generic[P]):
    """Waiting requests, bounded by their rows.

    Args:
        max_batch_rows: the most rows of one run, 1 or more.
        max_waiting_rows: the most rows that may wait. An empty queue takes a larger request too, so that every
            request can be served at some time.

    Attributes:
        waiting_rows: rows that wait now.
        reserved_rows: rows that are still being made, and have their room already.
    """

    def __init__(self, max_batch_rows: int, max_waiting_rows: int) -> None:
        self.max_batch_rows = max_batch_rows
        self.max_waiting_rows = max_waiting_rows
        self.waiting_rows = 0
        self.reserved_rows = 0
        self._lanes: dict[tuple[int, Hashable], OrderedDict[Ticket[P], None]] = {}
        self._arrivals = count()

    @property
    def taken_rows(self) -> int:
        """Rows that have their room."""
        return self.waiting_rows + self.reserved_rows

    def admit(self, rows: int) -> None:
        """Raise Overloaded unless a request of `rows` rows may be added now."""
        taken = self.taken_rows
        if taken and taken + rows > self.max_waiting_rows:
            raise Overloaded(
                f"Exceeds maximum queue size: {taken} rows are waiting of at most {self.max_waiting_rows}, and this "
                f"request has {rows}; send it again later"
            )

    def reserve(self, rows: int) -> None:
        """Keep room for rows that are still being made, or raise Overloaded as `admit` does; `release` must follow."""
        self.admit(rows)
        self.reserved_rows += rows

    def release(self, rows: int) -> None:
        """Give back what was reserved: the rows are made, and come now, or not at all."""
        self.reserved_rows -= rows

    def add(self, ticket: Ticket[P]) -> None:
        """Put an admitted request at the end of its lane."""
        ticket.arrival = next(self._arrivals)
        lane = self._lanes.get((ticket.priority, ticket.shapes))
        if lane is None:
            lane = self._lanes[ticket.priority, ticket.shapes] = OrderedDict()
        lane[ticket] = None
        self.waiting_rows += ticket.rows

    def drop(self, ticket: Ticket[P]) -> bool:
        """Forget a request whose caller has left; False when it is not waiting any more."""
        key = (ticket.priority, ticket.shapes)
        lane = self._lanes.get(key)
        if lane is None or ticket not in lane:
            return False
        self._remove(key, lane, ticket)
        return True

    def take(self, now: float) -> Batch[P]:
        """Remove and return what the next run serves; no tickets when nothing waits."""
        batch: Batch[P] = Batch([], [])
        room = self.max_batch_rows
        while self._lanes and room > 0:
            key = self._next_lane(batch.tickets)
            if key is None:
                break
            room, full = self._take_from(key, room, now, batch)
            if full:
                break
        return batch

    def _next_lane(self, taken: list[Ticket[P]]) -> tuple[int, Hashable] | None:
        """Choose the most urgent, oldest lane; one of the same shapes once the batch has begun."""
        if len(self._lanes) == 1 and not taken:
            return next(iter(self._lanes))
        candidates = (key for key in self._lanes if not taken or key[1] == taken[0].shapes)
        return min(candidates, key=lambda key: (key[0], next(iter(self._lanes[key])).arrival), default=None)

    def _take_from(self, key: tuple[int, Hashable], room: int, now: float, batch: Batch[P]) -> tuple[int, bool]:
        """Move requests of one lane into the batch; the room left, and whether the next one did not fit."""
        lane = self._lanes[key]
        while lane:
            ticket = next(iter(lane))
            late = ticket.deadline is not None and ticket.deadline <= now
            if not late and ticket.rows > room:
                return room, True
            self._remove(key, lane, ticket)
            if late:
                batch.expired.append(ticket)
                if not batch.tickets:
                    return room, False  # it may have been all that put this lane before the others
                continue
            batch.tickets.append(ticket)
            room -= ticket.rows
        return room, False

    def _remove(self, key: tuple[int, Hashable], lane: OrderedDict[Ticket[P], None], ticket: Ticket[P]) -> None:
        del lane[ticket]
        self.waiting_rows -= ticket.rows
        if not lane:
            del self._lanes[key]
