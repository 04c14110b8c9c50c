"""Percentiles, by their definition."""

import pytest
from podium_client.load.measured import percentile


@pytest.mark.parametrize(("percent", "expected"), [(0, 15), (5, 15), (30, 20), (40, 20), (50, 35), (100, 50)])
def test_the_nearest_rank_is_taken(percent: float, expected: float) -> None:
    """The textbook example of the nearest-rank method: of 15, 20, 35, 40, 50."""
    assert percentile([15, 20, 35, 40, 50], percent) == expected


def test_one_in_a_hundred_is_not_in_the_99th_percentile() -> None:
    """Of 100 calls with one slow one the 99th percentile is quick; with two it is slow."""
    assert percentile([1.0] * 99 + [9.0], 99) == 1.0
    assert percentile([1.0] * 98 + [9.0] * 2, 99) == 9.0


def test_of_nothing_there_is_no_latency() -> None:
    """Without a call every percentile is 0."""
    assert percentile([], 50) == 0
