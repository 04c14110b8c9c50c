"""Writes the sequences of everybody with one step graph: the engine's side in the event loop.

Sequences are admitted here, or refused; one thread (`writer.py`) runs them; what they come to is handed to their
tickets here.
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Sequence

from podium_server.errors import UNLOADING, DeadlineExceeded, NotReady, Overloaded, QueuedTooLong
from podium_server.generation.feed import Feed
from podium_server.generation.feeding import Feeding
from podium_server.generation.job import Fed, FeedJob, Finish, Job, Ongoing
from podium_server.generation.outbox import Held
from podium_server.generation.step_graph import StepGraph
from podium_server.generation.tally import GenerationObserver, Tally
from podium_server.generation.ticket import News, Ticket
from podium_server.generation.writer import Writer
from podium_server.generation.writing import Writing

# How much of the time that a row is held is that of the last sequence.
SMOOTHING = 0.1


class Generator:
    """One step graph's sequences; made and used in one event loop. Implements `Engine`.

    Args:
        graph: what runs them.
        max_rows: rows that run at once.
        max_waiting: rows that may wait for theirs.
        drain_s: seconds that accepted sequences get at the end.
        observer: who is told what happened.
        max_queue_s: seconds that a sequence may wait for its rows before it is refused; None for as long as its caller
            does. One that is fed waits for nothing.
    """

    def __init__(
        self,
        graph: StepGraph,
        *,
        max_rows: int,
        max_waiting: int,
        drain_s: float,
        observer: GenerationObserver,
        max_queue_s: float | None = None,
    ) -> None:
        self.max_rows = max_rows
        self.max_waiting = max_waiting
        self._plan = graph.plan
        self._drain_s = drain_s
        self._observer = observer
        self._max_queue_s = max_queue_s
        self._loop = asyncio.get_running_loop()
        self._alive: dict[Ticket, Held] = {}
        self._timers: dict[Ticket, list[asyncio.TimerHandle]] = {}
        self._num_rows = 0
        self._max_feeds = max_rows + max_waiting
        self._num_feeds = 0
        self._row_s = 0.0  # seconds that a row is held of late: what a refused caller is told to wait
        self._open = True
        self._drained = asyncio.Event()
        self._drained.set()
        self._writer = Writer(graph, max_rows, self._hand_over)
        self._thread = threading.Thread(target=self._writer.serve, name="generator", daemon=True)
        self._thread.start()

    @property
    def waiting_rows(self) -> int:
        """Rows that wait for theirs now."""
        return max(0, self._num_rows - self.max_rows)

    @property
    def num_alive(self) -> int:
        """Sequences that were admitted and have not left."""
        return len(self._alive)

    @property
    def num_running(self) -> int:
        """Sequences that have rows now."""
        return self._writer.num_running

    @property
    def num_open(self) -> int:
        """Sequences that are fed, whether they have anything to read or not."""
        return self._num_feeds

    @property
    def num_waiting(self) -> int:
        """Sequences that wait for rows now."""
        return self._writer.num_waiting

    def start_all(self, jobs: Sequence[Job]) -> list[Ongoing]:
        """Admit all sequences of a request, or none of them.

        Raises:
            Overloaded: as many as may wait already do.
            NotReady: the version is being unloaded.
            ValueError: a job has no prompt, lacks a first state or a context, or has a target that is no token.
        """
        self._check_open()
        writings = [Writing.of(job, Ticket(self._leave), self._plan) for job in jobs]
        self._admit(sum(writing.num_rows for writing in writings))
        for writing in writings:
            self._num_rows += writing.num_rows
            self._hold(writing)
            if self._max_queue_s is not None:
                self._call_at(writing.since + self._max_queue_s, writing.ticket, self._refuse_waiting)
        self._writer.post(lambda: self._writer.admit(writings))
        return [writing.ticket for writing in writings]

    def open(self, job: FeedJob) -> Fed:
        """Admit a sequence that is fed.

        Raises:
            Overloaded: as many as may be open already are.
            NotReady: the version is being unloaded.
        """
        self._check_open()
        if self._num_feeds >= self._max_feeds:
            self._observer.refused()
            raise Overloaded(
                f"Exceeds maximum queue size: {self._num_feeds} streams are open, as many as may be; try again later"
            )
        feeding = Feeding(Ticket(self._leave), job.deadline, self._plan.first_states({}))
        self._num_feeds += 1
        self._hold(feeding)
        self._writer.post(lambda: self._writer.feeds.open(feeding))
        return Feed(feeding, self._writer)

    async def close(self) -> None:
        """Take nothing new, let accepted sequences finish as long as the drain lasts, end the rest and the thread."""
        self._open = False
        # Nobody can say how long somebody who is fed would go on: what is there is read, and that is the end.
        self._writer.post(lambda: self._writer.feeds.finish_all(Finish.CANCELLED))
        try:
            await asyncio.wait_for(self._drained.wait(), self._drain_s)
        except TimeoutError:
            self.stop()
            await self._drained.wait()
        self._writer.post(self._writer.end)
        await asyncio.to_thread(self._thread.join)

    def stop(self) -> None:
        """Take nothing new, and end every sequence as it stands."""
        self._open = False
        self._writer.post(self._writer.cancel_all)

    def _check_open(self) -> None:
        if not self._open:
            raise NotReady(UNLOADING)

    def _hold(self, held: Held) -> None:
        """Keep a sequence until the thread has let go of it, and watch its deadline."""
        self._alive[held.ticket] = held
        if held.deadline is not None:
            self._call_at(held.deadline, held.ticket, self._expire)
        self._drained.clear()

    def _call_at(self, when: float, ticket: Ticket, told: Callable[[Ticket], None]) -> None:
        """Have something told of a sequence at a monotonic second, unless it is gone by then."""
        timer = self._loop.call_later(max(0.0, when - time.monotonic()), told, ticket)
        self._timers.setdefault(ticket, []).append(timer)

    def _admit(self, rows: int) -> None:
        """Raise Overloaded unless so many rows may be added now; whoever finds nobody waiting may add any number."""
        if self._num_rows <= self.max_rows or self._num_rows + rows <= self.max_rows + self.max_waiting:
            return
        self._observer.refused()
        raise Overloaded(
            f"Exceeds maximum queue size: {self.waiting_rows} sequences are waiting of at most {self.max_waiting}, and "
            f"this request has {rows}; send it again later",
            retry_after_s=self._retry_after_s(),
        )

    def _retry_after_s(self) -> float:
        """When those who wait now will have had their rows."""
        now = time.monotonic()
        # Before any sequence has ended, the pace is what the oldest has taken so far.
        row_s = self._row_s or now - min((w.since for w in self._alive.values() if isinstance(w, Writing)), default=now)
        return (self.waiting_rows / self.max_rows + 1) * row_s

    def _leave(self, ticket: Ticket) -> None:
        """Stop a sequence whose caller has left."""
        self._observer.cancelled()
        self._drop(ticket)

    def _expire(self, ticket: Ticket) -> None:
        """Tell a caller that its deadline passed: the timer does, not the next step, which may be long."""
        if not ticket.ended:
            self._observer.expired()
            ticket.receive(News(error=DeadlineExceeded("the deadline passed before all was written")))
            self._drop(ticket)

    def _refuse_waiting(self, ticket: Ticket) -> None:
        """Refuse a sequence that has waited as long as one may; one that has begun goes on."""
        if ticket.ended or self._alive[ticket].began:
            return
        self._observer.refused()
        message = (
            f"the sequence has waited {self._max_queue_s:g} s for its rows, as long as a request may, and was not run; "
            f"{self.waiting_rows} sequences are waiting: send it again later"
        )
        ticket.receive(News(error=QueuedTooLong(message, self._retry_after_s())))
        self._drop(ticket)

    def _drop(self, ticket: Ticket) -> None:
        writing = self._alive.get(ticket)
        if writing is not None:
            self._writer.post(lambda: self._writer.drop(writing))

    def _hand_over(self, news: list[tuple[Held, News]], tally: Tally | None) -> None:
        """Bring news from the thread into the event loop."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: there is nobody to tell
            self._loop.call_soon_threadsafe(self._deliver, news, tally)

    def _deliver(self, news: list[tuple[Held, News]], tally: Tally | None) -> None:
        """Hand out news; a caller may have left."""
        for writing, each in news:
            ticket = writing.ticket
            if isinstance(each.error, DeadlineExceeded) and not ticket.ended:
                self._observer.expired()
            ticket.receive(each)
            if each.gone:
                self._forget(writing)
        if tally is not None:
            self._observer.stepped(tally)
        if not self._alive:
            self._drained.set()

    def _forget(self, writing: Held) -> None:
        del self._alive[writing.ticket]
        self._num_rows -= writing.num_rows
        self._num_feeds -= isinstance(writing, Feeding)
        for timer in self._timers.pop(writing.ticket, ()):
            timer.cancel()
        if writing.began and writing.num_rows:
            held_s = time.monotonic() - writing.began
            self._row_s += (SMOOTHING if self._row_s else 1.0) * (held_s - self._row_s)
