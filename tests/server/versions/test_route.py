"""Who belongs to a candidate's share of the calls."""

import math

import pytest
from podium_server.versions.route import Share

NUM_CALLS = 20_000


def taken(percent: float) -> set[str]:
    """Of many request ids, those that go to the candidate."""
    share = Share(4, percent)
    return {key for key in map(str, range(NUM_CALLS)) if share.takes(key)}


@pytest.mark.parametrize("percent", [0.5, 10, 50, 99])
def test_share_is_as_large_as_it_says(percent: float) -> None:
    """Within five standard deviations of the binomial distribution."""
    share = percent / 100
    deviation = math.sqrt(NUM_CALLS * share * (1 - share))
    assert abs(len(taken(percent)) - NUM_CALLS * share) < 5 * deviation


def test_all_calls_are_a_share_too() -> None:
    """100 % leaves nobody out."""
    assert len(taken(100)) == NUM_CALLS


def test_same_id_always_goes_to_the_same_version() -> None:
    """Twice the same question, twice the same answer; and who was taken at 10 % is taken at 30 %."""
    assert taken(10) == taken(10)
    assert taken(10) < taken(30)
