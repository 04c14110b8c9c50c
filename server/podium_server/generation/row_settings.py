"""How the rows of a run choose their tokens, as arrays: what the sampler reads."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from podium_server.generation.job import Sampling

Numbers: TypeAlias = NDArray[np.float64]
Ids: TypeAlias = NDArray[np.int64]
Marks: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class RowSettings:
    """How each row of a run chooses, as arrays.

    Attributes:
        temperature_N1: 1 where `greedy_N`.
        greedy_N: rows that take the most probable token.
        top_k_N: V where all may be drawn.
        top_p_N: 1 where all may be drawn.
        penalty_N1: 1 where there is none.
        any_greedy, any_drawn, any_tempered, any_restricted, any_penalty: whether any row is, so that runs of plain rows
            pay for nothing else.
    """

    temperature_N1: Numbers
    greedy_N: Marks
    top_k_N: Ids
    top_p_N: Numbers
    penalty_N1: Numbers
    any_greedy: bool
    any_drawn: bool
    any_tempered: bool
    any_restricted: bool
    any_penalty: bool

    def part(self, rows: slice) -> "RowSettings":
        """The settings of some of the rows."""
        return replace(
            self,
            temperature_N1=self.temperature_N1[rows],
            greedy_N=self.greedy_N[rows],
            top_k_N=self.top_k_N[rows],
            top_p_N=self.top_p_N[rows],
            penalty_N1=self.penalty_N1[rows],
        )

    @classmethod
    def of(cls, samplings: Sequence[Sampling], vocabulary_size: int) -> "RowSettings":
        """Settings of rows, one a `Sampling`."""
        return cls.from_columns(
            temperature_N=np.array([s.temperature for s in samplings], np.float64),
            top_k_N=np.array([min(s.top_k or vocabulary_size, vocabulary_size) for s in samplings], np.int64),
            top_p_N=np.array([1.0 if s.top_p is None else s.top_p for s in samplings], np.float64),
            penalty_N=np.array([s.repetition_penalty for s in samplings], np.float64),
            vocabulary_size=vocabulary_size,
        )

    @classmethod
    def from_columns(
        cls, *, temperature_N: Numbers, top_k_N: Ids, top_p_N: Numbers, penalty_N: Numbers, vocabulary_size: int
    ) -> "RowSettings":
        """Settings of rows, a column each; a temperature of 0 is greedy."""
        greedy_N = temperature_N == 0
        restricted_N = ((top_k_N < vocabulary_size) | (top_p_N < 1)) & ~greedy_N
        temperature_N = np.where(greedy_N, 1.0, temperature_N)
        return cls(
            temperature_N1=temperature_N[:, None],
            greedy_N=greedy_N,
            top_k_N=top_k_N,
            top_p_N=top_p_N,
            penalty_N1=penalty_N[:, None],
            any_greedy=bool(greedy_N.any()),
            any_drawn=not greedy_N.all(),
            any_tempered=bool((temperature_N != 1).any()),
            any_restricted=bool(restricted_N.any()),
            any_penalty=bool((penalty_N != 1).any()),
        )
