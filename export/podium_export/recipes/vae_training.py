"""Trains a variational autoencoder of digits: a minute or two of work, the same every time.

D. P. Kingma, M. Welling: Auto-Encoding Variational Bayes, 2014, arXiv:1312.6114: the evidence lower bound of
equation 10, one draw of the noise a picture and step.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from podium_export.architectures.layers import Kind, Layer, linear_layers
from podium_export.architectures.vae import VAE, VAEConfig
from podium_export.recipes.digit_training import Digits, Progress
from podium_export.recipes.one_cycle import train_one_cycle


@dataclass(frozen=True, slots=True)
class VAEPlan:
    """How large, how long and how fast.

    Attributes:
        latent_size: dimensions of the latent.
        filters: of the first convolution; twice as many of the second.
        hidden: features between convolutions and latent.
        num_epochs: times that every digit is seen.
        batch_size: digits a step.
        peak_learning_rate: of Adam, reached a tenth of the way.
        seed: of the first weights, the order, the changes and the noise.
    """

    latent_size: int = 8
    filters: int = 32
    hidden: int = 256
    num_epochs: int = 60
    batch_size: int = 50
    peak_learning_rate: float = 2e-3
    seed: int = 0

    @property
    def config(self) -> VAEConfig:
        """The layers: 28×28, 14×14, 7×7 and back."""
        few, many = self.filters, 2 * self.filters
        return VAEConfig(
            encoder=(
                Layer("0", Kind.DOWN, 1, few, 4),
                Layer("2", Kind.DOWN, few, many, 4),
                Layer("5", Kind.LINEAR, many * 49, self.hidden),
            ),
            mean=Layer("mean", Kind.LINEAR, self.hidden, self.latent_size),
            log_variance=Layer("log_variance", Kind.LINEAR, self.hidden, self.latent_size),
            decoder=(
                *linear_layers(self.latent_size, self.hidden, many * 49),
                Layer("5", Kind.UP, many, few, 4),
                Layer("7", Kind.UP, few, 1, 4),
            ),
        )


def train_vae(digits: Digits, plan: VAEPlan, progress: Progress) -> VAE:
    """Train from nothing; the same digits, plan and PyTorch give the same weights."""

    def loss(network: VAE, x_BCHW: Tensor, chance: torch.Generator) -> Tensor:
        epsilon_BD = torch.randn(len(x_BCHW), plan.latent_size, generator=chance)
        log_likelihood_B, divergence_B = network(x_BCHW, epsilon_BD)
        cost: Tensor = (divergence_B - log_likelihood_B).mean()
        return cost

    return train_one_cycle(lambda: VAE(plan.config), loss, digits, plan, progress)


def evidence_lower_bound(network: VAE, digits: Digits, *, num_draws: int = 16, seed: int = 0) -> tuple[float, float]:
    """Give the mean of ln p(x|z) over digits and draws of z, and of the divergence, in nats a digit.

    The bound is the first less the second.
    """
    chance = torch.Generator().manual_seed(seed)
    size = (len(digits), network.config.latent_size)
    with torch.inference_mode():
        runs = [network(digits.images, torch.randn(size, generator=chance)) for _ in range(num_draws)]
    likelihoods, divergences = zip(*runs, strict=True)
    return float(torch.stack(likelihoods).double().mean()), float(torch.stack(divergences).double().mean())
