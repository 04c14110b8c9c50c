"""A batch queue between the event loop, which fills it, and session threads, which empty it."""

import threading
import time
from collections.abc import Sequence
from queue import SimpleQueue
from typing import Generic, TypeVar

from podium_server.batching.batch_queue import Batch, BatchQueue, Ticket

P = TypeVar("P")


class SharedQueue(Generic[P]):
    """A `BatchQueue` under one lock, which is held for microseconds, and a wake-up for idle threads.

    A thread is woken only when it is idle: one that is running takes the next batch itself when its run ends, so the
    event loop, busy with the wire, is not on the path between two runs.

    Args:
        queue: what decides.
        num_threads: threads that will call `next_batch`.
    """

    def __init__(self, queue: BatchQueue[P], num_threads: int) -> None:
        self._queue = queue
        self._num_threads = num_threads
        self._lock = threading.Lock()
        self._wake: SimpleQueue[bool] = SimpleQueue()
        self._idle = num_threads

    @property
    def waiting_rows(self) -> int:
        """Rows that wait for a session now."""
        return self._queue.waiting_rows

    @property
    def taken_rows(self) -> int:
        """Rows that wait, or are still being made and have their room."""
        return self._queue.taken_rows

    def add(self, tickets: Sequence[Ticket[P]]) -> None:
        """Put all parts of a request in the queue, or raise Overloaded and put none."""
        with self._lock:
            self._queue.admit(sum(ticket.rows for ticket in tickets))
            for ticket in tickets:
                self._queue.add(ticket)
            woken = min(self._idle, len(tickets))
            self._idle -= woken
        for _ in range(woken):
            self._wake.put(True)

    def reserve(self, rows: int) -> None:
        """Keep room for rows that are still being made, or raise Overloaded; `release` must follow."""
        with self._lock:
            self._queue.reserve(rows)

    def release(self, rows: int) -> None:
        """Give back what was reserved."""
        with self._lock:
            self._queue.release(rows)

    def drop(self, ticket: Ticket[P]) -> bool:
        """Take one request back out; False when its run has begun."""
        with self._lock:
            return self._queue.drop(ticket)

    def wait(self) -> bool:
        """Block a thread until there may be work; False when the queue is closed."""
        return self._wake.get()

    def next_batch(self) -> Batch[P]:
        """Take the next batch; one without tickets makes the calling thread idle: it must `wait` next."""
        now = time.monotonic()
        with self._lock:
            batch = self._queue.take(now)
            if not batch.tickets:
                self._idle += 1
        return batch

    def close(self) -> None:
        """End every thread that waits."""
        for _ in range(self._num_threads):
            self._wake.put(False)
