"""Variational autoencoders that are told the class."""

from pathlib import Path

import numpy as np
import pytest
import torch
from podium_export.architectures import ARCHITECTURES
from podium_export.architectures.conditional_vae import ConditionalVAE, build
from podium_export.assembling import Source
from podium_export.errors import CheckpointError
from podium_export.exporting import export_network
from podium_export.package import Destination
from torch import nn
from torch.nn import functional as F

from tests.export.architectures.halves import run_graph, state_of


def parts() -> dict[str, nn.Module]:
    """Write a dense one of 8×8 pictures of 3 classes with 2 latent dimensions."""
    return {
        "encoder": nn.Sequential(nn.Linear(64 + 3, 16)),
        "mean": nn.Linear(16, 2),
        "log_variance": nn.Linear(16, 2),
        "decoder": nn.Sequential(nn.Linear(2 + 3, 16), nn.ReLU(), nn.Linear(16, 64)),
    }


def loaded(layers: dict[str, nn.Module]) -> ConditionalVAE:
    """Build the network with the layers' weights."""
    network = build(state := state_of(**layers))
    network.load_state_dict(state)
    return network.eval()


def test_the_class_stands_beside_picture_and_latent() -> None:
    """Both halves get a one-hot vector behind their own numbers, as in PyTorch's own layers."""
    layers = parts()
    network = loaded(layers)
    x, z, label = torch.rand(4, 1, 8, 8), torch.randn(4, 2), torch.tensor([0, 1, 2, 1])
    one_hot = F.one_hot(label, 3).float()
    features = F.relu(layers["encoder"](torch.cat((x.flatten(1), one_hot), dim=1)))
    mean, log_variance = network.encode_class(x, label)
    torch.testing.assert_close(mean, layers["mean"](features))
    torch.testing.assert_close(log_variance, layers["log_variance"](features))
    expected = torch.sigmoid(layers["decoder"](torch.cat((z, one_hot), dim=1))).reshape(4, 1, 8, 8)
    torch.testing.assert_close(network.decode_class(z, label), expected)


def test_convolutions_see_the_picture_and_the_linear_layer_the_class() -> None:
    """In a convolutional encoder the class comes in where the picture has become a row of numbers."""
    convolutions = nn.Sequential(nn.Conv2d(1, 4, 4, 2, 1), nn.ReLU(), nn.Flatten())
    linear = nn.Linear(64 + 3, 16)
    layers = parts() | {"encoder": nn.Sequential(*convolutions, linear)}
    x, label = torch.rand(2, 1, 8, 8), torch.tensor([2, 0])
    features = F.relu(linear(torch.cat((convolutions(x), F.one_hot(label, 3).float()), dim=1)))
    torch.testing.assert_close(loaded(layers).encode_class(x, label)[0], layers["mean"](features))


def test_weights_without_a_class_are_refused() -> None:
    """The message says which sizes leave no room for it, and what such a network is called."""
    layers = parts() | {"decoder": nn.Sequential(nn.Linear(2, 64))}
    with pytest.raises(CheckpointError, match=r'takes 2 numbers for a latent of 2.*the architecture is "vae"'):
        build(state_of(**layers))


def test_both_graphs_of_the_package_take_the_class(repository: Path) -> None:
    """They give in ONNX Runtime what the network gives, and the manifest names the classes."""
    network = loaded(parts())
    blueprint = ARCHITECTURES["conditional-vae"].blueprint(network)
    published = export_network(blueprint, Source("conditional-vae"), Destination(repository, "a"))
    assert list(published.manifest.latent_space.class_names) == ["0", "1", "2"]
    x, z, label = torch.rand(4, 1, 8, 8), torch.randn(4, 2), torch.tensor([0, 1, 2, 1])
    encoded = run_graph(published.path, "encoder", image=x, label=label)
    image = run_graph(published.path, "decoder", latent=z, label=label)["image"]
    with torch.inference_mode():
        np.testing.assert_allclose(encoded["mean"], network.encode_class(x, label)[0], atol=1e-5)
        np.testing.assert_allclose(image, network.decode_class(z, label), atol=1e-5)
