"""Variational autoencoders."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from podium.v1 import image_pb2
from podium.v1 import model_manifest_pb2 as pb
from podium_export.architectures import ARCHITECTURES
from podium_export.architectures.vae import VAE, VAEConfig, build, divergence
from podium_export.assembling import Source
from podium_export.exporting import export_network
from podium_export.package import Destination
from torch import Tensor, nn
from torch.distributions import Bernoulli, Normal, kl_divergence
from torch.nn import functional as F

from tests.export.architectures.halves import run_graph, state_of

ARCHITECTURE = ARCHITECTURES["vae"]


def parts() -> dict[str, nn.Module]:
    """Write a convolutional VAE of 16×16 pictures in PyTorch's own layers, its heads called as many do."""
    return {
        "encoder": nn.Sequential(
            nn.Conv2d(3, 6, 4, 2, 1), nn.ReLU(), nn.Conv2d(6, 8, 4, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(128, 20)
        ),
        "fc_mu": nn.Linear(20, 4),
        "fc_var": nn.Linear(20, 4),
        "decoder": nn.Sequential(
            nn.Linear(4, 128),
            nn.ReLU(),
            nn.Unflatten(1, (8, 4, 4)),
            nn.ConvTranspose2d(8, 6, 4, 2, 1),
            nn.ReLU(),
            nn.ConvTranspose2d(6, 3, 4, 2, 1),
        ),
    }


def loaded(state: dict[str, Tensor]) -> VAE:
    """Build a VAE with the weights."""
    network = build(state)
    network.load_state_dict(state)
    return network.eval()


def test_the_usual_sizes_are_the_papers() -> None:
    """Without a checkpoint: 784 pixels and one hidden layer in each half (Kingma & Welling, appendix C)."""
    config = build({}).config
    assert [layer.size_out for layer in (*config.encoder, config.mean, *config.decoder)] == [400, 20, 400, 784]


def test_it_computes_what_pytorchs_own_layers_compute() -> None:
    """Mean, log variance and picture; the heads are told apart by "var" in the name."""
    layers = parts()
    network = loaded(state_of(**layers))
    x, z = torch.rand(3, 3, 16, 16), torch.randn(3, 4)
    features = F.relu(layers["encoder"](x))
    mean, log_variance = network.encode(x)
    torch.testing.assert_close(mean, layers["fc_mu"](features))
    torch.testing.assert_close(log_variance, layers["fc_var"](features))
    torch.testing.assert_close(network.decode(z), torch.sigmoid(layers["decoder"](z)))


def test_heads_may_read_convolutions_themselves() -> None:
    """Without a linear layer between, the picture is flattened for them."""
    layers = parts()
    encoder = nn.Sequential(nn.Conv2d(3, 2, 4, 2, 1))
    heads = {"mu": nn.Linear(128, 4), "logvar": nn.Linear(128, 4)}
    network = loaded(state_of(encoder=encoder, decoder=layers["decoder"], **heads))
    x = torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(network.encode(x)[0], heads["mu"](F.relu(encoder(x)).flatten(1)))


def test_the_divergence_is_that_of_normal_distributions() -> None:
    """Appendix B's formula equals PyTorch's divergence of a normal distribution from the standard one."""
    mean, log_variance = torch.randn(50), torch.randn(50)
    expected = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(torch.zeros(50), torch.ones(50)))
    torch.testing.assert_close(divergence(mean, log_variance), expected)


@pytest.mark.parametrize("gaussian", [False, True])
def test_the_bound_is_that_of_pytorchs_distributions(gaussian: bool) -> None:
    """ln p(x|z) is the sum over pixels of a Bernoulli's or a normal's log density at the decoder's output."""
    network = VAE(VAEConfig(gaussian=gaussian)).eval()
    if gaussian:
        nn.init.constant_(network.output_log_variance, -1.5)
    x, noise = torch.rand(2, 1, 28, 28).round(), torch.randn(2, 20)
    mean, log_variance = network.encode(x)
    output = network.output(mean + noise * (log_variance / 2).exp())
    pixels = Normal(output, math.exp(-0.75)) if gaussian else Bernoulli(logits=output)
    likelihood, from_prior = network(x, noise)
    log_density = pixels.log_prob(x)  # type: ignore[no-untyped-call]
    torch.testing.assert_close(likelihood, log_density.sum(dim=(1, 2, 3)))
    torch.testing.assert_close(from_prior, divergence(mean, log_variance).sum(dim=1))


def test_a_normal_pixels_mean_is_the_picture() -> None:
    """With a learned variance in the checkpoint there is no sigmoid."""
    layers = parts()
    network = loaded(state_of(**layers) | {"output_log_variance": torch.tensor(-2.0)})
    z = torch.randn(3, 4)
    torch.testing.assert_close(network.decode(z), layers["decoder"](z))


def test_the_package_has_an_encoder_a_decoder_and_a_prior(repository: Path) -> None:
    """Both graphs give in ONNX Runtime what the network gives; the encoder draws nothing."""
    network = loaded(state_of(**parts()))
    blueprint = ARCHITECTURE.blueprint(network)
    published = export_network(blueprint, Source("vae"), Destination(repository, "vae"))
    manifest = published.manifest
    assert manifest.task == pb.TASK_IMAGE_GENERATION
    assert [(part.size, part.WhichOneof("prior")) for part in manifest.latent_space.parts] == [(4, "normal")]
    assert manifest.image_output.color_mode == image_pb2.COLOR_MODE_RGB
    assert (manifest.image_output.low, manifest.image_output.high) == (0.0, 1.0)
    x, z = torch.rand(5, 3, 16, 16), torch.randn(5, 4)
    encoded = run_graph(published.path, "encoder", image=x)
    with torch.inference_mode():
        mean, log_variance = network.encode(x)
        np.testing.assert_allclose(encoded["mean"], mean, atol=1e-5)
        np.testing.assert_allclose(encoded["log_variance"], log_variance, atol=1e-5)
        image = run_graph(published.path, "decoder", latent=z)["image"]
        np.testing.assert_allclose(image, network.decode(z), atol=1e-5)
