"""Warms a graph up: measures how it runs best, and finds out whether its rows may share a run.

The promise that the same request gives the same bytes rests on rows that do not feel their batch-mates, so it is tried
on each graph before it is batched: the same rows alone and together, compared bit for bit.
"""

import enum
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium_server.batching.execution import Rows, Runnable
from podium_server.plan import BATCH_SIZES, Layout, Plan, choose
from podium_server.signature import Signature

MEASURE_S = 0.1
REPEATS = 2  # a neighbour may take the core for a moment: the best of them counts
DISTINCT_ROWS = 8
PROBED_SIZES = (2, 3, 8)


class RowCoupling(enum.Enum):
    """What rows of one run do to one another."""

    NONE = "none"  # the same bytes alone and together: requests may share a run
    ROUNDING = "rounding"  # equal but for the last bits: each row is run alone, so that answers can be made again
    MIXED = "mixed"  # rows change one another's answers: the graph is run on what a request sends, as it is


# Opens a session with a number of threads.
OpenSession = Callable[[int], Runnable]
# Seconds of some kind, of which only differences mean something.
Clock = Callable[[], float]


def sample_inputs(signature: Signature, golden: Sequence[Mapping[str, NDArray[Any]]], seed: int = 0) -> Rows | None:
    """Rows to warm up with: golden inputs where there are any, else random ones; None where none can be made."""
    random = np.random.default_rng(seed)
    if golden:
        return _golden_sample(signature, golden, random)
    inputs = [_random_input(spec.element.dtype, spec.shape, signature.batched, random) for spec in signature.inputs]
    return None if any(x is None for x in inputs) else tuple(x for x in inputs if x is not None)


def _golden_sample(
    signature: Signature, golden: Sequence[Mapping[str, NDArray[Any]]], random: np.random.Generator
) -> Rows:
    """Take the rows of the examples that have the first one's lengths."""
    shapes = {name: array.shape[1:] for name, array in golden[0].items()}
    alike = [case for case in golden if all(case[name].shape[1:] == shape for name, shape in shapes.items())]
    columns = [[case[spec.name] for case in alike] for spec in signature.inputs]
    if not signature.batched:
        return tuple(column[0] for column in columns)
    sample = tuple(np.concatenate(column)[:DISTINCT_ROWS] for column in columns)
    if any((x != x[:1]).any() for x in sample):
        return sample
    # Copies of one row would hide what rows do to one another: they are their own mean.
    others = [_random_input(x.dtype, x.shape, True, random) for x in sample]
    return tuple(
        np.repeat(x[:1], DISTINCT_ROWS, axis=0) if other is None else np.concatenate([x[:1], other[1:]])
        for x, other in zip(sample, others, strict=True)
    )


def _random_input(
    dtype: "np.dtype[Any]", shape: tuple[int | str | None, ...], batched: bool, random: np.random.Generator
) -> NDArray[Any] | None:
    if dtype.kind == "O":
        return None
    lengths = [n if isinstance(n, int) else 1 for n in shape]
    if batched:
        lengths[0] = DISTINCT_ROWS
    # 0 and 1 are valid as almost any integer: a class, a token, a flag, an index.
    values = random.integers(0, 2, lengths) if dtype.kind in "iub" else random.standard_normal(lengths)
    return np.asarray(values).astype(dtype)


def couple(session: Runnable, sample: Rows, sizes: Sequence[int] = PROBED_SIZES) -> RowCoupling:
    """Find out what rows of one run do to one another.

    Args:
        session: runs the graph.
        sample: inputs with rows on axis 0.
        sizes: numbers of rows to try.
    """
    rows = sample[0].shape[0]
    alone = [session.run(tuple(x[i : i + 1] for x in sample)) for i in range(rows)]
    coupling = RowCoupling.NONE
    for size in sizes:
        together = session.run(repeat(sample, size))
        for column, output in enumerate(together):
            expected = [alone[i % rows][column] for i in range(size)]
            if output.shape[:1] != (size,) or any(one.shape[:1] != (1,) for one in expected):
                return RowCoupling.MIXED
            stacked = np.concatenate(expected)
            if _same_bytes(stacked, output):
                continue
            if not _close(stacked, output):
                return RowCoupling.MIXED
            coupling = RowCoupling.ROUNDING
    return coupling


def _same_bytes(a: NDArray[Any], b: NDArray[Any]) -> bool:
    if a.dtype.kind == "O":  # strings, whose bytes lie elsewhere
        return np.array_equal(a, b)
    return a.tobytes() == b.tobytes()


def _close(a: NDArray[Any], b: NDArray[Any]) -> bool:
    if a.shape != b.shape or a.dtype.kind in "OSUb":
        return False
    return bool(np.allclose(a.astype(np.float64), b.astype(np.float64), rtol=1e-3, atol=1e-4, equal_nan=True))


def repeat(sample: Rows, rows: int) -> Rows:
    """The sample's rows over and over, `rows` in all."""
    index = np.arange(rows) % sample[0].shape[0]
    return tuple(x[index] for x in sample)


def measure_plan(
    open_session: OpenSession, sample: Rows, batched: bool, layouts: Sequence[Layout], clock: Clock = time.perf_counter
) -> Plan:
    """Time layouts and batch sizes on the sample, and choose.

    Args:
        open_session: opens a session with a number of threads.
        sample: inputs, with rows on axis 0 if batched.
        batched: whether rows may share a run.
        layouts: those to choose from, the least demanding first.
        clock: times sessions of one thread. Where the graph runs in the calling thread, `time.thread_time` sees what it
            costs whatever else the machine does; others are timed by the wall clock.
    """
    sessions: dict[int, Runnable] = {}

    def measure(layout: Layout, size: int) -> float:
        if layout.num_threads not in sessions:
            sessions[layout.num_threads] = open_session(layout.num_threads)
        inputs = repeat(sample, size) if batched else sample
        session = sessions[layout.num_threads]
        timer = clock if layout.num_threads == 1 else time.perf_counter
        return size * max(runs_per_second(session, inputs, layout.num_sessions, timer) for _ in range(REPEATS))

    return choose(measure, layouts, BATCH_SIZES if batched else (1,))


def runs_per_second(session: Runnable, inputs: Rows, num_sessions: int, clock: Clock) -> float:
    """Run for a moment on `num_sessions` threads at once, and add up what each does in a second of its clock."""
    session.run(inputs)

    def run_for_a_moment(_: int) -> float:
        runs, end, began = 0, time.perf_counter() + MEASURE_S, clock()
        while runs < 2 or time.perf_counter() < end:
            session.run(inputs)
            runs += 1
        return runs / max(clock() - began, 1e-9)

    with ThreadPoolExecutor(num_sessions) as pool:
        return sum(pool.map(run_for_a_moment, range(num_sessions)))
