"""Which batch size and layout are chosen, for rates that were measured on two cores."""

from collections.abc import Mapping

import pytest
from podium_server.plan import BATCH_SIZES, Layout, Plan, choose, layouts, served

ONE, SIDE_BY_SIDE, INSIDE = Layout(1, 1), Layout(2, 1), Layout(1, 2)

# Images a second of EfficientNet-Lite0: two one-thread sessions give 430 at batch 2 to 4 and 272 at 32, one session of
# two threads gives 346.
EFFICIENTNET: Mapping[Layout, list[float]] = {
    ONE: [205, 216, 215, 209, 190, 140, 136],
    SIDE_BY_SIDE: [401, 430, 430, 412, 371, 272, 264],
    INSIDE: [340, 346, 345, 330, 300, 240, 230],
}
# Rows a second of LeNet-5: one session outruns the wire by far, and more sessions would take the lock away from it.
LENET: Mapping[Layout, list[float]] = {
    ONE: [15_000, 24_000, 35_000, 44_000, 50_000, 54_000, 55_000],
    SIDE_BY_SIDE: [29_000, 47_000, 68_000, 86_000, 98_000, 106_000, 108_000],
    INSIDE: [14_000, 23_000, 34_000, 46_000, 60_000, 80_000, 90_000],
}


class Stopwatch:
    """Plays back measured rates, and remembers what was asked for."""

    def __init__(self, rates: Mapping[Layout, list[float]]) -> None:
        self.rates = rates
        self.asked: list[tuple[Layout, int]] = []

    def __call__(self, layout: Layout, size: int) -> float:
        self.asked.append((layout, size))
        return self.rates[layout][BATCH_SIZES.index(size)]


def test_efficientnet_runs_side_by_side_in_small_batches() -> None:
    """Two sessions of one thread at two rows; larger batches that lose a third are not chosen."""
    plan = choose(Stopwatch(EFFICIENTNET), layouts(2), BATCH_SIZES)
    assert plan == Plan(SIDE_BY_SIDE, 2, 430, "measured")


def test_lenet_runs_in_one_session_with_large_batches() -> None:
    """One session at 32 rows, the smallest size of about the top rate; no second session is even tried."""
    stopwatch = Stopwatch(LENET)
    assert choose(stopwatch, layouts(2), BATCH_SIZES) == Plan(ONE, 32, 54_000, "measured")
    assert {layout for layout, _ in stopwatch.asked} == {ONE}


def test_slow_lenet_leaves_a_core_to_the_wire() -> None:
    """A row and its call cost about the same: one core for each gives what two sessions could give beside the wire."""
    rates = {ONE: [3_300.0] * 7, SIDE_BY_SIDE: [7_700.0] * 7, INSIDE: [6_500.0] * 7}
    assert choose(Stopwatch(rates), layouts(2), BATCH_SIZES).layout == ONE


def test_what_is_served_is_bounded_by_graph_wire_and_cores() -> None:
    """Each of the three bounds, worked out by hand for 0.2 ms of wire a request."""
    assert served(100, ONE, 2) == pytest.approx(100)
    assert served(50_000, ONE, 2) == pytest.approx(5_000)
    assert served(7_700, SIDE_BY_SIDE, 2) == pytest.approx(2 / (0.0002 + 2 / 7_700))


def test_sizes_beyond_a_clear_decline_are_not_tried() -> None:
    """The start is not held up by batches that only lose."""
    stopwatch = Stopwatch(EFFICIENTNET)
    choose(stopwatch, layouts(2), BATCH_SIZES)
    assert max(size for _, size in stopwatch.asked) == 32


def test_batches_that_would_hold_a_session_for_long_are_not_tried() -> None:
    """At 10 ms a row nobody waits for a batch of 16: more than 0.1 s."""
    stopwatch = Stopwatch({ONE: [100, 101, 102, 103, 200, 300, 400]})
    assert choose(stopwatch, [ONE], BATCH_SIZES) == Plan(ONE, 1, 100, "measured")
    assert max(size for _, size in stopwatch.asked) == 8


def test_layout_that_gains_nothing_is_not_taken() -> None:
    """Among equals the least demanding layout wins."""
    rates = {ONE: [100.0] * 7, SIDE_BY_SIDE: [102.0] * 7, INSIDE: [99.0] * 7}
    assert choose(Stopwatch(rates), layouts(2), BATCH_SIZES) == Plan(ONE, 1, 100, "measured")


def test_graph_of_fixed_batch_is_measured_at_one_only() -> None:
    """Only the layout is chosen then."""
    stopwatch = Stopwatch(EFFICIENTNET)
    assert choose(stopwatch, layouts(2), (1,)) == Plan(SIDE_BY_SIDE, 1, 401, "measured")
    assert {size for _, size in stopwatch.asked} == {1}


def test_one_core_has_one_layout() -> None:
    """Nothing is tried twice."""
    assert layouts(1) == [ONE]
    assert layouts(2) == [ONE, SIDE_BY_SIDE, INSIDE]
    assert layouts(64) == [ONE, Layout(64, 1), Layout(1, 64)]


def test_nothing_to_choose_from_is_a_bug() -> None:
    """The caller always has a layout."""
    with pytest.raises(ValueError, match="no layout"):
        choose(Stopwatch({}), [], BATCH_SIZES)
