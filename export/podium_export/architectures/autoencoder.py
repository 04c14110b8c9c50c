"""An autoencoder: what a picture becomes in a few numbers, and a picture again.

P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol: Extracting and Composing Robust Features with Denoising
Autoencoders, 2008, section 2.2: y = f(x) (equation 1), z = g(y) (equation 2).

Shapes: B batch, C channels, H height, W width, D latent dimensions.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from podium_export.architecture import Blueprint
from podium_export.architectures.latent_model import Method, Pictures, decoder_graph, encoder_graph, latent_model
from podium_export.architectures.layer_chain import LayerChain
from podium_export.architectures.layers import Kind, Layer, drawn, linear_layers, read_layers


@dataclass(frozen=True, slots=True)
class AutoencoderConfig:
    """The layers of both halves.

    Attributes:
        encoder: from a picture to the latent.
        decoder: from the latent to the picture's numbers before the sigmoid.
    """

    encoder: tuple[Layer, ...] = linear_layers(784, 128, 32)
    decoder: tuple[Layer, ...] = linear_layers(32, 128, 784)

    @property
    def latent_size(self) -> int:
        """The dimensions of the latent."""
        return self.decoder[0].size_in

    @property
    def pictures(self) -> Pictures:
        """What is read and drawn: numbers in 0 ... 1."""
        return Pictures(*drawn(self.decoder))


class Autoencoder(nn.Module):
    """Two chains of layers, linear or convolutional."""

    def __init__(self, config: AutoencoderConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = LayerChain(config.encoder)
        self.decoder = LayerChain(config.decoder)

    def encode(self, x_BCHW: Tensor) -> Tensor:
        """Map pictures to latents (B, D): y = f(x)."""
        y_BD: Tensor = self.encoder(x_BCHW)
        return y_BD

    def decode(self, y_BD: Tensor) -> Tensor:
        """Map latents to pictures (B, C, H, W) in 0 ... 1: z = g(y)."""
        pictures = self.config.pictures
        z_BCHW = self.decoder(y_BD).reshape(-1, pictures.channels, pictures.side, pictures.side)
        return torch.sigmoid(z_BCHW)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Map pictures to what is left of them after both halves."""
        return self.decode(self.encode(x_BCHW))


def build(state: Mapping[str, Tensor]) -> Autoencoder:
    """Build the network with the layers that the checkpoint has under "encoder" and "decoder".

    Raises:
        CheckpointError: the layers do not draw a square picture.
    """
    usual = AutoencoderConfig()
    encoder = read_layers(state, Kind.DOWN, "encoder.")
    decoder = read_layers(state, Kind.UP, "decoder.")
    return Autoencoder(AutoencoderConfig(encoder or usual.encoder, decoder or usual.decoder))


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made."""
    return described(network, "An autoencoder: pictures through {size} numbers and back.")


def described(network: nn.Module, description: str) -> Blueprint:
    """Describe an autoencoder in words of one's own, in which {size} is the latent's."""
    assert isinstance(network, Autoencoder)
    config = network.config
    return latent_model(
        (
            encoder_graph(Method(network, network.encode), config.pictures, variational=False),
            decoder_graph(Method(network, network.decode), config.latent_size),
        ),
        config.pictures,
        parts=(),
        description=description.format(size=config.latent_size),
        config={
            "encoder": [str(layer) for layer in config.encoder],
            "decoder": [str(layer) for layer in config.decoder],
            "latent_size": config.latent_size,
        },
    )
