"""`digits-gan`, as it is served: digits that are read as asked for, and differ."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from podium_export.architectures import ARCHITECTURES
from podium_export.checkpoint import load_checkpoint
from podium_export.fitting import fit_architecture
from podium_export.package import Destination
from podium_export.progress import Silence
from podium_export.recipes import RECIPES
from podium_export.recipes.digit_pictures import learned_and_held_out
from podium_export.recipes.digit_training import Digits
from podium_export.recipes.digits_gan import variety
from torch.nn import functional as F

from tests.export.architectures.halves import run_graph

PER_CLASS = 100


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the package."""
    return RECIPES["digits-gan"].make(Destination(tmp_path_factory.mktemp("models"), "digits-gan"), Silence()).path


@pytest.fixture(scope="module")
def drawn(package: Path) -> Digits:
    """Draw a hundred digits of each class from the package, from another seed than the recipe's figures."""
    labels = np.arange(10).repeat(PER_CLASS)
    latent = np.random.default_rng(7).standard_normal((len(labels), 24), np.float32)
    image: NDArray[Any] = run_graph(package, "decoder", latent=latent, label=labels)["image"]
    return Digits(torch.from_numpy((image + 1) / 2), torch.from_numpy(labels))


def test_a_published_lenet_reads_what_was_asked_for(data: Path, drawn: Digits) -> None:
    """At least 95 % of them: a LeNet-5 that has nothing to do with this training, at its own 32×32."""
    checkpoint = load_checkpoint(data / "image-classification" / "lenet5-mnist.pth")
    reader = fit_architecture(ARCHITECTURES["lenet5-32"], checkpoint).network
    with torch.inference_mode():
        read = reader(F.interpolate(drawn.images, (32, 32), mode="bilinear")).argmax(dim=1)
    assert float((read == drawn.labels).double().mean()) >= 0.95


def test_digits_of_a_class_differ_as_real_ones_do(drawn: Digits) -> None:
    """Two of a class are at least 85 % as far apart as two real ones; the same digit over and over would give 0."""
    _, held_out = learned_and_held_out()
    assert 0.85 <= variety(drawn) / variety(held_out) <= 1.1


def test_digits_are_not_copies_of_the_learned_ones(drawn: Digits) -> None:
    """The nearest learned digit is no nearer to a drawn one than half of what it is to a held-out one."""
    learned, held_out = learned_and_held_out()

    def nearest(digits: Digits) -> float:
        distances = torch.cdist(digits.images.flatten(1), learned.images.flatten(1))
        return float(distances.min(dim=1).values.mean())

    assert nearest(drawn) > 0.5 * nearest(held_out)


def test_variety_is_the_mean_distance_of_two() -> None:
    """Two pictures of each class, all pixels of one 0 and of the other 1: sqrt(784) apart."""
    images = torch.stack((torch.zeros(1, 28, 28), torch.ones(1, 28, 28))).repeat(10, 1, 1, 1)
    assert variety(Digits(images, torch.arange(10).repeat_interleave(2))) == pytest.approx(28.0)
