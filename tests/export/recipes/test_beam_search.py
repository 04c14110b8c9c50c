"""Beam search, against every sequence that there is."""

import itertools

import pytest
import torch
from podium_export.recipes.beam_search import States, beam_search
from torch import Tensor

START, END, SIZE, MAX_TOKENS = 0, 1, 4, 4


def chain(seed: int) -> Tensor:
    """Give the logits of the token after each token."""
    return torch.randn(SIZE, SIZE, generator=torch.Generator().manual_seed(seed)) * 2


def best_of_all(table: Tensor, length_penalty: float) -> list[int]:
    """Give the best of all sequences that end, or have as many tokens as they may."""
    log_p = table.double().log_softmax(-1)
    scores: dict[tuple[int, ...], float] = {}
    for length in range(1, MAX_TOKENS + 1):
        for tokens in itertools.product(range(SIZE), repeat=length):
            if END in tokens[:-1] or (tokens[-1] != END and length < MAX_TOKENS):
                continue
            steps = itertools.pairwise((START, *tokens))
            scores[tokens] = sum(float(log_p[a, b]) for a, b in steps) / length**length_penalty
    best = max(scores, key=lambda tokens: scores[tokens])
    return [token for token in best if token != END]


@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(5))
def test_enough_beams_find_the_best_of_all(seed: int, length_penalty: float) -> None:
    """With as many beams as there are sequences nothing is lost."""
    table = chain(seed)

    def step(token: Tensor, states: States) -> tuple[Tensor, States]:
        return table[token[:, 0]], states

    found = beam_search(
        step,
        (torch.zeros(1, 1),),
        START,
        END,
        num_beams=SIZE**MAX_TOKENS // 2,
        max_tokens=MAX_TOKENS,
        length_penalty=length_penalty,
    )
    assert [list(tokens) for tokens in found] == [best_of_all(table, length_penalty)]


def test_states_follow_their_hypotheses() -> None:
    """A state that counts the tokens of its row's sequence so far is the row's own, whichever beams are left."""

    def step(token: Tensor, states: States) -> tuple[Tensor, States]:
        (sums,) = states
        sums = sums + token
        return torch.stack((sums[:, 0] * 0, sums[:, 0] - 3, torch.ones(len(sums)), -sums[:, 0]), dim=1), (sums,)

    alone = [beam_search(step, (torch.full((1, 1), first),), START, END, num_beams=3, max_tokens=6) for first in (0, 5)]
    both = beam_search(step, (torch.tensor([[0], [5]]),), START, END, num_beams=3, max_tokens=6)
    assert both == [*alone[0], *alone[1]]
    assert both[0] != both[1]
