"""`digits-gan`: digits of the class that is asked for."""

from collections.abc import Sequence

import torch
from podium.v1 import model_manifest_pb2 as pb
from torch import Tensor, nn

from podium_export.architectures.conditional_gan import ConditionalGenerator
from podium_export.assembling import Published
from podium_export.package import Destination
from podium_export.progress import Progress
from podium_export.recipes import digit_training
from podium_export.recipes.digit_pictures import learned_and_held_out
from podium_export.recipes.digit_training import NUM_CLASSES, Digits
from podium_export.recipes.gan_training import GANPlan, train_gan
from podium_export.recipes.stored_weights import StoredWeights

STORED = StoredWeights(
    "digits-gan", "conditional-gan", "Draws handwritten digits, bright on dark, of the class that is asked for."
)

PER_CLASS = 200
"""Digits of each class that figures are measured on."""


def make(destination: Destination, progress: Progress) -> Published:
    """Export the stored weights."""
    return STORED.make(destination, progress)


def train(progress: Progress) -> ConditionalGenerator:
    """Train from nothing."""
    learned, _ = learned_and_held_out()
    progress.step(f"Training a GAN on {len(learned):,} digits")
    return train_gan(learned, GANPlan(), lambda done, steps: progress.detail(f"{done:,} of {steps:,} steps"))


def evaluate(network: nn.Module) -> Sequence[pb.Evaluation]:
    """Let a LeNet read the digits, and compare their variety with that of real ones."""
    assert isinstance(network, ConditionalGenerator)
    learned, held_out = learned_and_held_out()
    reader = digit_training.train(learned, digit_training.Plan(), lambda _done, _steps: None)
    drawn = draw(network)
    read = digit_training.accuracy(reader, drawn)
    varied = variety(drawn) / variety(held_out)
    count = len(drawn)
    return [
        pb.Evaluation(
            metric="accuracy", value=read, dataset="digits asked for, as LeNet-5 reads them", num_examples=count
        ),
        pb.Evaluation(
            metric="variety within a class",
            value=varied,
            unit="of real digits'",
            dataset="digits asked for",
            num_examples=count,
        ),
    ]


def draw(network: ConditionalGenerator, *, seed: int = 0) -> Digits:
    """Draw `PER_CLASS` digits of each class, with pixels in 0 ... 1."""
    label_B = torch.arange(NUM_CLASSES).repeat_interleave(PER_CLASS)
    chance = torch.Generator().manual_seed(seed)
    with torch.inference_mode():
        x_BCHW: Tensor = network(torch.randn(len(label_B), network.config.latent_size, generator=chance), label_B)
    return Digits((x_BCHW + 1) / 2, label_B)


def variety(digits: Digits) -> float:
    """Give the mean distance of two digits of one class: the Euclidean one of their pixels, over all classes."""
    classes = (digits.images[digits.labels == label].flatten(1) for label in range(NUM_CLASSES))
    return float(torch.stack([torch.pdist(images).mean() for images in classes]).mean())
