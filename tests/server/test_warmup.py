"""What rows do to one another, found out on real graphs and on fakes; and what graphs are warmed up with."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import helper
from podium_server.elements import BY_OIP
from podium_server.plan import Layout
from podium_server.runtime.devices import CPU_PROVIDER
from podium_server.runtime.session import Session
from podium_server.signature import Signature, TensorSpec
from podium_server.warmup import DISTINCT_ROWS, RowCoupling, couple, measure_plan, repeat, sample_inputs

from tests.server.fakes import Doubler, Rows, rows, signature
from tests.server.packages import centred, onnx_bytes, scaled, small_lenet

Graph = Callable[[NDArray[Any]], NDArray[Any]]


class Function:
    """A graph of one input and output, as a function of the input."""

    def __init__(self, function: Graph) -> None:
        self._function = function

    def run(self, inputs: Sequence[NDArray[Any]]) -> Rows:
        """Run at once."""
        return (self._function(inputs[0]),)


SAMPLE = rows(0.5, -1.0, 2.0, 3.5, 0.0, 7.0, -2.5, 1.0)


def rounding(x: NDArray[Any]) -> NDArray[Any]:
    """Give the last bit of each row according to how many rows there are."""
    return np.nextafter(x, np.float32(100)) if len(x) > 2 else x


def loud(x: NDArray[Any]) -> NDArray[Any]:
    """Fail beyond two rows at the place where NaN shows."""
    return np.where(np.full_like(x, len(x) > 2), np.nan, x)


COUPLINGS: list[tuple[Graph, RowCoupling]] = [
    (lambda x: 2 * x, RowCoupling.NONE),
    (lambda x: x * np.nan, RowCoupling.NONE),
    (lambda x: x > 0, RowCoupling.NONE),
    (lambda x: np.array([str(v) for v in x.ravel()], object), RowCoupling.NONE),
    (rounding, RowCoupling.ROUNDING),
    (lambda x: x - x.mean(axis=0), RowCoupling.MIXED),
    (lambda x: np.cumsum(x, axis=0), RowCoupling.MIXED),
    (lambda x: x[::-1], RowCoupling.MIXED),
    (lambda x: x > x.mean(), RowCoupling.MIXED),
    (lambda x: np.array([f"{v} of {len(x)}" for v in x.ravel()], object), RowCoupling.MIXED),
    (lambda x: x[x[:, 0] > 0], RowCoupling.MIXED),
    (lambda x: x.sum(), RowCoupling.MIXED),
    (lambda x: x[:1], RowCoupling.MIXED),
    (lambda x: x[None], RowCoupling.MIXED),
    (lambda x: np.repeat(x, 2, axis=0), RowCoupling.MIXED),
    (lambda x: np.tile(x, (1, len(x))), RowCoupling.MIXED),
    (loud, RowCoupling.MIXED),
]


@pytest.mark.parametrize(("function", "coupling"), COUPLINGS)
def test_coupling_is_told_by_the_bytes(function: Graph, coupling: RowCoupling) -> None:
    """Equal bytes alone and together; equal but for rounding; or anything else."""
    assert couple(Function(function), SAMPLE) is coupling


@pytest.mark.parametrize(
    ("model", "shape", "coupling"),
    [
        (scaled(), (8, 3), RowCoupling.NONE),
        (centred(), (8, 3), RowCoupling.MIXED),
        (small_lenet(), (8, 1, 12, 12), RowCoupling.NONE),
        (
            onnx_bytes([helper.make_node("Softmax", ["x"], ["y"], axis=0)], {"x": ("n", 3)}, {"y": ("n", 3)}),
            (8, 3),
            RowCoupling.MIXED,
        ),
    ],
    ids=["scaled", "centred", "lenet", "softmax over the batch"],
)
def test_coupling_of_real_graphs(model: bytes, shape: tuple[int, ...], coupling: RowCoupling) -> None:
    """A mean or a softmax over the batch is found out; independent rows are let share."""
    session = Session(model, providers=[CPU_PROVIDER], num_threads=1)
    sample = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    assert couple(session, (sample,)) is coupling


def test_one_golden_row_is_enough_to_find_a_mean_over_the_batch() -> None:
    """Copies of one row have that row as their mean and would hide it: others are put beside it."""
    sample = sample_inputs(signature(3), [{"x": np.ones((1, 3), np.float32)}])
    assert sample is not None
    session = Session(centred(), providers=[CPU_PROVIDER], num_threads=1)
    assert couple(session, sample) is RowCoupling.MIXED


def test_golden_rows_are_the_sample_where_there_are_enough() -> None:
    """They are what the network was made for; examples of other lengths are left out."""
    golden: list[Mapping[str, NDArray[Any]]] = [
        {"x": np.full((5, 4), 1, np.float32)},
        {"x": np.full((5, 6), 2, np.float32)},
        {"x": np.full((5, 4), 3, np.float32)},
    ]
    sample = sample_inputs(signature("length"), golden)
    assert sample is not None
    assert sample[0].tolist() == [[1] * 4] * 5 + [[3] * 4] * 3


def test_unbatched_golden_example_is_taken_whole() -> None:
    """Nothing is cut along an axis that is no batch."""
    x = np.arange(40, dtype=np.float32).reshape(20, 2)
    sample = sample_inputs(signature(2, batched=False), [{"x": x}])
    assert sample is not None
    assert np.array_equal(sample[0], x)


@pytest.mark.parametrize("oip", ["FP32", "FP16", "BF16", "INT64", "UINT8", "BOOL", "FP64", "INT8"])
def test_random_samples_have_the_signatures_type_and_lengths(oip: str) -> None:
    """Dynamic axes get a length of 1, the batch the distinct rows; integers are 0 or 1, valid almost anywhere."""
    sample = sample_inputs(signature(3, "length", None, oip=oip), [])
    assert sample is not None
    assert sample[0].shape == (DISTINCT_ROWS, 3, 1, 1)
    assert sample[0].dtype == BY_OIP[oip].dtype
    if sample[0].dtype.kind in "iu":
        assert set(sample[0].ravel().tolist()) == {0, 1}


def test_same_seed_same_sample() -> None:
    """A start can be made again."""
    first, second = (sample_inputs(signature(3), []) for _ in range(2))
    assert first is not None
    assert second is not None
    assert np.array_equal(first[0], second[0])


def test_no_sample_can_be_made_of_text() -> None:
    """Which texts a graph takes, nobody knows."""
    assert sample_inputs(signature(1, oip="BYTES"), []) is None


def test_graph_without_inputs_runs_on_nothing() -> None:
    """A graph of constants is warmed up as it is."""
    spec = TensorSpec("y", BY_OIP["FP32"], (2,))
    assert sample_inputs(Signature((), (spec,), batched=False), []) == ()


def test_repeat_goes_round() -> None:
    """Rows over and over, as many as wanted."""
    assert repeat(rows(1, 2, 3), 7)[0].ravel().tolist() == [1, 2, 3, 1, 2, 3, 1]


def test_measuring_opens_a_session_for_each_number_of_threads() -> None:
    """Sessions that run side by side share one; rates are of rows a second, and so above none."""
    opened: list[int] = []

    def open_session(num_threads: int) -> Doubler:
        opened.append(num_threads)
        return Doubler()

    candidates = [Layout(1, 1), Layout(2, 1)]
    plan = measure_plan(open_session, rows(1, 2), batched=True, layouts=candidates)
    assert opened == [1]
    assert plan.layout in candidates
    assert plan.rows_per_second > 0
    assert plan.source == "measured"


def test_rates_are_by_the_clock_that_is_given() -> None:
    """Two seconds of processor time a run are half a row a second, however long the machine took over them."""
    session = Doubler()
    plan = measure_plan(
        lambda _: session, rows(1), batched=True, layouts=[Layout(1, 1)], clock=lambda: 2.0 * len(session.batches)
    )
    assert plan.rows_per_second == pytest.approx(0.5)


def test_unbatched_graphs_are_measured_on_the_sample_as_it_is() -> None:
    """Neither cut nor repeated."""
    session = Doubler()
    measure_plan(lambda _: session, rows(1, 2, 3), batched=False, layouts=[Layout(1, 1)])
    assert {batch.shape for batch in session.batches} == {(3, 1)}
