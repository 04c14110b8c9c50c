"""Published generative networks as packages, the digits that they learned from, and a LeNet-5 that reads digits."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from podium_export.architectures import ARCHITECTURES
from podium_export.assembling import Published, Source
from podium_export.checkpoint import load_checkpoint
from podium_export.exporting import export_network
from podium_export.fitting import fit_architecture
from podium_export.package import Destination
from torch import Tensor, nn
from torch.nn import functional as F

from tests.export.networks import DATA


def published_network(architecture: str, file: str) -> nn.Module:
    """Build a published network with its weights; the test is skipped where they are not."""
    if not DATA.is_dir():
        pytest.skip("needs the real checkpoints of ../shared/data")
    return fit_architecture(ARCHITECTURES[architecture], load_checkpoint(DATA / file)).network


def export_published(architecture: str, file: str, repository: Path) -> Published:
    """Export a published network under its architecture's name."""
    blueprint = ARCHITECTURES[architecture].blueprint(published_network(architecture, file))
    return export_network(blueprint, Source(architecture), Destination(repository, architecture))


@dataclass(frozen=True, slots=True)
class Digits:
    """The README's five thousand digits: (5000, 1, 28, 28) in 0 ... 1, and what they are."""

    images: Tensor
    labels: Tensor


def digits() -> Digits:
    """Read the digits; the test is skipped where they are not."""
    if not DATA.is_dir():
        pytest.skip("needs the digits of ../shared/data")
    with np.load(DATA / "image-classification" / "mnist-5000.npz") as arrays:
        return Digits(torch.tensor(arrays["images"])[:, None] / 255, torch.tensor(arrays["labels"]))


def read_digits(images: Tensor) -> Tensor:
    """Give the probabilities (B, 10) that LeNet-5 reads in digits (B, 1, H, W) of 0 ... 1."""
    lenet = published_network("lenet5-32", "image-classification/lenet5-mnist.pth")
    with torch.inference_mode():
        probabilities: Tensor = lenet(F.interpolate(images, (32, 32), mode="bilinear")).exp()
    return probabilities
