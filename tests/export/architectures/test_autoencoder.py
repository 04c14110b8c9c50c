"""Autoencoders, plain and denoising."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from podium.v1 import model_manifest_pb2 as pb
from podium_export.architectures import ARCHITECTURES
from podium_export.architectures.autoencoder import build
from podium_export.assembling import Source
from podium_export.errors import CheckpointError
from podium_export.exporting import export_network
from podium_export.package import Destination
from torch import Tensor, nn

from tests.export.architectures.halves import run_graph, state_of

ARCHITECTURE = ARCHITECTURES["autoencoder"]


def dense() -> tuple[nn.Sequential, nn.Sequential]:
    """Write a dense autoencoder of 12×12 colour pictures in PyTorch's own layers, with normalization."""
    return (
        nn.Sequential(nn.Flatten(), nn.Linear(432, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 5)),
        nn.Sequential(nn.Linear(5, 64), nn.ReLU(), nn.Linear(64, 432), nn.Sigmoid(), nn.Unflatten(1, (3, 12, 12))),
    )


def convolutional(kernel: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Write a convolutional one of 28×28 grey pictures; an odd filter needs one more row to double a picture."""
    more, around = kernel % 2, (kernel - 1) // 2
    encoder = nn.Sequential(
        nn.Conv2d(1, 8, kernel, 2, around),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 12, kernel, 2, around),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(12 * 49, 30),
        nn.ReLU(),
        nn.Linear(30, 7),
    )
    decoder = nn.Sequential(
        nn.Linear(7, 30),
        nn.ReLU(),
        nn.Linear(30, 12 * 49),
        nn.ReLU(),
        nn.Unflatten(1, (12, 7, 7)),
        nn.ConvTranspose2d(12, 8, kernel, 2, around, more, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 1, kernel, 2, around, more),
        nn.Sigmoid(),
    )
    return encoder, decoder


@pytest.mark.parametrize("halves", [dense(), convolutional(3), convolutional(4), convolutional(5)])
def test_it_computes_what_pytorchs_own_layers_compute(halves: tuple[nn.Sequential, nn.Sequential]) -> None:
    """Kind, size and place of every layer are read from the checkpoint; the latent and the picture are the same."""
    encoder, decoder = (half.eval() for half in halves)
    network = build(state := state_of(encoder=encoder, decoder=decoder))
    network.load_state_dict(state)
    network.eval()
    pictures = network.config.pictures
    x = torch.rand(3, pictures.channels, pictures.side, pictures.side)
    torch.testing.assert_close(network.encode(x), encoder(x))
    torch.testing.assert_close(network(x), decoder(encoder(x)))


def test_layers_are_in_the_order_of_their_numbers() -> None:
    """A file that sorts its keys puts "10" before "2"; the network does not."""
    sizes = [9, 8, 7, 6, 5, 4, 3]
    encoder = nn.Sequential()
    for before, after in itertools.pairwise(sizes):
        encoder.append(nn.Linear(before, after))
        encoder.append(nn.ReLU())
    state = dict(sorted(state_of(encoder=encoder[:-1], decoder=nn.Sequential(nn.Linear(3, 9))).items()))
    network = build(state)
    network.load_state_dict(state)
    x = torch.rand(2, 1, 3, 3)
    assert [key for key in state if key.startswith("encoder")][2] == "encoder.10.bias"
    torch.testing.assert_close(network.encode(x), encoder[:-1](x.flatten(1)))


def test_what_is_no_picture_is_refused() -> None:
    """A decoder that ends in 13 numbers draws nothing square."""
    halves = {"encoder": nn.Sequential(nn.Linear(13, 2)), "decoder": nn.Sequential(nn.Linear(2, 13))}
    with pytest.raises(CheckpointError, match="gives 13 numbers: no square picture of one or three channels"):
        ARCHITECTURE.blueprint(build(state_of(**halves)))


def test_two_channels_are_refused() -> None:
    """Pictures are grey or in colour."""
    decoder = nn.Sequential(nn.Linear(2, 16), nn.Unflatten(1, (4, 2, 2)), nn.ConvTranspose2d(4, 2, 4, 2, 1))
    state = state_of(encoder=nn.Sequential(nn.Linear(32, 2)), decoder=decoder)
    with pytest.raises(CheckpointError, match=r"2 channels: it must be 1 \(grey\) or 3"):
        ARCHITECTURE.blueprint(build(state))


@pytest.mark.parametrize("name", ["autoencoder", "denoising-autoencoder"])
def test_the_package_reconstructs_and_has_no_prior(repository: Path, name: str) -> None:
    """Both graphs give in ONNX Runtime what the network gives; nothing says how latents could be drawn."""
    encoder, decoder = (half.eval() for half in convolutional(4))
    network = ARCHITECTURES[name].build(state := state_of(encoder=encoder, decoder=decoder))
    network.load_state_dict(state)
    blueprint = ARCHITECTURES[name].blueprint(network)
    published = export_network(blueprint, Source(name), Destination(repository, name))
    assert published.manifest.task == pb.TASK_IMAGE_RECONSTRUCTION
    assert not published.manifest.latent_space.parts
    x = torch.rand(4, 1, 28, 28)
    latent = run_graph(published.path, "encoder", image=x)["mean"]
    image = run_graph(published.path, "decoder", latent=latent)["image"]
    np.testing.assert_allclose(image, _numbers(decoder(encoder(x))), atol=1e-5)


def _numbers(tensor: Tensor) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    return tensor.detach().numpy()
