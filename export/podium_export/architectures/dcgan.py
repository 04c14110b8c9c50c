"""The generator of a deep convolutional GAN, of any size.

A. Radford, L. Metz, S. Chintala: Unsupervised Representation Learning with Deep Convolutional Generative
Adversarial Networks, 2016, arXiv:1511.06434, section 3: transposed convolutions, batch normalization, ReLU, and
tanh at the end.

Shapes: B batch, C channels, H height, W width, D latent dimensions.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from podium_export.architecture import Blueprint
from podium_export.architectures.latent_model import Pictures, decoder_graph, latent_model, normal
from podium_export.architectures.layer_chain import LayerChain
from podium_export.architectures.layers import Kind, Layer, drawn, read_layers
from podium_export.errors import CheckpointError


@dataclass(frozen=True, slots=True)
class DCGANConfig:
    """The layers of the generator.

    Attributes:
        layers: from the latent, as features or as a picture of one pixel, to a picture.
    """

    layers: tuple[Layer, ...]

    @property
    def latent_size(self) -> int:
        """The dimensions of the latent."""
        return self.layers[0].size_in

    @property
    def pictures(self) -> Pictures:
        """What is drawn: numbers in -1 ... 1."""
        return Pictures(*drawn(self.layers), low=-1.0, high=1.0)


class DCGANGenerator(LayerChain):
    """Transposed convolutions from a latent to a picture."""

    def __init__(self, config: DCGANConfig) -> None:
        super().__init__(config.layers)
        self.config = config

    def forward(self, x: Tensor, joined_BN: Tensor | None = None) -> Tensor:
        """Map latents (B, D) to pictures (B, C, H, W) in -1 ... 1: G(z)."""
        return torch.tanh(super().forward(x, joined_BN))


def build(state: Mapping[str, Tensor]) -> DCGANGenerator:
    """Build the generator with the checkpoint's layers, whatever they are called.

    Raises:
        CheckpointError: these are not the layers of such a generator.
    """
    layers = read_layers(state, Kind.UP)
    if not layers or layers[-1].kind is not Kind.UP:
        last = str(layers[-1]) if layers else "nothing"
        raise CheckpointError(f"the last layer must be a transposed convolution, which draws the picture; it is {last}")
    return DCGANGenerator(DCGANConfig(layers))


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made."""
    assert isinstance(network, DCGANGenerator)
    config = network.config
    pictures = config.pictures
    return latent_model(
        (decoder_graph(network, config.latent_size),),
        pictures,
        parts=(normal(config.latent_size),),
        description=f"The generator of a DCGAN: pictures of {pictures.side}×{pictures.side} pixels.",
        config={"layers": [str(layer) for layer in config.layers], "latent_size": config.latent_size},
    )
