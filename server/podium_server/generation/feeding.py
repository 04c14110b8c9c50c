"""Sequences that are fed: frames come when they come, each is one step of one row, and its output is told at once.

Whoever has a frame takes part in the next run, those that have waited longest first, so that a clip of a thousand
frames and a stream of one now and then share runs and hold up neither. Whoever has none holds its states and nothing
else.
"""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium_server.generation.endings import as_failure
from podium_server.generation.job import Clocked, Finish
from podium_server.generation.rows import Arrays
from podium_server.generation.step_graph import Outputs, Rows, StepGraph
from podium_server.generation.ticket import News, Ticket


@dataclass(slots=True, eq=False)
class Feeding:
    """One sequence, as the engine's thread holds it.

    Attributes:
        ticket: the caller's side of it.
        deadline: the monotonic second after which nobody waits for it; None: never.
        states: after the frames that it has read, one row.
        frames: that it has not read, (1, 1, ...) each.
        finish: how it ends when it has read them; None: more may come.
        since, began, first, last: monotonic seconds of its first frame's arrival, of its first run, of its first and
            its last output; 0: not yet.
        run_s: seconds of the runs that it took part in.
        num_rows: that it holds while nothing runs.
    """

    ticket: Ticket
    deadline: float | None
    states: Arrays
    frames: deque[NDArray[Any]] = field(default_factory=deque[NDArray[Any]])
    finish: Finish | None = None
    since: float = 0.0
    began: float = 0.0
    first: float = 0.0
    last: float = 0.0
    run_s: float = 0.0
    num_rows: int = 0

    @property
    def clocked(self) -> Clocked:
        """Where its time went so far, the first frame's wait as the queue."""
        began, first = self.began or self.since, self.first or self.last
        return Clocked(began - self.since, max(0.0, first - began), max(0.0, self.last - first), self.run_s)


class FeedGroup:
    """Everybody who is fed; only the engine's thread touches it, but for the counts.

    Args:
        graph: what runs them.
        max_rows: rows that run at once.
    """

    def __init__(self, graph: StepGraph, max_rows: int) -> None:
        self._graph = graph
        self._max_rows = max_rows
        self._all: dict[Feeding, None] = {}
        self._ready: dict[Feeding, None] = {}  # those with frames, the one that has waited longest first
        self._ended: list[Feeding] = []
        self.last_rows = 0
        self.last_run_s = 0.0

    @property
    def busy(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._ready or self._ended)

    @property
    def num_running(self) -> int:
        """Sequences of the next run; for anybody to read."""
        return min(len(self._ready), self._max_rows)

    @property
    def num_waiting(self) -> int:
        """Sequences with frames beyond those; for anybody to read."""
        return max(0, len(self._ready) - self._max_rows)

    def open(self, feeding: Feeding) -> None:
        """Take a sequence in."""
        self._all[feeding] = None

    def feed(self, feeding: Feeding, frames: NDArray[Any]) -> None:
        """Give a sequence frames, (T, ...); nothing, when it has ended or ends."""
        if feeding not in self._all or feeding.finish is not None or not len(frames):
            return
        feeding.since = feeding.since or time.monotonic()
        feeding.frames.extend(frames[place][None, None] for place in range(len(frames)))
        self._ready[feeding] = None

    def finish(self, feeding: Feeding, finish: Finish) -> None:
        """Take no more frames for a sequence."""
        if feeding in self._all and feeding.finish is None:
            feeding.finish = finish
            if not feeding.frames:
                self._ended.append(feeding)

    def finish_all(self, finish: Finish) -> None:
        """Take no more frames for anybody."""
        for feeding in list(self._all):
            self.finish(feeding, finish)

    def drop(self, feeding: Feeding) -> bool:
        """Forget a sequence; False when it is not here."""
        if feeding not in self._all:
            return False
        del self._all[feeding]
        self._ready.pop(feeding, None)
        if feeding in self._ended:
            self._ended.remove(feeding)
        return True

    def drop_all(self) -> list[Feeding]:
        """Forget everybody; who they were."""
        everybody = list(self._all)
        self._all, self._ready, self._ended = {}, {}, []
        return everybody

    def step(self) -> list[tuple[Feeding, News]]:
        """Run once for those with frames; what there is to tell."""
        run, ended = list(islice(self._ready, self._max_rows)), self._ended
        self._ended, self.last_rows = [], len(run)
        news = [(feeding, self._end(feeding, [])) for feeding in ended]
        if not run:
            return news
        began = time.monotonic()
        results = self._run(run)
        now = time.monotonic()
        self.last_run_s = now - began
        for feeding, result in zip(run, results, strict=True):
            feeding.began = feeding.began or began
            feeding.first, feeding.last = feeding.first or now, now
            feeding.run_s += self.last_run_s
            news.append((feeding, self._take(feeding, result)))
        return news

    def _run(self, run: list[Feeding]) -> Sequence[Outputs | BaseException]:
        """Run the next frame of each; when that fails, each alone, so that only those at fault see an error."""
        rows = self._graph.concatenate([Rows(feeding.frames[0], feeding.states, ()) for feeding in run])
        try:
            return self._graph.split(self._graph.run(rows))
        except BaseException as error:  # noqa: BLE001 - whatever the provider raises, the thread must live on
            return [error] if len(run) == 1 else self._graph.run_apart(rows)

    def _take(self, feeding: Feeding, result: Outputs | BaseException) -> News:
        """Note what a run gave, and let the sequence wait for its next turn."""
        del self._ready[feeding]
        if isinstance(result, BaseException):
            del self._all[feeding]
            return News(error=as_failure(result), gone=True)
        feeding.frames.popleft()
        feeding.states = result.states
        output = [np.array(result.logits[0])]
        if feeding.frames:
            self._ready[feeding] = None
        elif feeding.finish is not None:
            return self._end(feeding, output)
        return News(clocked=feeding.clocked, outputs=output)

    def _end(self, feeding: Feeding, output: list[NDArray[Any]]) -> News:
        del self._all[feeding]
        return News(finish=feeding.finish, clocked=feeding.clocked, gone=True, outputs=output)
