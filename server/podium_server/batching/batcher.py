"""Runs one stateless graph for everybody: a run starts as soon as a session is free, with what waits then.

Requests come from the event loop and wait in a `SharedQueue`. Each session has a thread that takes batches and runs
them; results go back to the loop once a run. There is no waiting window: a lone caller's request starts at once.
"""

import asyncio
import contextlib
import math
import threading
import time
from collections.abc import Generator, Hashable, Sequence
from typing import Protocol

import numpy as np

from podium_server.batching.batch_queue import DEFAULT_PRIORITY, LEAST_PRIORITY, BatchQueue, Ticket
from podium_server.batching.execution import Finished, Outcome, Rows, Run, Runnable, Waiting, run_batch
from podium_server.batching.shared_queue import SharedQueue
from podium_server.errors import UNLOADING, DeadlineExceeded, NotReady, Overloaded, QueuedTooLong
from podium_server.observing.request_id import current_request_id
from podium_server.signature import Signature

__all__ = ["BatchObserver", "Batcher", "Run"]


# How much of the time a row takes is that of the last run.
SMOOTHING = 0.1


class BatchObserver(Protocol):
    """Who is told what happened to requests; called in the event loop."""

    def ran(self, *, requests: int, rows: int, run_s: float) -> None:
        """One run ended."""
        ...

    def refused(self) -> None:
        """A request found the queue full."""
        ...

    def expired(self) -> None:
        """A request's deadline passed while it waited."""
        ...

    def cancelled(self) -> None:
        """A caller left before its answer."""
        ...


