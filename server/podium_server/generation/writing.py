"""A sequence under way, as the engine's thread holds it."""

import time
from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from podium_server.generation.beam_search import BeamSearch
from podium_server.generation.job import BeamJob, Clocked, Job, SampleJob, ScoreJob, Watch
from podium_server.generation.rows import Arrays
from podium_server.generation.scheduler import pieces, tail
from podium_server.generation.step_graph import Rows
from podium_server.generation.step_plan import StepPlan
from podium_server.generation.ticket import Ticket


@dataclass(slots=True, eq=False)
class Writing:
    """One sequence.

    Attributes:
        job: what was asked for.
        ticket: the caller's side of it.
        num_rows, pieces, shapes, deadline: what the scheduler knows of it.
        states: after what was read of the prompt, one row; not kept up while it decodes.
        contexts: one row.
        num_read: tokens of the prompt that were read in pieces.
        num_given: tokens of the prompt's tail that are still to be given, where others choose: all but its first.
        slot: what it chooses with; None for a beam search, and before it has rows.
        search: of a `BeamJob`.
        token_ids, log_probabilities: chosen, and not handed over yet.
        since, began, first, last: monotonic seconds of its arrival, its first run, its first and its last token.
        handed: monotonic second of the token that was handed over last.
        run_s: seconds of the runs that it took part in until it joined a decode run.
        joined_run_s: seconds that its decode run had taken until then; None before.
    """

    job: Job
    ticket: Ticket
    num_rows: int
    pieces: list[int]
    shapes: Hashable
    deadline: float | None
    states: Arrays
    contexts: Arrays
    since: float
    num_read: int = 0
    num_given: int = 0
    slot: int | None = None
    search: BeamSearch | None = None
    token_ids: list[int] = field(default_factory=list[int])
    log_probabilities: list[float] = field(default_factory=list[float])
    began: float = 0.0
    first: float = 0.0
    last: float = 0.0
    handed: float = 0.0
    run_s: float = 0.0
    joined_run_s: float | None = None

    @classmethod
    def of(cls, job: Job, ticket: Ticket, plan: StepPlan) -> "Writing":
        """Prepare a sequence.

        Raises:
            ValueError: its prompt is empty, a first state or context is missing, or a target is no token.
        """
        if not len(job.start.prompt):
            raise ValueError("a sequence needs a prompt of one token or more")
        if isinstance(job, ScoreJob):
            _check_targets(job.targets, plan.vocabulary_size)
        states, contexts = plan.first_states(job.start.rows), plan.contexts_of(job.start.rows)
        return cls(
            job=job,
            ticket=ticket,
            num_rows=job.beams.num_beams if isinstance(job, BeamJob) else 1,
            pieces=pieces(len(job.start.prompt)),
            shapes=tuple(x.shape for x in (*states, *contexts)) if job.start.rows else None,
            deadline=job.deadline,
            states=states,
            contexts=contexts,
            since=time.monotonic(),
            num_given=max(0, tail(len(job.start.prompt)) - 1),
        )

    def next_row(self) -> Rows:
        """What the next token of its prompt is read with."""
        return Rows(self.job.start.prompt[None, self.num_read : self.num_read + 1], self.states, self.contexts)

    def next_given(self) -> NDArray[np.int64]:
        """Give the next token of its prompt's tail, (1, 1)."""
        prompt, left = self.job.start.prompt, self.num_given
        self.num_given -= 1
        return prompt[None, len(prompt) - left, None]

    @property
    def watch(self) -> Watch | None:
        """What may end it."""
        return self.job.watch if isinstance(self.job, SampleJob) else None

    def clocked(self, decode_run_s: float) -> Clocked:
        """Where its time went so far.

        Args:
            decode_run_s: seconds that its decode run has taken in all.
        """
        began, first = self.began or self.since, self.first or self.last
        return Clocked(
            queue_s=began - self.since,
            prefill_s=max(0.0, first - began) if first else 0.0,
            decode_s=max(0.0, self.last - first),
            run_s=self.run_s + (0.0 if self.joined_run_s is None else decode_run_s - self.joined_run_s),
        )


def _check_targets(targets: NDArray[np.int64], vocabulary_size: int) -> None:
    if not len(targets) or targets.min() < 0 or targets.max() >= vocabulary_size:
        raise ValueError(f"targets must be one or more ids of 0 … {vocabulary_size - 1}")
