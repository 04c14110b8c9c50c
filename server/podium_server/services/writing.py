"""Sequences of a request on their way from the engine to the wire: what each has come to, told once or in pieces."""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from podium.v1 import decoding_pb2 as wire

from podium_server.errors import UNLOADING, NotReady
from podium_server.generation.job import Clocked, Finish, Gathered, Hypothesis, Ongoing
from podium_server.text.sequence_text import SequenceText

_REASONS: Mapping[Finish, wire.FinishReason] = MappingProxyType(
    {
        Finish.STOP: wire.FINISH_REASON_STOP,
        Finish.LENGTH: wire.FINISH_REASON_LENGTH,
        Finish.END: wire.FINISH_REASON_END,
        Finish.CANCELLED: wire.FINISH_REASON_CANCELLED,
    }
)


class Followed(Protocol):
    """One job of the engine, and what it has come to."""

    @property
    def ongoing(self) -> Ongoing:
        """The job."""
        ...

    @property
    def clocked(self) -> Clocked:
        """Where its time went so far."""
        ...

    @property
    def num_written(self) -> int:
        """How many tokens it has written."""
        ...

    @property
    def ended(self) -> bool:
        """Whether it has."""
        ...

    def add(self, gathered: Gathered) -> None:
        """Take what the engine gave."""
        ...


class Writing(Followed, Protocol):
    """A job that writes."""

    def pieces(self, *, with_log_probabilities: bool) -> list[wire.SequencePiece]:
        """Tell what came since this was last asked."""
        ...

    def sequences(self, *, with_log_probabilities: bool) -> list[wire.GeneratedSequence]:
        """Tell all of it, once it has ended."""
        ...


class SampledSequence:
    """One sequence whose tokens are chosen one by one.

    Args:
        ongoing: the job.
        number: of the sequence in its request.
        text: its text, still empty.
    """

    def __init__(self, ongoing: Ongoing, number: int, text: SequenceText) -> None:
        self.ongoing = ongoing
        self.clocked = Clocked()
        self._number = number
        self._text = text
        self._texts: list[str] = []
        self._ids: list[int] = []
        self._log_probabilities: list[float] = []
        self._finish: Finish | None = None
        self._told_texts = self._told_tokens = 0

    @property
    def num_written(self) -> int:
        """How many tokens it has written."""
        return len(self._ids)

    @property
    def ended(self) -> bool:
        """Whether it has."""
        return self._finish is not None

    def add(self, gathered: Gathered) -> None:
        """Take what the engine gave."""
        self._ids += gathered.token_ids
        self._log_probabilities += gathered.log_probabilities
        self._texts.append(self._text.write(gathered.token_ids))
        self.clocked, self._finish = gathered.clocked, gathered.finish
        if gathered.finish is not None:
            self._texts.append(self._text.finish())

    def pieces(self, *, with_log_probabilities: bool) -> list[wire.SequencePiece]:
        """Tell what came since this was last asked: one piece or none."""
        start, first = self._told_tokens, self._told_texts
        if first == len(self._texts):
            return []
        self._told_tokens, self._told_texts = len(self._ids), len(self._texts)
        piece = wire.SequencePiece(
            sequence=self._number, text="".join(self._texts[first:]), token_ids=self._ids[start:]
        )
        if with_log_probabilities:
            piece.log_probabilities.extend(self._log_probabilities[start:])
        if self._finish is not None:
            piece.finish_reason = _REASONS[self._finish]
            piece.log_probability = math.fsum(self._log_probabilities)
        return [piece]

    def sequences(self, *, with_log_probabilities: bool) -> list[wire.GeneratedSequence]:
        """Tell all of it, once it has ended."""
        assert self._finish is not None, "asked before its end"
        log_probability = math.fsum(self._log_probabilities)
        return [
            wire.GeneratedSequence(
                text="".join(self._texts),
                token_ids=self._ids,
                log_probabilities=self._log_probabilities if with_log_probabilities else (),
                log_probability=log_probability,
                score=log_probability,
                finish_reason=_REASONS[self._finish],
            )
        ]


class BeamSearch:
    """The best sequences of one beam search; all there at once, at its end.

    The search does not see stop texts: what it finds is cut there.

    Args:
        ongoing: the job.
        begin_text: begins the text of a sequence.
    """

    def __init__(self, ongoing: Ongoing, begin_text: Callable[[], SequenceText]) -> None:
        self.ongoing = ongoing
        self.clocked = Clocked()
        self._begin_text = begin_text
        self._found: list[wire.GeneratedSequence] = []
        self.ended = self._told = False

    @property
    def num_written(self) -> int:
        """How many tokens it has written: those of the sequences that it found."""
        return sum(len(found.token_ids) for found in self._found)

    def add(self, gathered: Gathered) -> None:
        """Take what the engine gave.

        Raises:
            NotReady: the search was ended before it found anything.
        """
        self.clocked, self.ended = gathered.clocked, gathered.finish is not None
        if self.ended and not gathered.hypotheses:
            raise NotReady(UNLOADING)
        self._found = [self._cut(hypothesis) for hypothesis in gathered.hypotheses]

    def pieces(self, *, with_log_probabilities: bool) -> list[wire.SequencePiece]:
        """Tell everything at the end: one piece a sequence, the best first."""
        if not self.ended or self._told:
            return []
        self._told = True
        return [
            wire.SequencePiece(
                sequence=number,
                text=found.text,
                token_ids=found.token_ids,
                log_probabilities=found.log_probabilities if with_log_probabilities else (),
                finish_reason=found.finish_reason,
                log_probability=found.log_probability,
            )
            for number, found in enumerate(self._found)
        ]

    def sequences(self, *, with_log_probabilities: bool) -> list[wire.GeneratedSequence]:
        """Tell all of it, once it has ended."""
        if not with_log_probabilities:
            for found in self._found:
                del found.log_probabilities[:]
        return self._found

    def _cut(self, hypothesis: Hypothesis) -> wire.GeneratedSequence:
        """Make a text of what was found, as far as its first stop text."""
        text = self._begin_text()
        pieces: list[str] = []
        length = 0
        while length < len(hypothesis.token_ids) and not text.stopped:
            pieces.append(text.write(hypothesis.token_ids[length : length + 1]))
            length += 1
        pieces.append(text.finish())
        log_probabilities: Sequence[float] = hypothesis.log_probabilities[:length]
        return wire.GeneratedSequence(
            text="".join(pieces),
            token_ids=hypothesis.token_ids[:length],
            log_probabilities=log_probabilities,
            log_probability=math.fsum(log_probabilities),
            score=hypothesis.score,
            finish_reason=_REASONS[Finish.STOP if text.stopped else hypothesis.finish],
        )
