"""Tries a step graph before it is served: what rows do to one another, and how many rows are best run at once."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium_server.batching.execution import Runnable
from podium_server.generation.rows import Arrays
from podium_server.generation.scheduler import MAX_PREFILL_TOKENS, PIECES
from podium_server.generation.step_graph import Rows, StepGraph
from podium_server.generation.step_plan import StepPlan
from podium_server.warmup import DISTINCT_ROWS, PROBED_SIZES, Clock, RowCoupling, couple, repeat, runs_per_second

ROW_COUNTS = (1, 2, 4, 8, 16, 32, 64, 128)
MANY_ROWS = 64
# A sequence runs as long as it has tokens, so whoever waits for a row waits long: rows are added as long as they cost
# the others little.
ABOUT_THE_BEST_RATE = 0.9
LONGEST_STEP_S = 0.05


class StepRunner:
    """A step graph as something that `warmup` can run: every input and output has its rows on axis 0.

    Args:
        graph: the step graph.
    """

    def __init__(self, graph: StepGraph) -> None:
        self._graph = graph
        self._axes = graph.state_axes.axes

    def run(self, inputs: Sequence[NDArray[Any]]) -> Arrays:
        """Run once on tokens, states and contexts; logits and states."""
        tokens, rest = inputs[0], inputs[1:]
        states = tuple(np.ascontiguousarray(np.moveaxis(x, 0, axis)) for x, axis in zip(rest, self._axes, strict=False))
        outputs = self._graph.run(Rows(tokens, states, tuple(rest[len(states) :])))
        after = (np.moveaxis(x, axis, 0) for x, axis in zip(outputs.states, self._axes, strict=True))
        return (outputs.logits, *after)


def sample_rows(plan: StepPlan, golden: Mapping[str, NDArray[Any]], seed: int = 0) -> Arrays:
    """Make states and contexts of rows that differ, rows on axis 0, out of a golden example.

    Args:
        plan: of the step graph.
        golden: an example's inputs.
        seed: of what is random.
    """
    random = np.random.default_rng(seed)
    states = [np.moveaxis(golden[state.input], state.axis, 0) for state in plan.states]
    return tuple(_distinct(x, random) for x in (*states, *(golden[name] for name in plan.contexts)))


def _distinct(x: NDArray[Any], random: np.random.Generator) -> NDArray[Any]:
    """Rows over and over, numbers each a little different: copies of a row would hide what rows do to one another."""
    rows = x[np.arange(DISTINCT_ROWS) % len(x)]
    if x.dtype.kind != "f":
        return rows
    factors = random.uniform(0.5, 1.5, (DISTINCT_ROWS, *[1] * (x.ndim - 1)))
    moved = rows * factors + np.where(rows == 0, 0.0, random.normal(0.0, 0.1, rows.shape))
    return np.ascontiguousarray(moved.astype(x.dtype))


def tokens(plan: StepPlan, length: int, seed: int = 0) -> NDArray[Any]:
    """Random tokens, or frames, of as many rows as a sample has."""
    random = np.random.default_rng(seed)
    if plan.frame is None:
        return random.integers(0, plan.vocabulary_size, (DISTINCT_ROWS, length))
    shape = (DISTINCT_ROWS, length, *plan.frame.shape)
    if plan.frame.dtype.kind in "iub":
        return random.integers(0, 2, shape).astype(plan.frame.dtype)
    return random.standard_normal(shape).astype(plan.frame.dtype)


def couple_steps(graph: StepGraph, sample: Arrays) -> RowCoupling:
    """Find out what rows of one run do to one another, one token at a time and with each length of a prompt's pieces.

    Args:
        graph: runs rows together.
        sample: states and contexts, as `sample_rows` gives them.
    """
    runner, worst = StepRunner(graph), RowCoupling.NONE
    # Frames are read one a step, whether they come one by one or all at once.
    for length in (1, *(PIECES if graph.plan.frame is None else ())):
        most = max(*PROBED_SIZES, min(MANY_ROWS, MAX_PREFILL_TOKENS // length))
        coupling = couple(runner, (tokens(graph.plan, length, length), *sample), (*PROBED_SIZES, most))
        if coupling is RowCoupling.MIXED:
            return coupling
        if coupling is RowCoupling.ROUNDING:
            worst = coupling
    return worst


def measure_rows(session: Runnable, sample: Arrays, clock: Clock = time.perf_counter) -> tuple[int, float]:
    """Find the most rows that still run at about the best rate; them, and the rows a second.

    Args:
        session: runs the graph on rows on axis 0.
        sample: one token, states and contexts of each row.
        clock: seconds.
    """
    rates: dict[int, float] = {}
    for count in ROW_COUNTS:
        rates[count] = count * runs_per_second(session, repeat(sample, count), 1, clock)
        if count / rates[count] > LONGEST_STEP_S:
            break
    best = max(rates.values())
    quick = [n for n, rate in rates.items() if rate >= ABOUT_THE_BEST_RATE * best and n / rate <= LONGEST_STEP_S]
    rows = max(quick, default=1)
    return rows, rates[rows]
