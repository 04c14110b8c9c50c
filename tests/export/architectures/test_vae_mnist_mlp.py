"""The published VAE of digits."""

from pathlib import Path

import pytest
import torch
from podium_export.architectures.vae_mnist_mlp import build
from podium_export.errors import CheckpointError
from torch.nn import functional as F

from tests.export.architectures.halves import run_graph
from tests.export.published import digits, export_published


def test_the_package_reaches_the_measured_figures(repository: Path) -> None:
    """Its README states a reconstruction of 69.4 nats an image, decoded from the mean, and a KL of 25.9."""
    published = export_published("vae-mnist-mlp", "vae-gan/vae-mnist-mlp.pth", repository)
    images = digits().images
    encoded = {name: torch.tensor(array) for name, array in run_graph(published.path, "encoder", image=images).items()}
    mean, log_variance = encoded["mean"], encoded["log_variance"]
    drawn = torch.tensor(run_graph(published.path, "decoder", latent=mean)["image"])
    # ONNX Runtime's sigmoid is 0 below 3e-8, where PyTorch's is not; the cross-entropy of 0 has no bound.
    nats = F.binary_cross_entropy(drawn.clamp(min=1e-8), images, reduction="sum") / len(images)
    kl = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(dim=1).mean()
    assert nats.item() == pytest.approx(69.4, abs=0.05)
    assert kl.item() == pytest.approx(25.9, abs=0.05)


def test_sizes_are_read_from_the_checkpoint() -> None:
    """Pixels, hidden features and latent may be any."""
    shapes = {"fc1": (30, 108), "fc21": (5, 30), "fc22": (5, 30), "fc3": (30, 5), "fc4": (108, 30)}
    network = build({f"{name}.weight": torch.zeros(shape) for name, shape in shapes.items()})
    assert {name: tuple(network.get_parameter(f"{name}.weight").shape) for name in shapes} == shapes
    assert network.decode(torch.zeros(2, 5)).shape == (2, 3, 6, 6)


def test_pictures_must_be_square() -> None:
    """A row of 700 pixels is no picture that is known here."""
    with pytest.raises(CheckpointError, match="700 numbers: no square picture"):
        build({"fc4.weight": torch.zeros(700, 400)})
