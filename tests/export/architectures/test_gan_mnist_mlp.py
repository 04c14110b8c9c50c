"""The published GAN of digits."""

from pathlib import Path

import numpy as np
import pytest
import torch
from podium_export.architectures.gan_mnist_mlp import build
from podium_export.errors import CheckpointError
from torch import nn

from tests.export.architectures.halves import run_graph
from tests.export.published import export_published, read_digits


def test_the_package_draws_digits(repository: Path) -> None:
    """LeNet-5 is as sure of them as the README says, 0.96 on average, and reads every one of the ten."""
    published = export_published("gan-mnist-mlp", "vae-gan/gan-mnist-mlp-G.ckpt", repository)
    space, output = published.manifest.latent_space, published.manifest.image_output
    assert [(part.size, part.WhichOneof("prior")) for part in space.parts] == [(64, "normal")]
    assert (output.low, output.high) == (-1.0, 1.0)
    z = torch.randn(2000, 64, generator=torch.Generator().manual_seed(0))
    image = run_graph(published.path, "decoder", latent=z)["image"]
    assert image.shape == (2000, 1, 28, 28)
    assert np.abs(image).max() == pytest.approx(1.0)
    read = read_digits(torch.tensor(image) / 2 + 0.5)
    assert read.max(dim=1).values.mean() >= 0.96
    assert set(read.argmax(dim=1).tolist()) == set(range(10))


def test_it_draws_what_pytorchs_own_layers_draw() -> None:
    """Any number of linear layers, ReLU between, tanh at the end."""
    reference = nn.Sequential(nn.Linear(4, 9), nn.ReLU(), nn.Linear(9, 7), nn.ReLU(), nn.Linear(7, 25), nn.Tanh())
    network = build(reference.state_dict())
    network.load_state_dict(reference.state_dict())
    z = torch.randn(3, 4)
    torch.testing.assert_close(network(z), reference(z).reshape(3, 1, 5, 5))


def test_convolutions_are_another_architecture() -> None:
    """The layer is named."""
    with pytest.raises(CheckpointError, match='every layer must be linear; "1" is transposed convolution'):
        build(nn.Sequential(nn.Linear(4, 16), nn.ConvTranspose2d(1, 1, 4, 2, 1)).state_dict())
