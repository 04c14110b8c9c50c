"""Generators of DCGANs."""

from pathlib import Path

import numpy as np
import pytest
import torch
from podium.v1 import image_pb2
from podium_export.architectures import ARCHITECTURES
from podium_export.architectures.dcgan import build
from podium_export.assembling import Source
from podium_export.errors import CheckpointError
from podium_export.exporting import export_network
from podium_export.package import Destination
from torch import nn

from tests.export.architectures.halves import run_graph

ARCHITECTURE = ARCHITECTURES["dcgan"]


def tutorials(channels: int, *widths: int) -> nn.Sequential:
    """Write the generator of PyTorch's DCGAN tutorial: 4×4, then twice the side with each further layer."""
    layers: list[nn.Module] = [nn.ConvTranspose2d(widths[0], widths[1], 4, 1, 0, bias=False)]
    for before, after in zip(widths[1:], [*widths[2:], channels], strict=True):
        layers += [nn.BatchNorm2d(before), nn.ReLU(True), nn.ConvTranspose2d(before, after, 4, 2, 1, bias=False)]
    return spread(nn.Sequential(*layers, nn.Tanh()))


def projecting(channels: int) -> nn.Sequential:
    """Write a generator that begins with a linear layer, as in figure 1 of the paper."""
    return spread(
        nn.Sequential(
            nn.Linear(10, 12 * 49),
            nn.Unflatten(1, (12, 7, 7)),
            nn.BatchNorm2d(12),
            nn.ReLU(),
            nn.ConvTranspose2d(12, 6, 5, 2, 2, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(6, channels, 4, 2, 1),
            nn.Tanh(),
        )
    )


def spread(network: nn.Sequential) -> nn.Sequential:
    """Give batch normalization something to do, as training would."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1.0, 0.2)
            nn.init.normal_(module.running_mean)  # type: ignore[arg-type]
            nn.init.uniform_(module.running_var, 0.5, 2.0)  # type: ignore[arg-type]
    return network.eval()


@pytest.mark.parametrize(
    ("reference", "channels", "side"),
    [
        (tutorials(3, 20, 16, 12, 8, 6), 3, 64),
        (tutorials(1, 8, 12, 6), 1, 16),
        (projecting(1), 1, 28),
        (projecting(3), 3, 28),
    ],
)
def test_it_draws_what_pytorchs_own_layers_draw(reference: nn.Sequential, channels: int, side: int) -> None:
    """Whatever the number of layers and channels, and whether it begins with a convolution or a linear layer."""
    network = build(reference.state_dict()).eval()
    network.load_state_dict(reference.state_dict())
    z = torch.randn(3, network.config.latent_size)
    first = z if isinstance(reference[0], nn.Linear) else z[:, :, None, None]
    image = network(z)
    assert image.shape == (3, channels, side, side)
    torch.testing.assert_close(image, reference(first))


def test_other_names_are_taken_as_they_are() -> None:
    """The tutorial's generator holds its layers in "main"."""
    state = {f"main.{key}": tensor for key, tensor in tutorials(1, 8, 12, 6).state_dict().items()}
    assert set(build(state).state_dict()) == set(state)


def test_a_dense_network_is_no_dcgan() -> None:
    """What does not end in a transposed convolution is something else."""
    with pytest.raises(CheckpointError, match=r"last layer must be a transposed convolution.*it is linear 4→784"):
        build(nn.Sequential(nn.Linear(4, 784)).state_dict())


def test_the_package_is_a_decoder_with_a_normal_prior(repository: Path) -> None:
    """ONNX Runtime draws what the network draws; black is -1 and white is 1."""
    reference = tutorials(3, 20, 16, 12, 8, 6)
    network = build(reference.state_dict()).eval()
    network.load_state_dict(reference.state_dict())
    published = export_network(ARCHITECTURE.blueprint(network), Source("dcgan"), Destination(repository, "dcgan"))
    manifest = published.manifest
    assert [graph.name for graph in manifest.graphs] == ["decoder"]
    assert [(part.size, part.WhichOneof("prior")) for part in manifest.latent_space.parts] == [(20, "normal")]
    assert (manifest.image_output.low, manifest.image_output.high) == (-1.0, 1.0)
    assert manifest.image_output.color_mode == image_pb2.COLOR_MODE_RGB
    z = torch.randn(5, 20)
    image = run_graph(published.path, "decoder", latent=z)["image"]
    np.testing.assert_allclose(image, reference(z[:, :, None, None]).detach(), atol=1e-5)
