"""Tokens are chosen as the contract says, and each row as if alone: compared with plain loops."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from podium_server.generation.job import Sampling
from podium_server.generation.row_settings import RowSettings
from podium_server.generation.sampler import Choices, choose

from tests.server.generation.plain import choose_plainly

SAMPLINGS = [
    Sampling(),
    Sampling(temperature=0.0),
    Sampling(temperature=0.7),
    Sampling(temperature=2.5),
    Sampling(top_k=1),
    Sampling(top_k=5),
    Sampling(top_p=0.3),
    Sampling(top_p=0.95),
    Sampling(temperature=0.6, top_k=7, top_p=0.8),
    Sampling(repetition_penalty=1.7),
    Sampling(temperature=0.0, repetition_penalty=3.0),
    Sampling(temperature=1.3, top_k=9, top_p=0.9, repetition_penalty=0.5),
]


def rows(count: int, size: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.bool_]]:
    """Random logits, uniform numbers, and marks of tokens that are there already."""
    random = np.random.default_rng(seed)
    logits = (random.standard_normal((count, size)) * 4).astype(np.float32)
    return logits, random.random(count), random.random((count, size)) < 0.2


def chosen(logits: NDArray[Any], samplings: list[Sampling], uniform: NDArray[np.float64], **more: Any) -> Choices:
    return choose(logits, RowSettings.of(samplings, logits.shape[1]), uniform, **more)


@pytest.mark.parametrize("size", [2, 11, 65, 700])
@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
def test_tokens_are_those_of_a_plain_loop(sampling: Sampling, size: int) -> None:
    """Penalty, temperature, top-k, top-p, then the first token that the cumulative distribution takes over u."""
    logits, uniform, seen = rows(40, size)
    suppressed = np.array([0, size - 1]) if size > 2 else None
    ids = chosen(logits, [sampling] * 40, uniform, seen_NV=seen, suppressed=suppressed).token_ids_N
    never = () if suppressed is None else suppressed.tolist()
    expected = [
        choose_plainly(x.tolist(), sampling, float(u), np.flatnonzero(s).tolist(), never)
        for x, u, s in zip(logits, uniform, seen, strict=True)
    ]
    assert ids.tolist() == expected


samplings = st.builds(
    Sampling,
    temperature=st.sampled_from([0.0, 0.5, 1.0, 3.0]),
    top_k=st.none() | st.integers(1, 12),
    top_p=st.none() | st.sampled_from([0.05, 0.5, 0.75, 0.999, 1.0]),
    repetition_penalty=st.sampled_from([0.5, 1.0, 2.0]),
)


@given(
    logits=st.lists(st.integers(-6, 6), min_size=1, max_size=9),
    sampling=samplings,
    uniform=st.floats(0, 1, exclude_max=True),
    seen=st.sets(st.integers(0, 8)),
)
def test_ties_go_to_the_lowest_id(logits: list[int], sampling: Sampling, uniform: float, seen: set[int]) -> None:
    """Whole numbers tie all the time: at the maximum, and at the borders of top-k and top-p."""
    marks = np.array([[i in seen for i in range(len(logits))]])
    x = np.array([logits], np.float32)
    ids = chosen(x, [sampling], np.array([uniform]), seen_NV=marks).token_ids_N
    there = [i for i in seen if i < len(logits)]
    assert ids.tolist() == [choose_plainly([float(v) for v in logits], sampling, uniform, there)]


@pytest.mark.parametrize("size", [11, 65, 600, 5820])
def test_a_row_is_the_same_bytes_whatever_is_beside_it(size: int) -> None:
    """Each of 64 rows, with settings of all kinds mixed, as alone; in pieces of 7; and in another order."""
    logits, uniform, seen = rows(64, size, 3)
    mixed = [SAMPLINGS[i % len(SAMPLINGS)] for i in range(64)]
    together = chosen(logits, mixed, uniform, seen_NV=seen)

    def some(index: "list[int]") -> Choices:
        return chosen(logits[index], [mixed[i] for i in index], uniform[index], seen_NV=seen[index])

    for index in (
        [[i] for i in range(64)] + [list(range(i, min(i + 7, 64))) for i in range(0, 64, 7)] + [[*range(64)][::-1]]
    ):
        part = some(index)
        assert part.token_ids_N.tolist() == together.token_ids_N[index].tolist()
        assert part.log_probabilities_N.tobytes() == together.log_probabilities_N[index].tobytes()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_log_probabilities_are_the_log_softmax_of_the_raw_logits(dtype: Any) -> None:
    """As PyTorch's in double precision, whatever temperature, top-k and penalty do to the choice."""
    logits, uniform, seen = rows(48, 65)
    logits = logits.astype(dtype)
    choices = chosen(logits, SAMPLINGS * 4, uniform, seen_NV=seen)
    expected = torch.log_softmax(torch.from_numpy(logits).double(), -1).numpy()
    picked = expected[np.arange(48), choices.token_ids_N]
    np.testing.assert_allclose(choices.log_probabilities_N, picked, rtol=1e-12, atol=1e-13)


def test_draws_follow_the_distribution() -> None:
    """20,000 draws of a top-p distribution: each token's part is what the renormalised softmax says."""
    logits = np.tile(np.log(np.array([0.5, 0.25, 0.15, 0.1], np.float32)), (20_000, 1))
    uniform = np.random.default_rng(5).random(20_000)
    ids = chosen(logits, [Sampling(top_p=0.8)] * 20_000, uniform).token_ids_N
    parts = np.bincount(ids, minlength=4) / 20_000
    np.testing.assert_allclose(parts, [0.5 / 0.9, 0.25 / 0.9, 0.15 / 0.9, 0], atol=0.015)


def test_the_largest_uniform_number_draws_a_possible_token() -> None:
    """1 - 2^-53 times a sum that rounds up would be the sum itself, which nothing is above."""
    random = np.random.default_rng(0)
    logits = random.standard_normal((500, 33)).astype(np.float32)
    logits[:, 20:] = -np.inf
    ids = chosen(logits, [Sampling()] * 500, np.full(500, 1 - 2.0**-53)).token_ids_N
    assert ids.max() < 20


def test_forced_tokens_are_taken_as_they_are() -> None:
    """Targets of a score are neither suppressed nor drawn; their log-probabilities are those of the logits."""
    logits, uniform, _ = rows(3, 11)
    forced = np.array([4, -1, 0])
    choices = chosen(logits, [Sampling(0.0)] * 3, uniform, forced_N=forced, suppressed=np.array([0, 4]))
    expected = torch.log_softmax(torch.from_numpy(logits).double(), -1).numpy()
    assert choices.token_ids_N[[0, 2]].tolist() == [4, 0]
    assert choices.log_probabilities_N[0] == pytest.approx(expected[0, 4], rel=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_logits_that_are_no_numbers_are_told(bad: float) -> None:
    """The log-probability of such a row is none; its neighbours' are."""
    logits, uniform, _ = rows(3, 11)
    logits[1, 3] = bad
    logs = chosen(logits, [Sampling()] * 3, uniform).log_probabilities_N
    assert np.isnan(logs).tolist() == [False, True, False]
