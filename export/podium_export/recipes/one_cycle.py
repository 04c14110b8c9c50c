"""Trains a network on digits that are changed a little each time, with Adam and one cycle of its learning rate."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

from podium_export.recipes.digit_training import Digits, Progress
from podium_export.recipes.reproducible import reproducible
from podium_export.recipes.variation import Variation

N = TypeVar("N", bound=nn.Module)


class CyclePlan(Protocol):
    """How long and how fast; each recipe's plan says what else it needs."""

    @property
    def num_epochs(self) -> int:
        """Times that every digit is seen."""
        ...

    @property
    def batch_size(self) -> int:
        """Digits a step."""
        ...

    @property
    def peak_learning_rate(self) -> float:
        """Reached after a tenth of the steps."""
        ...

    @property
    def seed(self) -> int:
        """Of the first weights, the order and the changes."""
        ...


def train_one_cycle(
    make_network: Callable[[], N],
    loss: Callable[[N, Tensor, torch.Generator], Tensor],
    digits: Digits,
    plan: CyclePlan,
    progress: Progress,
) -> N:
    """Train from nothing; the same digits, plan and PyTorch give the same weights.

    Args:
        make_network: makes the network, with weights by chance.
        loss: what a batch of pictures (batch, 1, 28, 28) of 0 ... 1 costs; draws from the generator what it needs.
        digits: to learn from.
        plan: how long and how fast.
        progress: told of each step.
    """
    variation = Variation(max_turn=0.12, max_shift_px=1.0, max_scale=0.06)
    with reproducible(plan.seed) as chance:
        network = make_network().train()
        num_steps = plan.num_epochs * (len(digits) // plan.batch_size)
        optimizer = torch.optim.Adam(network.parameters())
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, plan.peak_learning_rate, total_steps=num_steps, pct_start=0.1
        )
        for step in range(1, num_steps + 1):
            places = torch.randint(len(digits), (plan.batch_size,), generator=chance)
            cost = loss(network, variation.apply(digits.images[places], chance).clamp(0, 1), chance)
            optimizer.zero_grad()
            torch.autograd.backward(cost)
            optimizer.step()
            schedule.step()
            progress(step, num_steps)
    return network.eval()
