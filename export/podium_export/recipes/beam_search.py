"""Beam search over a network in PyTorch, for the figures of the bundled models: as the server does it.

Shapes: B sequences, K beams, R = B·K rows, V vocabulary.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

States = tuple[Tensor, ...]
Step = Callable[[Tensor, States], tuple[Tensor, States]]
"""Maps the last tokens (R, 1) and states (R, …) to logits (R, V) and the next states."""


def beam_search(
    step: Step,
    first: States,
    start_id: int,
    end_id: int,
    *,
    num_beams: int,
    max_tokens: int,
    length_penalty: float = 0.0,
) -> Sequence[Sequence[int]]:
    """Give each sequence's best tokens, without start and end.

    Args:
        step: the network; contexts of rows are its own affair, K rows of a sequence next to each other.
        first: states (B, …).
        start_id: what begins every sequence.
        end_id: what ends one.
        num_beams: K, hypotheses kept of each sequence.
        max_tokens: the most tokens, the end included.
        length_penalty: the power of the number of tokens, the end included, that log-probabilities are divided by.
    """
    num = len(first[0])
    states = tuple(state.repeat_interleave(num_beams, 0) for state in first)
    tokens_RT = torch.full((num * num_beams, 1), start_id)
    sum_BK = torch.full((num, num_beams), -torch.inf, dtype=torch.float64)
    sum_BK[:, 0] = 0.0
    length_R = torch.zeros(num * num_beams)
    done_R = torch.zeros(num * num_beams, dtype=torch.bool)
    for _ in range(max_tokens):
        logits_RV, states = step(tokens_RT[:, -1:], states)
        next_RV = logits_RV.double().log_softmax(-1)
        next_RV[done_R] = -torch.inf
        next_RV[done_R, end_id] = 0.0
        vocabulary = next_RV.shape[1]
        sum_BKV = sum_BK[:, :, None] + next_RV.view(num, num_beams, vocabulary)
        sum_BK, chosen_BK = sum_BKV.flatten(1).topk(num_beams)
        row_R = (torch.arange(num)[:, None] * num_beams + chosen_BK // vocabulary).flatten()
        token_R = (chosen_BK % vocabulary).flatten()
        tokens_RT = torch.cat((tokens_RT[row_R], token_R[:, None]), dim=1)
        states = tuple(state[row_R] for state in states)
        length_R = length_R[row_R] + (~done_R[row_R]).float()
        done_R = done_R[row_R] | (token_R == end_id)
        if done_R.all():
            break
    score_BK = sum_BK / length_R.view(num, num_beams) ** length_penalty
    best_B = torch.arange(num) * num_beams + score_BK.argmax(dim=1)
    return [_before(row, end_id) for row in tokens_RT[best_B, 1:].tolist()]


def _before(tokens: Sequence[int], end_id: int) -> Sequence[int]:
    return tokens[: tokens.index(end_id)] if end_id in tokens else tokens
