"""Generators of conditional GANs."""

from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from podium_export.architectures import ARCHITECTURES
from podium_export.architectures.conditional_gan import ConditionalGenerator, build
from podium_export.assembling import Source
from podium_export.command import export
from podium_export.exporting import export_network
from podium_export.inspection.opened import read_manifest
from podium_export.package import Destination
from torch import nn

from tests.export.architectures.halves import run_graph, state_of

DENSE = nn.Sequential(nn.Linear(6 + 4, 20), nn.ReLU(), nn.Linear(20, 144), nn.Tanh(), nn.Unflatten(1, (1, 12, 12)))
CONVOLUTIONAL = nn.Sequential(
    nn.Unflatten(1, (10, 1, 1)), nn.ConvTranspose2d(10, 8, 7), nn.ReLU(), nn.ConvTranspose2d(8, 3, 4, 2, 1), nn.Tanh()
)


def loaded(embedding: nn.Embedding, generator: nn.Sequential) -> ConditionalGenerator:
    """Build the network with the layers' weights."""
    network = build(state := state_of(label_embedding=embedding, generator=generator))
    network.load_state_dict(state)
    return network.eval()


@pytest.mark.parametrize(("generator", "shape"), [(DENSE, (1, 12, 12)), (CONVOLUTIONAL, (3, 14, 14))])
def test_it_draws_what_pytorchs_own_layers_draw(generator: nn.Sequential, shape: tuple[int, ...]) -> None:
    """Noise and the class's embedding, one behind the other, go through the layers: G(z|y)."""
    embedding = nn.Embedding(7, 4)
    network = loaded(embedding, generator)
    z, label = torch.randn(5, 6), torch.tensor([0, 6, 3, 3, 1])
    image = network(z, label)
    assert image.shape == (5, *shape)
    torch.testing.assert_close(image, generator(torch.cat((z, embedding(label)), dim=1)))


def test_sizes_are_read_from_the_checkpoint() -> None:
    """Classes and embedding from the one, the noise from what the first layer takes beside it."""
    config = loaded(nn.Embedding(7, 4), DENSE).config
    assert (config.num_classes, config.embedding_size, config.latent_size) == (7, 4, 6)


def test_the_package_takes_noise_and_class(repository: Path) -> None:
    """ONNX Runtime draws what the network draws, and the manifest names the classes and the prior."""
    network = loaded(nn.Embedding(3, 4), CONVOLUTIONAL)
    blueprint = ARCHITECTURES["conditional-gan"].blueprint(network)
    published = export_network(blueprint, Source("conditional-gan"), Destination(repository, "a"))
    space = published.manifest.latent_space
    assert [(part.size, part.WhichOneof("prior")) for part in space.parts] == [(6, "normal")]
    assert list(space.class_names) == ["0", "1", "2"]
    z, label = torch.randn(4, 6), torch.tensor([0, 1, 2, 2])
    image = run_graph(published.path, "decoder", latent=z, label=label)["image"]
    np.testing.assert_allclose(image, network(z, label).detach(), atol=1e-5)


def test_labels_name_the_classes(tmp_path: Path) -> None:
    """`podium export --labels` gives the classes names of their own, exactly one each."""
    checkpoint, labels = tmp_path / "g.pt", tmp_path / "names.txt"
    torch.save(loaded(nn.Embedding(3, 4), DENSE).state_dict(), checkpoint)
    command = ["conditional-gan", "--checkpoint", str(checkpoint), "--name", "a", "--labels", str(labels)]
    labels.write_text("cat\ndog\n")
    refused = CliRunner().invoke(export, [*command, "--repository", str(tmp_path / "models")])
    assert refused.exit_code == 1
    assert "2 names for 3 classes" in refused.output
    labels.write_text("cat\ndog\nfox\n")
    done = CliRunner().invoke(export, [*command, "--repository", str(tmp_path / "models")])
    assert done.exit_code == 0, done.output
    assert list(read_manifest(tmp_path / "models" / "a" / "1").latent_space.class_names) == ["cat", "dog", "fox"]
