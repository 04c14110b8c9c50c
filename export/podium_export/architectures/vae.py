"""A variational autoencoder.

D. P. Kingma, M. Welling: Auto-Encoding Variational Bayes, 2014, arXiv:1312.6114. Equations are that paper's.

Shapes: B batch, C channels, H height, W width, F features, D latent dimensions.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from podium_export.architecture import Blueprint, ConfigValue
from podium_export.architectures.latent_model import (
    Method,
    Pictures,
    decoder_graph,
    encoder_graph,
    latent_model,
    normal,
)
from podium_export.architectures.layer_chain import LayerChain
from podium_export.architectures.layers import Kind, Layer, drawn, linear_layers, read_layers
from podium_export.architectures.placing import place

MEAN, LOG_VARIANCE = (Layer(name, Kind.LINEAR, 400, 20) for name in ("mean", "log_variance"))


@dataclass(frozen=True, slots=True)
class VAEConfig:
    """The layers of both halves.

    Attributes:
        encoder: from a picture to features.
        decoder: from the latent to the picture's numbers.
        mean: the linear layer from features to the posterior's mean.
        log_variance: the linear layer from features to the logarithm of its variance.
        gaussian: whether a pixel is normal about the decoder's output, with a learned variance; else it is
            Bernoulli, with the sigmoid of the output as its probability.
    """

    encoder: tuple[Layer, ...] = linear_layers(784, 400)
    decoder: tuple[Layer, ...] = linear_layers(20, 400, 784)
    mean: Layer = MEAN
    log_variance: Layer = LOG_VARIANCE
    gaussian: bool = False

    @property
    def latent_size(self) -> int:
        """The dimensions of the latent."""
        return self.mean.size_out

    @property
    def pictures(self) -> Pictures:
        """What is read and drawn: numbers in 0 ... 1."""
        return Pictures(*drawn(self.decoder))


class VAE(nn.Module):
    """An encoder with two heads, and a decoder."""

    def __init__(self, config: VAEConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = LayerChain(config.encoder)
        for head in (config.mean, config.log_variance):
            place(self, head.name, nn.Linear(head.size_in, head.size_out, bias=head.bias))
        self.decoder = LayerChain(config.decoder)
        if config.gaussian:
            self.output_log_variance = nn.Parameter(torch.zeros(()))

    def encode(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Map pictures to mean and log variance (B, D) of q(z|x), equation 9."""
        return self.heads(F.relu(self.encoder(x_BCHW)).flatten(1))

    def heads(self, h_BF: Tensor) -> tuple[Tensor, Tensor]:
        """Map features to mean and log variance (B, D)."""
        mean_BD: Tensor = self.get_submodule(self.config.mean.name)(h_BF)
        log_variance_BD: Tensor = self.get_submodule(self.config.log_variance.name)(h_BF)
        return mean_BD, log_variance_BD

    def output(self, z_BD: Tensor) -> Tensor:
        """Map latents to the parameters (B, C, H, W) of p(x|z): logits (appendix C.1) or means (C.2)."""
        pictures = self.config.pictures
        output_BCHW: Tensor = self.decoder(z_BD).reshape(-1, pictures.channels, pictures.side, pictures.side)
        return output_BCHW

    def decode(self, z_BD: Tensor) -> Tensor:
        """Map latents to the mean of p(x|z): pictures (B, C, H, W), in 0 ... 1 where pixels are Bernoulli."""
        output_BCHW = self.output(z_BD)
        return output_BCHW if self.config.gaussian else torch.sigmoid(output_BCHW)

    def log_likelihood(self, x_BCHW: Tensor, z_BD: Tensor) -> Tensor:
        """Give ln p(x|z) of each picture, in nats: equation 11 (appendix C.1), or C.2's normal density."""
        output_BCHW = self.output(z_BD)
        if self.config.gaussian:
            log_variance = self.output_log_variance
            error_BCHW = (x_BCHW - output_BCHW) ** 2 / log_variance.exp()
            return -0.5 * (math.log(2 * math.pi) + log_variance + error_BCHW).flatten(1).sum(dim=1)
        return -F.binary_cross_entropy_with_logits(output_BCHW, x_BCHW, reduction="none").flatten(1).sum(dim=1)

    def forward(self, x_BCHW: Tensor, noise_BD: Tensor) -> tuple[Tensor, Tensor]:
        """Give the two parts of the evidence lower bound for each picture, in nats: equation 10.

        Returns:
            ln p(x|z) for z = mean + exp(log_variance / 2) · noise, and the divergence of q(z|x) from the prior.
        """
        mean_BD, log_variance_BD = self.encode(x_BCHW)
        z_BD = mean_BD + (log_variance_BD / 2).exp() * noise_BD
        return self.log_likelihood(x_BCHW, z_BD), divergence(mean_BD, log_variance_BD).sum(dim=1)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Give D_KL(q(z|x) || N(0, 1)) of each dimension in nats: appendix B."""
    return -0.5 * (1 + log_variance - mean**2 - log_variance.exp())


def build(state: Mapping[str, Tensor]) -> VAE:
    """Build the network with the layers that the checkpoint has under "encoder" and "decoder", and two heads.

    The heads may be called anything, the one of the log variance something with "var" in it.

    Raises:
        CheckpointError: the layers do not draw a square picture.
    """
    return VAE(config_of(state, VAEConfig()))


def config_of(state: Mapping[str, Tensor], usual: VAEConfig) -> VAEConfig:
    """Read the layers of a checkpoint; what it has none of is as usual."""
    mean, log_variance = find_heads(state) or (usual.mean, usual.log_variance)
    return VAEConfig(
        encoder=read_layers(state, Kind.DOWN, "encoder.") or usual.encoder,
        decoder=read_layers(state, Kind.UP, "decoder.") or usual.decoder,
        mean=mean,
        log_variance=log_variance,
        gaussian="output_log_variance" in state,
    )


def sizes_of(config: VAEConfig) -> dict[str, ConfigValue]:
    """Put the layers into words, for the package's provenance."""
    return {
        "encoder": [str(layer) for layer in config.encoder],
        "decoder": [str(layer) for layer in config.decoder],
        "latent_size": config.latent_size,
        "output": "gaussian" if config.gaussian else "bernoulli",
    }


def find_heads(state: Mapping[str, Tensor]) -> tuple[Layer, Layer] | None:
    """Find mean and log variance: the two linear layers outside "encoder" and "decoder"."""
    others = {key: tensor for key, tensor in state.items() if not key.startswith(("encoder.", "decoder."))}
    layers = read_layers(others, Kind.DOWN)
    if len(layers) != 2 or any(layer.kind is not Kind.LINEAR for layer in layers):
        return None
    mean, log_variance = sorted(layers, key=lambda layer: "var" in layer.name.lower())
    return mean, log_variance


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made."""
    assert isinstance(network, VAE)
    config = network.config
    return latent_model(
        (
            encoder_graph(Method(network, network.encode), config.pictures, variational=True),
            decoder_graph(Method(network, network.decode), config.latent_size),
        ),
        config.pictures,
        parts=(normal(config.latent_size),),
        description=f"A variational autoencoder with {config.latent_size} latent dimensions.",
        config=sizes_of(config),
    )
