"""What the generation engine is asked for, and what it gives: values that its callers and its thread share.

A sequence is a prompt that is read and tokens that are then chosen one a step. Token ids are integers of 0 or more.
"""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray


class Finish(enum.Enum):
    """Why a sequence ended."""

    STOP = "stop"  # its watch said so
    LENGTH = "length"  # it has as many tokens as it may have
    END = "end"  # the model chose one of its end ids
    CANCELLED = "cancelled"  # the server shuts down or unloads the model


class Watch(Protocol):
    """Sees the tokens of one sequence as they are chosen, on the engine's thread."""

    def ends(self, token_id: int) -> bool:
        """Take the next token, and say whether the sequence ends with it."""
        ...


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are chosen, in this order: penalty, temperature, top-k, top-p.

    Attributes:
        temperature: divides the logits; 0: the most probable token, the lowest id among equals.
        top_k: how many of the most probable tokens are drawn from; None: all.
        top_p: the probability that those drawn from have together at least, above 0 … 1; None: all.
        repetition_penalty: for logits of tokens that are there already; 1: none.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    repetition_penalty: float = 1.0


@dataclass(frozen=True, slots=True)
class Beams:
    """Beam search.

    Attributes:
        num_beams: hypotheses kept side by side, 2 or more.
        length_penalty: the power of the length that log-probabilities are divided by to rank.
        num_best: finished hypotheses wanted, at most `num_beams`.
    """

    num_beams: int
    length_penalty: float
    num_best: int


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """Where a sequence starts.

    Attributes:
        prompt: ids to read before the first choice, 1 or more, int64: the start ids and the text.
        rows: by the name of a step input, what the encoder gave for this sequence: first states and contexts, the batch
            axis of length 1. States that are not named begin as the package says.
    """

    prompt: NDArray[np.int64]
    rows: Mapping[str, NDArray[Any]] = field(default_factory=dict[str, NDArray[Any]])


@dataclass(frozen=True, slots=True, eq=False)
class SampleJob:
    """Write one sequence.

    Attributes:
        start: where it starts.
        sampling: how tokens are chosen.
        max_tokens: the most tokens to choose, 1 or more.
        seed: of the request.
        sequence: the number of the sequence in its request, 0 or more: with the seed and the position it determines
            every draw.
        watch: may end it; None: nothing but an end id or the length does.
        deadline: the monotonic second after which nobody waits for it; None: never.
    """

    start: Start
    sampling: Sampling
    max_tokens: int
    seed: int
    sequence: int = 0
    watch: Watch | None = None
    deadline: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class BeamJob:
    """Find the most probable sequences.

    Attributes:
        start: where they start.
        beams: how they are searched.
        max_tokens: the most tokens of each, 1 or more.
        deadline: as in `SampleJob`.
    """

    start: Start
    beams: Beams
    max_tokens: int
    deadline: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class ScoreJob:
    """Tell how probable given tokens are: read one a step, as they would have been chosen.

    Attributes:
        start: what comes before the first of them.
        targets: the tokens, 1 or more, int64.
        deadline: as in `SampleJob`.
    """

    start: Start
    targets: NDArray[np.int64]
    deadline: float | None = None


Job: TypeAlias = SampleJob | BeamJob | ScoreJob


@dataclass(frozen=True, slots=True)
class FeedJob:
    """Read frames as they come, one a step, and tell what the graph says after each.

    Attributes:
        deadline: as in `SampleJob`.
    """

    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One sequence that beam search found.

    Attributes:
        token_ids: with the end, if it ended.
        log_probabilities: of each token, in natural logarithms.
        score: what hypotheses are ranked by.
        finish: END or LENGTH.
    """

    token_ids: list[int]
    log_probabilities: list[float]
    score: float
    finish: Finish


@dataclass(frozen=True, slots=True)
class Clocked:
    """Where a sequence's time went, in seconds.

    Attributes:
        queue_s: waiting for its first run.
        prefill_s: from there to its first token.
        decode_s: from there to its last.
        run_s: inside the execution provider, for all the runs that it took part in.
    """

    queue_s: float = 0.0
    prefill_s: float = 0.0
    decode_s: float = 0.0
    run_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a sequence has come to since it was last asked.

    Attributes:
        token_ids: the tokens chosen; for a `ScoreJob` the targets read.
        log_probabilities: of each of them as the model gave it, before temperature and everything else, in natural
            logarithms.
        finish: why it ended; None: it goes on. For a `ScoreJob` LENGTH.
        hypotheses: of a `BeamJob` that ended, best first.
        clocked: where the time went so far.
        outputs: of a `FeedJob`, what the graph gave after each new frame, in their order: (V,) each.
    """

    token_ids: list[int]
    log_probabilities: list[float]
    finish: Finish | None = None
    hypotheses: list[Hypothesis] = field(default_factory=list[Hypothesis])
    clocked: Clocked = Clocked()
    outputs: list[NDArray[Any]] = field(default_factory=list[NDArray[Any]])


class Ongoing(Protocol):
    """A sequence under way, in the event loop's hands."""

    async def gather(self) -> Gathered:
        """Wait until there is something new, and take all of it.

        The first token and the end are told at once, what is between at the engine's pace. Not to be called after the
        end.

        Raises:
            DeadlineExceeded: its deadline passed.
            RunFailed: the model failed on it.
        """
        ...

    async def gather_to_the_end(self) -> Gathered:
        """Wait until it has ended, and take all of it: whoever needs the whole alone is woken once.

        Raises:
            DeadlineExceeded, RunFailed: as `gather`.
        """
        ...

    def cancel(self) -> None:
        """Stop it within one step; nothing, when it has ended."""
        ...


class Fed(Ongoing, Protocol):
    """A sequence that is fed, in the event loop's hands; between two frames it takes part in no run."""

    def feed(self, frames: NDArray[Any]) -> None:
        """Give it the next frames, (T, ...); nothing, when it has ended."""
        ...

    def finish(self) -> None:
        """Say that there are no more: it ends with END when it has read those that it has."""
        ...


class Engine(Protocol):
    """What services start sequences with: `podium_server.generation.generator.Generator`, or a fake of it."""

    def start_all(self, jobs: Sequence[Job]) -> list[Ongoing]:
        """Admit all sequences of a request, or none of them.

        Raises:
            Overloaded: as many as may wait already do.
            NotReady: the version is being unloaded.
        """
        ...

    def open(self, job: FeedJob) -> Fed:
        """Admit a sequence that is fed.

        Raises:
            Overloaded: as many as may be open already are.
            NotReady: the version is being unloaded.
        """
        ...
