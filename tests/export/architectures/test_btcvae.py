"""The Burgess VAE."""

from pathlib import Path

import numpy as np
import pytest
import torch
from podium.v1 import image_pb2
from podium_export.architectures.btcvae import BurgessConfig, BurgessVAE, build
from torch import nn

from tests.export.architectures.halves import run_graph
from tests.export.networks import DATA
from tests.export.published import export_published, published_network


def halves(channels: int, side: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Write both halves in PyTorch's own layers, as arXiv:1804.03599 lists them."""
    num_convolutions = {32: 3, 64: 4}[side]
    down: list[nn.Module] = []
    up: list[nn.Module] = []
    for place in range(num_convolutions):
        down += [nn.Conv2d(32 if place else channels, 32, 4, 2, 1), nn.ReLU()]
        last = place == num_convolutions - 1
        up += [nn.ConvTranspose2d(32, channels if last else 32, 4, 2, 1), nn.Sigmoid() if last else nn.ReLU()]
    encoder = nn.Sequential(
        *down, nn.Flatten(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 20)
    )
    decoder = nn.Sequential(
        nn.Linear(10, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 512), nn.ReLU(),
        nn.Unflatten(1, (32, 4, 4)), *up,
    )  # fmt: skip
    return encoder, decoder


@pytest.mark.parametrize(("channels", "side"), [(3, 64), (1, 32)])
def test_it_computes_what_pytorchs_own_layers_compute(channels: int, side: int) -> None:
    """In the order of the layers; the head's numbers are mean and log variance in turn."""
    network = BurgessVAE(BurgessConfig(channels, side))
    encoder, decoder = halves(channels, side)
    _give(encoder, network.encoder, ["conv1", "conv2", "conv3", "conv_64", "lin1", "lin2", "mu_logvar_gen"])
    _give(decoder, network.decoder, ["lin1", "lin2", "lin3", "convT_64", "convT1", "convT2", "convT3"])
    x, z = torch.rand(3, channels, side, side), torch.randn(3, 10)
    mean, log_variance = network.encoder(x)
    torch.testing.assert_close(mean, encoder(x)[:, 0::2])
    torch.testing.assert_close(log_variance, encoder(x)[:, 1::2])
    torch.testing.assert_close(network.decoder(z), decoder(z))


def _give(reference: nn.Sequential, network: nn.Module, way: list[str]) -> None:
    """Give the network's weights to the reference, in the order in which data goes through the layers."""
    own = network.state_dict()
    ordered = [own[key] for layer in way for key in (f"{layer}.weight", f"{layer}.bias") if key in own]
    reference.load_state_dict(dict(zip(reference.state_dict(), ordered, strict=True)))


def test_sizes_are_read_from_the_checkpoint() -> None:
    """Without the added convolution pictures are 32×32."""
    config = BurgessConfig(channels=1, side=32, width=6, hidden_size=12, latent_size=3)
    assert build(BurgessVAE(config).state_dict()).config == config


def test_the_published_package_reconstructs_a_face(repository: Path) -> None:
    """A portrait comes back nearer to itself than its mean colour is, and equal to PyTorch's."""
    network = published_network("btcvae", "vae-gan/btcvae_celeba.pt")
    assert isinstance(network, BurgessVAE)
    published = export_published("btcvae", "vae-gan/btcvae_celeba.pt", repository)
    assert [(p.size, p.WhichOneof("prior")) for p in published.manifest.latent_space.parts] == [(10, "normal")]
    assert published.manifest.image_output.color_mode == image_pb2.COLOR_MODE_RGB
    face = _face()
    encoded = run_graph(published.path, "encoder", image=face)
    image = run_graph(published.path, "decoder", latent=encoded["mean"])["image"]
    with torch.inference_mode():
        mean, log_variance = network.encoder(face)
        np.testing.assert_allclose(encoded["mean"], mean, atol=1e-5)
        np.testing.assert_allclose(encoded["log_variance"], log_variance, atol=1e-5)
        np.testing.assert_allclose(image, network.decoder(mean), atol=1e-5)
    error = float(((torch.tensor(image) - face) ** 2).mean())
    assert error < 0.6 * float(((face - face.mean(dim=(2, 3), keepdim=True)) ** 2).mean())


def _face() -> torch.Tensor:
    """Cut the face out of a portrait: (1, 3, 64, 64) in 0 ... 1."""
    from PIL import Image

    with Image.open(DATA / "image-classification" / "astronaut.png") as portrait:
        face = portrait.convert("RGB").crop((135, 10, 305, 218)).resize((64, 64), Image.Resampling.BILINEAR)
    return torch.tensor(np.asarray(face)).permute(2, 0, 1)[None] / 255
