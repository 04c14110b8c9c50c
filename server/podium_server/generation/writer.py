"""The engine's thread: takes in what the event loop sends, lets the scheduler decide, runs, and hands over.

It sleeps when there is nothing to do. What it has to tell goes to the event loop by one call a hand-over: first tokens
and ends at once, the rest at a pace, because waking the loop costs more than a step.
"""

import time
from collections.abc import Callable, Hashable, Sequence
from queue import SimpleQueue
from typing import TypeAlias

from podium_server.errors import DeadlineExceeded
from podium_server.generation.beam_search import BeamSearch
from podium_server.generation.decode_group import DecodeGroup
from podium_server.generation.endings import Reason, as_failure
from podium_server.generation.feeding import FeedGroup, Feeding
from podium_server.generation.job import BeamJob, Finish
from podium_server.generation.outbox import HandOver, Held, Outbox
from podium_server.generation.prefill import Prefill
from podium_server.generation.scheduler import Scheduler
from podium_server.generation.slots import Slots
from podium_server.generation.step_graph import Rows, StepGraph
from podium_server.generation.ticket import News
from podium_server.generation.writing import Writing

Mail: TypeAlias = Callable[[], None]


class Writer:
    """Everything that only the engine's thread touches, but for `post`.

    Args:
        graph: what it runs.
        max_rows: rows that run at once.
        hand_over: takes what there is to tell; called on the thread.

    Attributes:
        feeds: the sequences that are fed; what is done with them is posted.
    """

    def __init__(self, graph: StepGraph, max_rows: int, hand_over: HandOver) -> None:
        plan = graph.plan
        self._graph = graph
        self._outbox = Outbox(hand_over)
        self._mail: SimpleQueue[Mail] = SimpleQueue()
        self._scheduler: Scheduler[Writing] = Scheduler(max_rows)
        self._slots = Slots(max_rows, plan.vocabulary_size, plan.end_ids, plan.suppressed_ids)
        self._prefill = Prefill(graph, self._slots, self._outbox)
        self._groups: dict[Hashable, DecodeGroup] = {}
        self.feeds = FeedGroup(graph, max_rows)
        self._open = True

    @property
    def num_running(self) -> int:
        """Sequences that have rows; for anybody to read."""
        return self._scheduler.num_running + self.feeds.num_running

    @property
    def num_waiting(self) -> int:
        """Sequences that wait for rows; for anybody to read."""
        return self._scheduler.num_waiting + self.feeds.num_waiting

    def post(self, mail: Mail) -> None:
        """Have the thread do something before its next step; called by anybody."""
        self._mail.put(mail)

    def serve(self) -> None:
        """Write until `end` is posted; the body of the thread."""
        mail, scheduler = self._mail, self._scheduler
        while self._open:
            try:
                if not (scheduler.busy or self.feeds.busy) and mail.empty():
                    self._outbox.send(time.monotonic())
                    mail.get()()
                while not mail.empty():
                    mail.get()()
                self._step()
            except BaseException as error:  # noqa: BLE001 - a fault of ours must leave nobody waiting
                failure = as_failure(error)
                for writing in scheduler.sequences():
                    self._end(writing, failure)
                self._end_feeds(News(error=failure, gone=True))
                self._groups.clear()
        self._outbox.send(time.monotonic())

    # What is posted.

    def admit(self, writings: Sequence[Writing]) -> None:
        """Let sequences wait for their rows."""
        for writing in writings:
            self._scheduler.add(writing)

    def drop(self, writing: Held) -> None:
        """Let go of a sequence that nobody wants."""
        if isinstance(writing, Feeding):
            if self.feeds.drop(writing):
                self._outbox.gone(writing)
        elif self._scheduler.drop(writing):
            self._let_go(writing)
            self._outbox.gone(writing)

    def cancel_all(self) -> None:
        """End every sequence as it stands."""
        for group in self._groups.values():
            group.flush()
        for writing in self._scheduler.sequences():
            self._end(writing, Finish.CANCELLED)
        self._end_feeds(News(finish=Finish.CANCELLED, gone=True))

    def end(self) -> None:
        """Stop serving."""
        self._open = False

    # A step.

    def _step(self) -> None:
        step = self._scheduler.next(time.monotonic())
        for writing in step.late:
            self._let_go(writing)
            self._outbox.end(writing, DeadlineExceeded("the deadline passed before all was written"), 0.0, 0.0)
        for writing in step.started:
            self._begin(writing)
        for run in step.prefill:
            self._read(run)
        if self._outbox.urgent:
            self._outbox.send_urgent()  # first tokens, before a run for everybody
        for writing in step.joining:
            self._join(writing, writing.next_row())
        for shapes, group in list(self._groups.items()):
            self._decode(group)
            if not len(group):
                del self._groups[shapes]
        if self.feeds.busy:
            self._feed()
        self._hand_over(time.monotonic())

    def _hand_over(self, now: float) -> None:
        """Tell what has gathered when it is time, and what must not wait at once."""
        if self._outbox.due(now, self._scheduler.num_running):
            for group in self._groups.values():
                group.flush()
                for writing in group.members:
                    self._outbox.tell(writing, group.last_at, group.run_s)
            self._outbox.send(now)
        elif self._outbox.urgent:
            self._outbox.send_urgent()

    def _begin(self, writing: Writing) -> None:
        writing.began = time.monotonic()
        job, plan = writing.job, self._graph.plan
        if isinstance(job, BeamJob):
            writing.search = BeamSearch(job.beams, job.max_tokens, plan.end_ids, self._slots.suppressed)
        else:
            writing.slot = self._slots.take(job, writing.num_given)
        self._outbox.tally.prompt_tokens += len(job.start.prompt)

    def _decode(self, group: DecodeGroup) -> None:
        progress = group.step()
        if group.last_rows:
            self._outbox.tally.ran(self._outbox.tally.steps, group.last_rows, group.last_run_s)
            self._outbox.tally.decode_tokens += group.last_rows
        for writing, reason in progress.ended.items():
            self._end(writing, reason)
        for writing in progress.begun:
            self._outbox.tell(writing, group.last_at, group.run_s)

    def _feed(self) -> None:
        """Run those that are fed, and tell each its output."""
        for feeding, news in self.feeds.step():
            self._outbox.tell_fed(feeding, news)
        if self.feeds.last_rows:
            self._outbox.tally.ran(self._outbox.tally.steps, self.feeds.last_rows, self.feeds.last_run_s)

    def _end_feeds(self, news: News) -> None:
        """End everybody who is fed."""
        for feeding in self.feeds.drop_all():
            self._outbox.tell_fed(feeding, news)

    def _read(self, run: list[Writing]) -> None:
        """Read a piece of each prompt; who has read all of it writes from now on."""
        for read in self._prefill.read(run):
            if read.reason is not None:
                self._end(read.writing, read.reason)
                continue
            self._scheduler.has_read(read.writing)
            if read.rows is not None:
                self._outbox.tell(read.writing, read.writing.first, 0.0)
                self._join(read.writing, read.rows)

    def _join(self, writing: Writing, rows: Rows) -> None:
        """Let a sequence write together with those of its shapes."""
        group = self._groups.get(writing.shapes)
        if group is None:
            group = self._groups[writing.shapes] = DecodeGroup(self._graph, self._slots)
        group.join(writing, rows)

    # An end.

    def _end(self, writing: Writing, reason: Reason) -> None:
        group = self._groups.get(writing.shapes)
        at, run_s = (group.last_at, group.run_s) if group is not None else (writing.first, 0.0)
        self._scheduler.drop(writing)
        self._let_go(writing)
        self._outbox.end(writing, reason, max(at, writing.first), run_s)

    def _let_go(self, writing: Writing) -> None:
        group = self._groups.get(writing.shapes)
        if group is not None:
            group.leave(writing)
        if writing.slot is not None:
            self._slots.give_back(writing.slot)
            writing.slot = None