class Batcher:
    """One graph's queue and sessions; made and used in one event loop.

    Args:
        session: what runs the graph; its `run` is called from several threads at a time.
        signature: the graph's inputs and outputs.
        max_batch_rows: the most rows of one run, 1 or more. Requests with more are split.
        num_sessions: runs side by side, 1 or more.
        max_waiting_rows: rows that may wait before requests are refused.
        max_queue_s: seconds that a request may wait before it is refused; None for as long as its caller does.
        observer: who is told what happened.
    """

    def __init__(
        self,
        session: Runnable,
        signature: Signature,
        *,
        max_batch_rows: int,
        num_sessions: int,
        max_waiting_rows: int,
        observer: BatchObserver,
        max_queue_s: float | None = None,
    ) -> None:
        self.signature = signature
        self.max_batch_rows = max_batch_rows
        self._session = session
        self._observer = observer
        self._loop = asyncio.get_running_loop()
        self._queue: SharedQueue[Waiting] = SharedQueue(BatchQueue(max_batch_rows, max_waiting_rows), num_sessions)
        self._num_sessions = num_sessions
        self._max_queue_s = max_queue_s
        self._row_s = 0.0  # seconds a row of late, over all sessions: what a refused caller is told to wait
        self._open = True
        self._pending = 0
        self._drained = asyncio.Event()
        self._drained.set()
        # Requests differ in shape beside the batch only where an axis beside it is dynamic.
        self._ragged = any(not isinstance(n, int) for spec in signature.inputs for n in spec.shape[1:])
        self._threads = [
            threading.Thread(target=self._serve, name=f"session-{i}", daemon=True) for i in range(num_sessions)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting_rows(self) -> int:
        """Rows that wait for a session now."""
        return self._queue.waiting_rows

    async def run(self, inputs: Rows, *, deadline: float | None = None, priority: int = 0) -> Run:
        """Run the graph on one request's inputs, together with whatever else waits.

        Cancelling the caller's task takes the request out of the queue.

        Args:
            inputs: in the signature's order, of its element types, ranks and fixed lengths. A batched graph's have
                the same number of rows on axis 0; it may be 0.
            deadline: the monotonic second after which the request must not be run.
            priority: 1 (most urgent) to 9; 0 for the usual 5; more than 9 counts as 9.

        Raises:
            Overloaded: the queue is full, or the request has waited in it as long as it may.
            DeadlineExceeded: the deadline passed before a session was free.
            NotReady: the model is being unloaded.
            RunFailed: the execution provider refused these inputs.
        """
        if not self._open:
            raise NotReady(UNLOADING)
        rows = inputs[0].shape[0] if self.signature.batched else 1
        size = self.max_batch_rows
        if rows <= size:
            (run,) = await self._results(self._enqueue([(inputs, rows)], deadline, priority))
            return run
        parts = [tuple(x[start : start + size] for x in inputs) for start in range(0, rows, size)]
        tickets = self._enqueue([(part, part[0].shape[0]) for part in parts], deadline, priority)
        return _joined(await self._results(tickets))

    @contextlib.contextmanager
    def reserve(self, rows: int) -> Generator[None, None, None]:
        """Keep room in the queue while a request's rows are made, so that no work goes into what is refused then.

        The rows must be run right after the block, before anything else is awaited.

        Args:
            rows: how many there will be.

        Raises:
            Overloaded: the queue is full, with what is reserved.
        """
        try:
            self._queue.reserve(rows)
        except Overloaded as error:
            raise self._refuse(error) from None
        try:
            yield
        finally:
            self._queue.release(rows)

    async def close(self) -> None:
        """Take nothing new, finish what was accepted, end the threads."""
        self._open = False
        await self._drained.wait()
        self._queue.close()
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _enqueue(
        self, parts: Sequence[tuple[Rows, int]], deadline: float | None, priority: int
    ) -> list[Ticket[Waiting]]:
        """Admit all parts of a request, or none."""
        since, request_id = time.monotonic(), current_request_id.get()
        if self._max_queue_s is not None:
            deadline = min(since + self._max_queue_s, math.inf if deadline is None else deadline)
        level = min(priority, LEAST_PRIORITY) or DEFAULT_PRIORITY
        tickets = [
            # A request without rows takes room like any other, or the queue would have no bound.
            Ticket(
                Waiting(inputs, self._loop.create_future(), since, request_id),
                rows or 1,
                self._shapes(inputs),
                level,
                deadline,
            )
            for inputs, rows in parts
        ]
        try:
            self._queue.add(tickets)
        except Overloaded as error:
            raise self._refuse(error) from None
        self._pending += len(tickets)
        self._drained.clear()
        return tickets

    def _refuse(self, error: Overloaded) -> Overloaded:
        """Count a refusal, and say when those who wait now will have been served."""
        self._observer.refused()
        error.retry_after_s = self._queue.taken_rows * self._row_s
        return error

    def _shapes(self, inputs: Rows) -> Hashable:
        return tuple(x.shape[1:] for x in inputs) if self._ragged and self.signature.batched else None

    async def _results(self, tickets: list[Ticket[Waiting]]) -> list[Run]:
        """Wait for the answers to all parts of a request; what is not wanted any more leaves the queue."""
        deadline, timer = tickets[0].deadline, None
        if deadline is not None:
            # The timer, not the next batch, tells the caller: all sessions may be busy for long.
            timer = self._loop.call_later(max(0.0, deadline - time.monotonic()), self._expire, tickets)
        try:
            return [await ticket.payload.future for ticket in tickets]
        except asyncio.CancelledError:
            self._observer.cancelled()
            raise
        except DeadlineExceeded:
            if self._max_queue_s is not None and deadline == tickets[0].payload.since + self._max_queue_s:
                self._observer.refused()
                raise self._queued_too_long() from None
            self._observer.expired()
            raise
        finally:
            if timer is not None:
                timer.cancel()
            for ticket in tickets:
                self._abandon(ticket)
            self._pending -= len(tickets)
            if not self._pending:
                self._drained.set()

    def _queued_too_long(self) -> QueuedTooLong:
        waiting_rows = self._queue.waiting_rows
        return QueuedTooLong(
            f"the request has waited {self._max_queue_s:g} s for a session, as long as a request may, and was not run; "
            f"{waiting_rows} rows are waiting: send it again later",
            waiting_rows * self._row_s,
        )

    def _abandon(self, ticket: Ticket[Waiting]) -> None:
        """Take a request without an answer out of the queue; of an answered one, nothing."""
        future = ticket.payload.future
        if not future.done() or future.cancelled():
            self._queue.drop(ticket)
            future.cancel()
        else:
            future.exception()  # another part's error is what the caller sees

    def _expire(self, tickets: list[Ticket[Waiting]]) -> None:
        """Tell a caller that its deadline passed, as far as its runs have not begun."""
        self._deliver([_too_late(ticket) for ticket in tickets if self._queue.drop(ticket)])

    def _serve(self) -> None:
        """Run batches until the queue is closed; the body of a session's thread."""
        while self._queue.wait():
            while True:
                batch = self._queue.next_batch()
                if batch.expired:
                    late = [_too_late(ticket) for ticket in batch.expired]
                    self._loop.call_soon_threadsafe(self._deliver, late)
                if not batch.tickets:
                    break
                # Not kept in a variable, which would hold the answers until the next run.
                self._loop.call_soon_threadsafe(self._ran, run_batch(self._session, batch.tickets))

    def _ran(self, finished: Finished) -> None:
        rows = sum(ticket.rows for ticket, _ in finished.outcomes)
        row_s = finished.run_s / max(rows, 1) / self._num_sessions
        self._row_s += (SMOOTHING if self._row_s else 1.0) * (row_s - self._row_s)
        self._observer.ran(requests=len(finished.outcomes), rows=rows, run_s=finished.run_s)
        self._deliver(finished.outcomes)

    def _deliver(self, outcomes: list[Outcome]) -> None:
        """Hand out answers and errors; a caller may have left."""
        for ticket, outcome in outcomes:
            future = ticket.payload.future
            if future.done():
                continue
            if isinstance(outcome, Run):
                future.set_result(outcome)
            else:
                future.set_exception(outcome)


def _joined(runs: list[Run]) -> Run:
    """Join the answers to the parts of one request."""
    outputs = tuple(np.concatenate(column) for column in zip(*(run.outputs for run in runs), strict=True))
    return Run(outputs, runs[0].queue_s, sum(run.run_s for run in runs))


def _too_late(ticket: Ticket[Waiting]) -> Outcome:
    waited_s = time.monotonic() - ticket.payload.since
    return ticket, DeadlineExceeded(f"Request timeout expired: waited {waited_s:.3f} s for a session, was not run")
