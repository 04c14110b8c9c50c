"""Who runs in the next step: a decision without threads, clocks or arrays.

A sequence waits, then its prompt is read in pieces, then it writes one token a step. First come, first served: rows go
to the one that has waited longest, and none is passed over for a smaller one. Pieces depend on the prompt's length
alone, so that how a prompt is split can never change an answer: 32 tokens, then 16 and 8. Pieces of one length share a
run; the tail that is left goes along with those who write, a token a step. A step reads no more than a bounded number
of tokens beside them, so that a long prompt does not stall anybody.
"""

import math
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

PIECES = (32, 16, 8)
"""Tokens that one run reads of a prompt: powers of two, the largest first. Fewer are not worth a run of their own."""
MAX_TAIL = PIECES[-1] - 1
MAX_PREFILL_TOKENS = 8 * PIECES[0]
"""Tokens of prompts that are read between two decode runs, at most."""


def pieces(length: int) -> list[int]:
    """Split a prompt but for its tail into pieces, the first one last."""
    longest, *shorter = PIECES
    return [piece for piece in reversed(shorter) if length & piece] + [longest] * (length // longest)


def tail(length: int) -> int:
    """Tell how many tokens at a prompt's end go along with those who write."""
    return length % PIECES[-1]


class Schedulable(Protocol):
    """What the scheduler knows of a sequence.

    Attributes:
        num_rows: rows that it takes while it runs.
        pieces: lengths of the pieces of its prompt that are not read yet, the next one last; its tail is none of them.
        shapes: sequences share a run only where these are equal.
        deadline: the monotonic second after which it must not run; None for never.
    """

    num_rows: int
    pieces: list[int]
    shapes: Hashable
    deadline: float | None


S = TypeVar("S", bound=Schedulable)


@dataclass(frozen=True, slots=True)
class Step(Generic[S]):
    """What the next step does.

    Attributes:
        late: sequences whose deadline passed; they are out.
        started: sequences that got their rows.
        prefill: runs that read prompts; the sequences of each have a next piece of one length, and equal shapes.
        joining: sequences without a piece: they write from now on, beginning with their prompt's tail.
    """

    late: list[S] = field(default_factory=list[S])
    started: list[S] = field(default_factory=list[S])
    prefill: list[list[S]] = field(default_factory=list[list[S]])
    joining: list[S] = field(default_factory=list[S])


class Scheduler(Generic[S]):
    """Every sequence that has not ended.

    Args:
        max_rows: rows that run at once. A sequence that needs more runs alone.
        max_prefill_tokens: tokens of prompts that a step reads at most, the longest piece or more.
    """

    def __init__(self, max_rows: int, max_prefill_tokens: int = MAX_PREFILL_TOKENS) -> None:
        self._max_rows = max_rows
        self._max_prefill_tokens = max_prefill_tokens
        # Dictionaries, for their order and because anybody may leave at any time.
        self._waiting: dict[S, None] = {}
        self._prefilling: dict[S, None] = {}
        self._decoding: dict[S, None] = {}
        self._soonest = math.inf  # no deadline passes before
        self._nothing: Step[S] = Step()
        self.num_rows = 0

    @property
    def num_waiting(self) -> int:
        """Sequences without rows."""
        return len(self._waiting)

    @property
    def num_running(self) -> int:
        """Sequences that have rows."""
        return len(self._prefilling) + len(self._decoding)

    @property
    def busy(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._decoding or self._prefilling or self._waiting)

    def sequences(self) -> list[S]:
        """All of them."""
        return [*self._decoding, *self._prefilling, *self._waiting]

    def add(self, sequence: S) -> None:
        """Let a sequence wait."""
        self._waiting[sequence] = None
        if sequence.deadline is not None:
            self._soonest = min(self._soonest, sequence.deadline)

    def drop(self, sequence: S) -> bool:
        """Forget a sequence that ended, failed or is not wanted any more; False when it is not here."""
        if sequence in self._waiting:
            del self._waiting[sequence]
            return True
        running = self._decoding if sequence in self._decoding else self._prefilling
        if sequence not in running:
            return False
        del running[sequence]
        self.num_rows -= sequence.num_rows
        return True

    def has_read(self, sequence: S) -> None:
        """Note that the next piece of a prompt was read; without another one the sequence writes."""
        sequence.pieces.pop()
        if not sequence.pieces and sequence in self._prefilling:
            self._write(sequence)

    def next(self, now: float) -> Step[S]:
        """Decide what the next step does beside writing."""
        late = self._expire(now) if now >= self._soonest else []
        started = self._start() if self._waiting else []
        if not self._prefilling:
            return Step(late, started) if late or started else self._nothing
        joining = [sequence for sequence in self._prefilling if not sequence.pieces]
        for sequence in joining:
            self._write(sequence)
        return Step(late, started, self._prefill(), joining)

    def _write(self, sequence: S) -> None:
        del self._prefilling[sequence]
        self._decoding[sequence] = None

    def _expire(self, now: float) -> list[S]:
        late: list[S] = []
        self._soonest = math.inf
        for sequence in self.sequences():
            deadline = math.inf if sequence.deadline is None else sequence.deadline
            if deadline <= now:
                self.drop(sequence)
                late.append(sequence)
            self._soonest = min(self._soonest, deadline if deadline > now else math.inf)
        return late

    def _start(self) -> list[S]:
        """Give rows to those who have waited longest."""
        started: list[S] = []
        for sequence in self._waiting:
            if self.num_rows and self.num_rows + sequence.num_rows > self._max_rows:
                break
            self.num_rows += sequence.num_rows
            started.append(sequence)
        for sequence in started:
            del self._waiting[sequence]
            self._prefilling[sequence] = None
        return started

    def _prefill(self) -> list[list[S]]:
        """Choose what is read: with the oldest sequence those that can share its run, then the next oldest."""
        lanes: dict[tuple[int, Hashable], list[S]] = {}
        for sequence in self._prefilling:
            lanes.setdefault((sequence.pieces[-1], sequence.shapes), []).append(sequence)
        runs: list[list[S]] = []
        room = self._max_prefill_tokens
        for (length, _), lane in lanes.items():
            if length > room:
                break
            run = lane[: room // length]
            room -= length * len(run)
            runs.append(run)
        return runs
