"""A session on a step graph: one run for the rows of many sequences, and what becomes of them when it fails."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium_server.batching.execution import Runnable
from podium_server.errors import RunFailed
from podium_server.generation.rows import Arrays, Index
from podium_server.generation.step_plan import StepPlan


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """What a run is fed.

    Attributes:
        tokens: (N, T) int64; or frames, (N, T, ...).
        states, contexts: N rows.
    """

    tokens: NDArray[Any]
    states: Arrays
    contexts: Arrays

    @property
    def count(self) -> int:
        """How many rows."""
        return len(self.tokens)


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """What a run gave.

    Attributes:
        logits: (N, V).
        states: those after the run, N rows.
    """

    logits: NDArray[Any]
    states: Arrays


class StepGraph:
    """A step graph that is ready to run.

    Args:
        session: runs it.
        plan: how it is fed.
        alone: whether rows run one at a time, because others would change their last bits.
    """

    def __init__(self, session: Runnable, plan: StepPlan, *, alone: bool = False) -> None:
        self.session = session
        self.plan = plan
        self.state_axes, self.context_axes = plan.state_axes, plan.context_axes
        self._alone = alone
        in_order = tuple(range(1 + len(plan.states) + len(plan.contexts)))
        self._input_order = None if plan.input_order == in_order else plan.input_order

    def run(self, rows: Rows) -> Outputs:
        """Read one token or several of each row.

        Raises:
            RunFailed: the execution provider failed.
        """
        if self._alone and rows.count > 1:
            return self.joined([self._run(self._row(rows, row)) for row in range(rows.count)])
        return self._run(rows)

    def run_apart(self, rows: Rows) -> list[Outputs | BaseException]:
        """Run each row on its own, after a run of all of them failed; what each came to."""
        results: list[Outputs | BaseException] = []
        for row in range(rows.count):
            try:
                results.append(self._run(self._row(rows, row)))
            except BaseException as error:  # noqa: BLE001 - whatever the provider raises, the others go on
                results.append(error)
        return results

    def take(self, rows: Rows, index: Index) -> Rows:
        """Copy some rows, in the order of `index`."""
        states, contexts = self.state_axes.take(rows.states, index), self.context_axes.take(rows.contexts, index)
        return Rows(rows.tokens[index], states, contexts)

    def concatenate(self, parts: Sequence[Rows]) -> Rows:
        """Put rows after one another; one part or more."""
        if len(parts) == 1:
            return parts[0]
        return Rows(
            np.concatenate([part.tokens for part in parts]),
            self.state_axes.concatenate([part.states for part in parts]),
            self.context_axes.concatenate([part.contexts for part in parts]),
        )

    def split(self, outputs: Outputs) -> list[Outputs]:
        """Take what a run gave apart, row by row."""
        rows = range(len(outputs.logits))
        return [Outputs(outputs.logits[row : row + 1], self.state_axes.one(outputs.states, row)) for row in rows]

    def joined(self, parts: Sequence[Outputs]) -> Outputs:
        """Put what runs gave after one another."""
        logits = np.concatenate([part.logits for part in parts])
        return Outputs(logits, self.state_axes.concatenate([part.states for part in parts]))

    def _row(self, rows: Rows, row: int) -> Rows:
        return self.take(rows, np.array([row]))

    def _run(self, rows: Rows) -> Outputs:
        inputs: Sequence[NDArray[Any]] = (rows.tokens, *rows.states, *rows.contexts)
        if self._input_order is not None:
            inputs = [inputs[place] for place in self._input_order]
        outputs = self.session.run(inputs)
        logits, *after = [outputs[place] for place in self.plan.output_order]
        if logits.shape != (rows.count, self.plan.vocabulary_size):
            raise RunFailed(f"{rows.count} rows in, logits of shape {logits.shape} out")
        return Outputs(logits, tuple(after))
