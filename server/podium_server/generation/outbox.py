"""What the engine's thread has to tell, until it is handed to the event loop in one call."""

from collections.abc import Callable
from typing import TypeAlias

from podium_server.errors import PodiumError, ServerError
from podium_server.generation.endings import Reason
from podium_server.generation.feeding import Feeding
from podium_server.generation.job import BeamJob, Finish
from podium_server.generation.tally import Tally
from podium_server.generation.ticket import News
from podium_server.generation.writing import Writing

LEAST_PACE_S, MOST_PACE_S = 0.02, 0.1
"""Seconds for which tokens gather before they are handed over: not seen by anybody, and not seen as a stutter."""
MOST_PIECES_S = 1000.0
"""Between the two, so many pieces a second are written for all sequences together."""

Held: TypeAlias = Writing | Feeding
"""A sequence as the engine's thread holds it."""
HandOver: TypeAlias = Callable[[list[tuple[Held, News]], Tally | None], None]


class Outbox:
    """News that gather.

    Args:
        hand_over: takes them.

    Attributes:
        tally: what was done since the last hand-over.
    """

    def __init__(self, hand_over: HandOver) -> None:
        self._hand_over = hand_over
        self._news: list[tuple[Held, News]] = []
        self._sent_at = 0.0
        self.tally = Tally()

    @property
    def urgent(self) -> bool:
        """Whether there is something that must not wait."""
        return bool(self._news)

    def due(self, now: float, num_sequences: int) -> bool:
        """Whether all that has gathered of so many sequences is to be told."""
        pace_s = min(max(num_sequences / MOST_PIECES_S, LEAST_PACE_S), MOST_PACE_S)
        return now - self._sent_at >= pace_s

    def tell(self, writing: Writing, at: float, run_s: float) -> None:
        """Tell the tokens that a sequence has come to.

        Args:
            writing: the sequence.
            at: the second of its last token.
            run_s: as in `Writing.clocked`.
        """
        if writing.token_ids:
            self._news.append((writing, self._take(writing, at, run_s)))

    def end(self, writing: Writing, reason: Reason, at: float, run_s: float) -> None:
        """Tell how a sequence ended; its last news."""
        if isinstance(reason, PodiumError):
            self.tally.failed += isinstance(reason, ServerError)
            self._news.append((writing, News(error=reason, gone=True)))
            return
        news = self._take(writing, at, run_s)
        writing.last = at if writing.first else 0.0
        search = writing.search
        if search is None:
            last = News(news.token_ids, news.log_probabilities, reason, clocked=news.clocked, gone=True)
        else:
            found = search.best() if reason is not Finish.CANCELLED else []
            reason = found[0].finish if found else reason
            self.tally.output_tokens += sum(len(hypothesis.token_ids) for hypothesis in found)
            if writing.first:
                self.tally.first_token_s.append(writing.first - writing.since)
            last = News(finish=reason, hypotheses=found, clocked=writing.clocked(run_s), gone=True)
        self.tally.finished[reason] = self.tally.finished.get(reason, 0) + 1
        self._news.append((writing, last))

    def tell_fed(self, feeding: Feeding, news: News) -> None:
        """Tell what a sequence that is fed has come to: at once, for somebody waits for it."""
        if news.error is not None:
            self.tally.failed += 1
        elif news.finish is not None:
            self.tally.finished[news.finish] = self.tally.finished.get(news.finish, 0) + 1
        self._news.append((feeding, news))

    def gone(self, writing: Held) -> None:
        """Tell that a sequence which nobody wants has left; its last news."""
        self._news.append((writing, News(gone=True)))

    def send(self, now: float) -> None:
        """Hand over everything."""
        news, tally = self._news, self.tally
        self._news, self.tally = [], Tally()
        self._sent_at = now
        self._hand_over(news, tally)

    def send_urgent(self) -> None:
        """Hand over what must not wait; what else was counted goes with the rest."""
        news, self._news = self._news, []
        self._hand_over(news, None)

    def _take(self, writing: Writing, at: float, run_s: float) -> News:
        ids, logs = writing.token_ids, writing.log_probabilities
        writing.token_ids, writing.log_probabilities = [], []
        if ids:
            first = not writing.handed
            if first:
                self.tally.first_token_s.append(writing.first - writing.since)
                writing.handed = writing.first
            after_first = len(ids) - first
            if after_first:
                self.tally.gaps.append(((at - writing.handed) / after_first, after_first))
            writing.handed = writing.last = at
            if not isinstance(writing.job, BeamJob):
                self.tally.output_tokens += len(ids)
        return News(ids, logs, clocked=writing.clocked(run_s))
