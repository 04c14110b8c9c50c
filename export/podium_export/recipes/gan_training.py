"""Trains a class-conditional GAN of digits: minutes of work on one core, the same every time.

The game is that of I. Goodfellow et al. 2014 in the hinge form of J. H. Lim and J. C. Ye 2017, arXiv:1705.02894;
the discriminator is told the class by projection (T. Miyato, M. Koyama 2018, arXiv:1802.05637) and kept smooth by
spectral normalization (T. Miyato et al. 2018, arXiv:1802.05957). What is published is the running mean of the
generator's weights.

Shapes: B batch, C channels, H height, W width, F features, D latent dimensions.
"""

import copy
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import spectral_norm

from podium_export.architectures.conditional_gan import ConditionalGANConfig, ConditionalGenerator
from podium_export.architectures.layers import Kind, Layer
from podium_export.recipes.digit_training import NUM_CLASSES, Digits, Progress
from podium_export.recipes.reproducible import reproducible
from podium_export.recipes.variation import Variation


@dataclass(frozen=True, slots=True)
class GANPlan:
    """How large, how long and how fast.

    Attributes:
        latent_size: dimensions of the noise.
        embedding_size: numbers that stand for a class.
        filters: channels of the generator's 7×7 picture; half of them at 14×14.
        num_steps: steps of the discriminator; the generator takes every `discriminator_steps`-th.
        discriminator_steps: steps of the discriminator for one of the generator.
        batch_size: digits a step.
        discriminator_rate: of Adam.
        generator_rate: of Adam; both fall to nothing over the last half.
        averaging: part of the running mean of the weights that a step keeps.
        seed: of the first weights, the order, the changes and the noise.
    """

    latent_size: int = 24
    embedding_size: int = 16
    filters: int = 64
    num_steps: int = 4000
    discriminator_steps: int = 1
    batch_size: int = 64
    discriminator_rate: float = 4e-4
    generator_rate: float = 4e-4
    averaging: float = 0.998
    seed: int = 0


class Discriminator(nn.Module):
    """Two convolutions and a linear layer: how real a picture of a class looks."""

    def __init__(self, filters: int = 64, features: int = 256) -> None:
        super().__init__()
        self.conv1 = spectral_norm(nn.Conv2d(1, filters // 2, 4, 2, 1))
        self.conv2 = spectral_norm(nn.Conv2d(filters // 2, filters, 4, 2, 1))
        self.fc = spectral_norm(nn.Linear(filters * 49, features))
        self.score = spectral_norm(nn.Linear(features, 1))
        self.classes = spectral_norm(nn.Embedding(NUM_CLASSES, features))

    def forward(self, x_BCHW: Tensor, label_B: Tensor) -> Tensor:
        """Map pictures and classes to scores (B,): Miyato & Koyama, equation 3."""
        h_BCHW = F.leaky_relu(self.conv1(x_BCHW), 0.2)
        h_BCHW = F.leaky_relu(self.conv2(h_BCHW), 0.2)
        h_BF = F.leaky_relu(self.fc(h_BCHW.flatten(1)), 0.2)
        score_B: Tensor = self.score(h_BF).squeeze(1) + (self.classes(label_B) * h_BF).sum(dim=1)
        return score_B


def generator_of(plan: GANPlan) -> ConditionalGenerator:
    """Lay out the generator: 7×7, 14×14, 28×28."""
    size, wide = plan.latent_size + plan.embedding_size, plan.filters
    layers = (
        Layer("0", Kind.UP, size, wide, 7, bias=False),
        Layer("1", Kind.NORM, wide, wide),
        Layer("3", Kind.UP, wide, wide // 2, 4, bias=False),
        Layer("4", Kind.NORM, wide // 2, wide // 2),
        Layer("6", Kind.UP, wide // 2, 1, 4),
    )
    return ConditionalGenerator(ConditionalGANConfig(layers, NUM_CLASSES, plan.embedding_size))


def train_gan(digits: Digits, plan: GANPlan, progress: Progress) -> ConditionalGenerator:
    """Train from nothing; the same digits, plan and PyTorch give the same weights."""
    with reproducible(plan.seed) as chance:
        generator, discriminator = generator_of(plan).train(), Discriminator().train()
        average = copy.deepcopy(generator)
        players = (
            torch.optim.Adam(discriminator.parameters(), plan.discriminator_rate, betas=(0.5, 0.999)),
            torch.optim.Adam(generator.parameters(), plan.generator_rate, betas=(0.5, 0.999)),
        )
        schedules = [torch.optim.lr_scheduler.LambdaLR(player, lambda step: _rate(step, plan)) for player in players]
        for step, real in enumerate(_batches(digits, plan, chance), start=1):
            with torch.no_grad():
                fake = generator(*_noise(plan, plan.batch_size, chance, real.labels))
            real_B, fake_B = discriminator(torch.cat((real.images, fake)), real.labels.repeat(2)).chunk(2)
            _descend(players[0], F.relu(1 - real_B).mean() + F.relu(1 + fake_B).mean())  # Lim & Ye, equation 14
            if step % plan.discriminator_steps == 0:
                z_BD, label_B = _noise(plan, plan.batch_size, chance)
                _descend(players[1], -discriminator(generator(z_BD, label_B), label_B).mean())
                _follow(average, generator, plan.averaging)
            for schedule in schedules:
                schedule.step()
            progress(step, plan.num_steps)
        _settle(average, plan, chance)
    return average.eval()


def _batches(digits: Digits, plan: GANPlan, chance: torch.Generator) -> Iterator[Digits]:
    """Yield digits in random order, slightly changed, with pixels in -1 ... 1."""
    variation = Variation(max_turn=0.12, max_shift_px=1.0, max_scale=0.06)
    for _ in range(plan.num_steps):
        real = digits.at(torch.randint(len(digits), (plan.batch_size,), generator=chance))
        yield Digits(variation.apply(real.images, chance) * 2 - 1, real.labels)


def _noise(plan: GANPlan, count: int, chance: torch.Generator, label_B: Tensor | None = None) -> tuple[Tensor, Tensor]:
    z_BD = torch.randn(count, plan.latent_size, generator=chance)
    return z_BD, torch.randint(NUM_CLASSES, (count,), generator=chance) if label_B is None else label_B


def _rate(step: int, plan: GANPlan) -> float:
    """Give the part of the learning rate that is left: all of it, then a straight way to nothing."""
    return min(1.0, 2 * (1 - step / (plan.num_steps + 1)))


def _descend(player: torch.optim.Optimizer, loss: Tensor) -> None:
    player.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    player.step()


def _follow(average: nn.Module, network: nn.Module, kept: float) -> None:
    """Move the running mean of the weights towards the network's."""
    with torch.no_grad():
        for mean, weight in zip(average.parameters(), network.parameters(), strict=True):
            mean.lerp_(weight, 1 - kept)


def _settle(generator: nn.Module, plan: GANPlan, chance: torch.Generator) -> None:
    """Measure anew what batch normalization needs: the averaged weights make other features."""
    for module in generator.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the plain mean of all batches
    with torch.no_grad():
        for _ in range(100):
            generator(*_noise(plan, 100, chance))
