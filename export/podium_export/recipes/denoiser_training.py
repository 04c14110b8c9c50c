"""Trains a denoising autoencoder of digits: a minute or two of work, the same every time.

P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol: Extracting and Composing Robust Features with Denoising
Autoencoders, 2008, section 2.3: the picture is spoiled, and the network is measured against the clean one.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from podium_export.architectures.autoencoder import Autoencoder, AutoencoderConfig
from podium_export.architectures.layers import Kind, Layer, linear_layers
from podium_export.recipes.digit_training import Digits, Progress
from podium_export.recipes.one_cycle import train_one_cycle

NOISE = 0.4
"""The standard deviation of the noise that figures are measured with; pixels are 0 ... 1, and stay there."""


@dataclass(frozen=True, slots=True)
class DenoiserPlan:
    """How large, how long and how fast.

    Attributes:
        latent_size: numbers between the halves.
        filters: of the first convolution; twice as many of the second.
        max_noise: the greatest standard deviation of the noise learned from; each picture has its own.
        max_missing: the greatest part of pixels that are set to 0, as in the paper; each picture has its own.
        num_epochs: times that every digit is seen.
        batch_size: digits a step.
        peak_learning_rate: of Adam, reached a tenth of the way.
        seed: of the first weights, the order, the changes and the noise.
    """

    latent_size: int = 64
    filters: int = 32
    max_noise: float = 0.7
    max_missing: float = 0.4
    num_epochs: int = 50
    batch_size: int = 50
    peak_learning_rate: float = 2e-3
    seed: int = 0

    @property
    def config(self) -> AutoencoderConfig:
        """The layers: 28×28, 14×14, 7×7 and back."""
        few, many = self.filters, 2 * self.filters
        return AutoencoderConfig(
            encoder=(
                Layer("0", Kind.DOWN, 1, few, 4),
                Layer("2", Kind.DOWN, few, many, 4),
                Layer("5", Kind.LINEAR, many * 49, self.latent_size),
            ),
            decoder=(
                *linear_layers(self.latent_size, many * 49),
                Layer("3", Kind.UP, many, few, 4),
                Layer("5", Kind.UP, few, 1, 4),
            ),
        )


def train_denoiser(digits: Digits, plan: DenoiserPlan, progress: Progress) -> Autoencoder:
    """Train from nothing; the same digits, plan and PyTorch give the same weights."""

    def loss(network: Autoencoder, clean_BCHW: Tensor, chance: torch.Generator) -> Tensor:
        return F.binary_cross_entropy(network(_spoiled(clean_BCHW, plan, chance)), clean_BCHW)

    return train_one_cycle(lambda: Autoencoder(plan.config), loss, digits, plan, progress)


def noisy(images: Tensor, deviation: Tensor | float, chance: torch.Generator) -> Tensor:
    """Add normal noise to pictures, and keep their pixels in 0 ... 1."""
    return (images + torch.randn(images.shape, generator=chance) * deviation).clamp(0, 1)


def squared_errors(network: Autoencoder, digits: Digits, *, seed: int = 0) -> tuple[float, float]:
    """Give the mean squared error of noisy digits against clean ones, and that of what the network makes of them."""
    spoiled = noisy(digits.images, NOISE, torch.Generator().manual_seed(seed))
    with torch.inference_mode():
        cleaned = network(spoiled)
    return tuple(float(((images - digits.images).double() ** 2).mean()) for images in (spoiled, cleaned))  # type: ignore[return-value]


def _spoiled(images: Tensor, plan: DenoiserPlan, chance: torch.Generator) -> Tensor:
    """Set some pixels to 0 and add noise, to each picture as much as chance wants."""

    def part(bound: float) -> Tensor:
        return torch.rand(len(images), 1, 1, 1, generator=chance) * bound

    kept = torch.rand(images.shape, generator=chance) >= part(plan.max_missing)
    return noisy(images * kept, part(plan.max_noise), chance)
