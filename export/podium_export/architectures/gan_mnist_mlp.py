"""The generator of a published GAN of digits: linear layers, ReLU between, tanh at the end.

I. Goodfellow et al.: Generative Adversarial Nets, 2014, arXiv:1406.2661. Weights:
github.com/csinva/gan-vae-pretrained-pytorch, mnist_gan_mlp.

Shapes: B batch, C channels, H height, W width, D latent dimensions.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from podium_export.architecture import Blueprint
from podium_export.architectures.latent_model import Pictures, decoder_graph, latent_model, normal
from podium_export.architectures.layer_chain import LayerChain
from podium_export.architectures.layers import Kind, Layer, drawn, linear_layers, read_layers
from podium_export.errors import CheckpointError


@dataclass(frozen=True, slots=True)
class GANMnistMLPConfig:
    """The layers of the generator.

    Attributes:
        layers: linear ones, from the latent to a picture.
    """

    layers: tuple[Layer, ...] = linear_layers(64, 256, 256, 784)

    @property
    def latent_size(self) -> int:
        """The dimensions of the latent."""
        return self.layers[0].size_in

    @property
    def pictures(self) -> Pictures:
        """What is drawn: numbers in -1 ... 1."""
        return Pictures(*drawn(self.layers), low=-1.0, high=1.0)


class GANMnistMLP(LayerChain):
    """Linear layers from a latent to a picture."""

    def __init__(self, config: GANMnistMLPConfig) -> None:
        super().__init__(config.layers)
        self.config = config

    def forward(self, x: Tensor, joined_BN: Tensor | None = None) -> Tensor:
        """Map latents (B, D) to pictures (B, C, H, W) in -1 ... 1: G(z)."""
        pictures = self.config.pictures
        x_BCHW = super().forward(x, joined_BN).reshape(-1, pictures.channels, pictures.side, pictures.side)
        return torch.tanh(x_BCHW)


def build(state: Mapping[str, Tensor]) -> GANMnistMLP:
    """Build the generator with the checkpoint's layers.

    Raises:
        CheckpointError: a layer is not linear, or the last one's numbers are no square picture.
    """
    config = GANMnistMLPConfig(read_layers(state, Kind.UP) or GANMnistMLPConfig().layers)
    other = next((layer for layer in config.layers if layer.kind is not Kind.LINEAR), None)
    if other is not None:
        raise CheckpointError(f'every layer must be linear; "{other.name}" is {other}')
    _ = config.pictures
    return GANMnistMLP(config)


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made."""
    assert isinstance(network, GANMnistMLP)
    config = network.config
    return latent_model(
        (decoder_graph(network, config.latent_size),),
        config.pictures,
        parts=(normal(config.latent_size),),
        description="The generator of a GAN of handwritten digits.",
        config={"layers": [str(layer) for layer in config.layers], "latent_size": config.latent_size},
    )
