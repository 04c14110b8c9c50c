"""Beam search over one sequence: which hypotheses go on, which have ended, and which are best. Pure.

In each step every live hypothesis is continued by every token, and the candidates are ranked by the sum of their
log-probabilities, among equals by the lowest parent and then the lowest id. Of the first `num_beams` those that end are
finished; the best that do not end go on, `num_beams` of them. It is over when `num_beams` are finished and the best
that lives would rank below all of them if it ended here, or at the greatest length.

Sources: Sutskever et al., "Sequence to sequence learning with neural networks", 2014, section 3.2; the power of the
length and when to stop as in Hugging Face's transformers.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium_server.generation.job import Beams, Finish, Hypothesis


@dataclass(frozen=True, slots=True)
class _Node:
    """The last token of a hypothesis, and what came before it."""

    parent: "_Node | None"
    token_id: int
    log_probability: float


@dataclass(frozen=True, slots=True)
class _Finished:
    score: float
    node: _Node
    finish: Finish


@dataclass(frozen=True, slots=True, eq=False)
class Survivors:
    """What goes on into the next step.

    Attributes:
        parents: for each, the row that it continues.
        token_ids: for each, its last token.
    """

    parents: NDArray[np.int64]
    token_ids: NDArray[np.int64]


class BeamSearch:
    """One search.

    Args:
        beams: how many hypotheses, and how they are ranked.
        max_tokens: the greatest length.
        end_ids: tokens that end a hypothesis.
        suppressed: tokens that none has.
    """

    def __init__(
        self, beams: Beams, max_tokens: int, end_ids: NDArray[np.int64], suppressed: NDArray[np.int64] | None = None
    ) -> None:
        self._beams = beams
        self._max_tokens = max_tokens
        self._ends = frozenset(end_ids.tolist())
        self._suppressed = suppressed
        self._length = 0
        self._live: list[_Node | None] = [None]
        self._sums = np.zeros(1)
        self._finished: list[_Finished] = []

    def advance(self, log_probabilities_NV: NDArray[np.float64]) -> Survivors | None:
        """Take a step.

        Args:
            log_probabilities_NV: of every token after each live hypothesis, in their order.

        Returns:
            What goes on; None when the search is over.
        """
        self._length += 1
        totals_NV = self._sums[:, None] + log_probabilities_NV
        if self._suppressed is not None:
            totals_NV[:, self._suppressed] = -np.inf
        parents: list[int] = []
        nodes: list[_Node | None] = []
        sums: list[float] = []
        for rank, flat in enumerate(self._ranked(totals_NV)):
            parent, token_id = divmod(int(flat), totals_NV.shape[1])
            node = _Node(self._live[parent], token_id, float(log_probabilities_NV[parent, token_id]))
            total = float(totals_NV[parent, token_id])
            if token_id in self._ends:
                if rank < self._beams.num_beams:
                    self._finish(node, total, Finish.END)
            elif len(nodes) < self._beams.num_beams:
                parents.append(parent)
                nodes.append(node)
                sums.append(total)
        self._live, self._sums = nodes, np.array(sums)
        if self._over():
            return None
        return Survivors(np.array(parents, np.int64), np.array([n.token_id for n in nodes if n], np.int64))

    def best(self) -> list[Hypothesis]:
        """The best hypotheses, best first; all that have ended, when the search is over."""
        return [self._hypothesis(finished) for finished in self._finished[: self._beams.num_best]]

    def _ranked(self, totals_NV: NDArray[np.float64]) -> NDArray[np.intp]:
        """The candidates that can matter, best first, as flat places; none that is impossible."""
        flat = totals_NV.ravel()
        count = min(self._beams.num_beams * (1 + len(self._ends)), len(flat))
        least = np.partition(flat, len(flat) - count)[len(flat) - count]
        places = np.flatnonzero((flat >= least) & (flat > -np.inf))
        return places[np.argsort(-flat[places], kind="stable")][:count]

    def _score(self, total: float, length: int) -> float:
        return total / math.pow(length, self._beams.length_penalty)

    def _finish(self, node: _Node, total: float, finish: Finish) -> None:
        """Keep a finished hypothesis if it is among the best; of equals, the one that finished first."""
        self._finished.append(_Finished(self._score(total, self._length), node, finish))
        self._finished.sort(key=lambda finished: -finished.score)
        del self._finished[self._beams.num_beams :]

    def _over(self) -> bool:
        if self._length == self._max_tokens:
            for node, total in zip(self._live, self._sums.tolist(), strict=True):
                if node is not None:
                    self._finish(node, total, Finish.LENGTH)
            return True
        if not self._live:
            return True
        if len(self._finished) < self._beams.num_beams:
            return False
        return self._score(float(self._sums[0]), self._length) <= self._finished[-1].score

    def _hypothesis(self, finished: _Finished) -> Hypothesis:
        tokens: list[int] = []
        logs: list[float] = []
        node: _Node | None = finished.node
        while node is not None:
            tokens.append(node.token_id)
            logs.append(node.log_probability)
            node = node.parent
        return Hypothesis(tokens[::-1], logs[::-1], finished.score, finished.finish)
