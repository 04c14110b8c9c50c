"""Beam search finds what an exhaustive search finds when it may keep everything, and breaks ties as it says."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from podium_server.generation.beam_search import BeamSearch
from podium_server.generation.job import Beams, Finish, Hypothesis

END = 0


def table(size: int, length: int, seed: int) -> dict[tuple[int, ...], NDArray[np.float64]]:
    """A language model as a table: log-probabilities of the next token after every prefix."""
    random = np.random.default_rng(seed)
    model: dict[tuple[int, ...], NDArray[np.float64]] = {}
    for n in range(length):
        for prefix in itertools.product(range(size), repeat=n):
            x = random.standard_normal(size) * 2
            model[prefix] = x - np.log(np.exp(x).sum())
    return model


def search(model: dict[tuple[int, ...], NDArray[np.float64]], beams: Beams, length: int) -> list[Hypothesis]:
    """Run a search to its end."""
    running = BeamSearch(beams, length, np.array([END]))
    prefixes: list[tuple[int, ...]] = [()]
    while True:
        assert len(prefixes) <= beams.num_beams
        survivors = running.advance(np.stack([model[prefix] for prefix in prefixes]))
        if survivors is None:
            return running.best()
        pairs = zip(survivors.parents.tolist(), survivors.token_ids.tolist(), strict=True)
        prefixes = [(*prefixes[parent], token) for parent, token in pairs]


def exhaustive(
    model: dict[tuple[int, ...], NDArray[np.float64]], size: int, length: int, power: float
) -> list[tuple[float, tuple[int, ...]]]:
    """Every text there is, best first."""
    texts = [
        text
        for n in range(1, length + 1)
        for text in itertools.product(range(size), repeat=n)
        if END not in text[:-1] and (text[-1] == END or n == length)
    ]
    scored = [(sum(float(model[t[:i]][t[i]]) for i in range(len(t))) / len(t) ** power, t) for t in texts]
    return sorted(scored, key=lambda s: -s[0])


@given(seed=st.integers(0, 10_000), power=st.sampled_from([0.0, 0.6, 1.0, 2.0]), best=st.integers(1, 6))
def test_wide_beams_find_what_an_exhaustive_search_finds(seed: int, power: float, best: int) -> None:
    """Three tokens, up to four of them: 64 beams prune nothing, so the n best are the n best of all texts."""
    model = table(3, 4, seed)
    found = search(model, Beams(64, power, best), 4)
    expected = exhaustive(model, 3, 4, power)[:best]
    assert [tuple(h.token_ids) for h in found] == [text for _, text in expected]
    assert [h.score for h in found] == pytest.approx([score for score, _ in expected])


@given(seed=st.integers(0, 10_000), beams=st.integers(2, 5), power=st.sampled_from([0.0, 1.0]))
def test_hypotheses_add_up(seed: int, beams: int, power: float) -> None:
    """Log-probabilities are the table's, the score is their sum over the length's power, the best comes first."""
    model = table(4, 5, seed)
    found = search(model, Beams(beams, power, beams), 5)
    assert len(found) == beams
    for h in found:
        ids = tuple(h.token_ids)
        assert h.log_probabilities == [float(model[ids[:i]][ids[i]]) for i in range(len(ids))]
        assert h.score == pytest.approx(math.fsum(h.log_probabilities) / len(ids) ** power)
        assert h.finish is (Finish.END if ids[-1] == END else Finish.LENGTH)
    assert [h.score for h in found] == sorted((h.score for h in found), reverse=True)


def test_among_equals_the_lowest_parent_and_then_the_lowest_id_goes_on() -> None:
    """All tokens equally probable: the beams are the first ones in the order of parent and id."""
    flat = np.full((1, 4), math.log(1 / 4))
    running = BeamSearch(Beams(3, 0.0, 1), 9, np.array([], np.int64))
    first = running.advance(flat)
    assert first is not None
    assert (first.parents.tolist(), first.token_ids.tolist()) == ([0, 0, 0], [0, 1, 2])
    second = running.advance(np.repeat(flat, 3, axis=0))
    assert second is not None
    assert (second.parents.tolist(), second.token_ids.tolist()) == ([0, 0, 0], [0, 1, 2])


def test_suppressed_tokens_are_in_no_hypothesis() -> None:
    """Even where they are the most probable by far."""
    running = BeamSearch(Beams(2, 1.0, 2), 2, np.array([], np.int64), np.array([1]))
    logs = np.log(np.array([[0.1, 0.8, 0.1]]))
    survivors = running.advance(logs)
    assert survivors is not None
    assert survivors.token_ids.tolist() == [0, 2]
    assert running.advance(np.repeat(logs, 2, axis=0)) is None
    assert all(1 not in h.token_ids for h in running.best())


def test_a_search_ends_when_nothing_can_become_better() -> None:
    """The end is certain after the first token: one more step for both beams, and not ninety-nine."""
    running = BeamSearch(Beams(2, 1.0, 1), 100, np.array([END]))
    assert running.advance(np.log(np.array([[1e-9, 0.5, 0.5]]))) is not None
    certain = np.log(np.array([[1 - 2e-9, 1e-9, 1e-9]] * 2))
    assert running.advance(certain) is None
    assert running.best()[0].token_ids == [1, END]
