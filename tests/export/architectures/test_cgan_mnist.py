"""The published conditional GAN of digits."""

from pathlib import Path

import numpy as np
import pytest
import torch
from podium_export.architectures.cgan_mnist import CGANMnist, CGANMnistConfig, build
from torch.nn import functional as F

from tests.export.architectures.halves import run_graph
from tests.export.published import export_published, published_network, read_digits

FILE = "vae-gan/cgan-mnist-G.pt"


def test_the_label_asked_for_is_what_is_read(repository: Path) -> None:
    """98.7 % of the time with the uniform noise that it was trained with, as the README measured."""
    published = export_published("cgan-mnist", FILE, repository)
    space, output = published.manifest.latent_space, published.manifest.image_output
    assert [(part.size, part.uniform.low, part.uniform.high) for part in space.parts] == [(100, 0.0, 1.0)]
    assert list(space.class_names) == [str(digit) for digit in range(10)]
    label = torch.arange(5000) % 10
    z = torch.rand(5000, 100, generator=torch.Generator().manual_seed(0))
    drawn = torch.tensor(run_graph(published.path, "decoder", latent=z, label=label)["image"])
    pixels = ((drawn - output.low) / (output.high - output.low)).clamp(0, 1)
    assert (read_digits(pixels).argmax(dim=1) == label).float().mean().item() == pytest.approx(0.987, abs=0.005)


def test_black_is_0_and_white_is_1(repository: Path) -> None:
    """It has no activation at the end: most of a picture is within a hundredth of 0, and its strokes are about 1."""
    published = export_published("cgan-mnist", FILE, repository)
    assert (published.manifest.image_output.low, published.manifest.image_output.high) == (0.0, 1.0)
    z, label = torch.rand(500, 100, generator=torch.Generator().manual_seed(0)), torch.arange(500) % 10
    drawn = run_graph(published.path, "decoder", latent=z, label=label)["image"]
    assert abs(np.median(drawn)) < 0.01
    assert np.quantile(drawn, 0.95) == pytest.approx(1.0, abs=0.15)


def test_it_draws_what_its_layers_say(repository: Path) -> None:
    """Noise and class become channels of 7×7, channels last, and are doubled twice."""
    network = published_network("cgan-mnist", FILE)
    published = export_published("cgan-mnist", FILE, repository)
    w = network.state_dict()
    z, label = torch.rand(4, 100), torch.tensor([0, 3, 3, 9])
    noise = F.linear(z, w["latent.0.weight"], w["latent.0.bias"]).relu().view(-1, 7, 7, 128)
    plane = F.linear(w["label.1.weight"][label], w["label.2.weight"], w["label.2.bias"]).view(-1, 7, 7, 1)
    x = torch.cat((noise, plane), dim=3).permute(0, 3, 1, 2)
    for layer in ("upscale.0", "upscale.2"):
        x = F.conv_transpose2d(x, w[f"{layer}.weight"], w[f"{layer}.bias"], 2, 1, output_padding=1).relu()
    expected = F.conv2d(x, w["upscale.4.weight"], w["upscale.4.bias"])
    image = run_graph(published.path, "decoder", latent=z, label=label)["image"]
    np.testing.assert_allclose(image, expected, atol=1e-5)


def test_sizes_are_read_from_the_checkpoint() -> None:
    """Noise, channels, classes, embedding and side."""
    config = CGANMnistConfig(side=16, latent_size=5, width=6, num_classes=3, embedding_size=4)
    network = build(CGANMnist(config).state_dict())
    assert network.config == config
    assert network(torch.zeros(2, 5), torch.tensor([0, 2])).shape == (2, 1, 16, 16)
