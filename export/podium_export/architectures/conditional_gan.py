"""The generator of a conditional GAN: pictures of the class that is asked for.

M. Mirza, S. Osindero: Conditional Generative Adversarial Nets, 2014, arXiv:1411.1784, section 3.2: the noise z and
the class y are joined and mapped to a picture, in the game of I. Goodfellow et al.: Generative Adversarial Nets,
2014, arXiv:1406.2661, equation 1. The class comes in through an embedding, and the layers are those of a DCGAN.

Shapes: B batch, C channels, H height, W width, D latent dimensions, E embedding, N classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from podium_export.architecture import Blueprint
from podium_export.architectures.latent_model import Pictures, decoder_graph, latent_model, normal
from podium_export.architectures.layer_chain import LayerChain
from podium_export.architectures.layers import Kind, Layer, drawn, linear_layers, read_layers
from podium_export.architectures.sizes import length

EMBEDDING = "label_embedding"


@dataclass(frozen=True, slots=True)
class ConditionalGANConfig:
    """The sizes of the generator.

    Attributes:
        layers: from latent and embedding, one behind the other, to a picture.
        num_classes: classes that may be asked for.
        embedding_size: numbers that stand for a class.
    """

    layers: tuple[Layer, ...] = linear_layers(110, 256, 512, 784)
    num_classes: int = 10
    embedding_size: int = 10

    @property
    def latent_size(self) -> int:
        """The dimensions of the latent."""
        return self.layers[0].size_in - self.embedding_size

    @property
    def pictures(self) -> Pictures:
        """What is drawn: numbers in -1 ... 1."""
        return Pictures(*drawn(self.layers), low=-1.0, high=1.0)


class ConditionalGenerator(nn.Module):
    """An embedding of the class, and the layers of a generator."""

    def __init__(self, config: ConditionalGANConfig) -> None:
        super().__init__()
        self.config = config
        self.label_embedding = nn.Embedding(config.num_classes, config.embedding_size)
        self.generator = LayerChain(config.layers)

    def forward(self, z_BD: Tensor, label_B: Tensor) -> Tensor:
        """Map latents and classes to pictures (B, C, H, W) in -1 ... 1: G(z|y)."""
        pictures = self.config.pictures
        zy_BF = torch.cat((z_BD, self.label_embedding(label_B)), dim=1)
        x_BCHW = self.generator(zy_BF).reshape(-1, pictures.channels, pictures.side, pictures.side)
        return torch.tanh(x_BCHW)


def build(state: Mapping[str, Tensor]) -> ConditionalGenerator:
    """Build the generator with the checkpoint's embedding and the layers that it has under "generator".

    Raises:
        CheckpointError: the layers do not draw a square picture.
    """
    usual = ConditionalGANConfig()
    embedding = f"{EMBEDDING}.weight"
    return ConditionalGenerator(
        ConditionalGANConfig(
            layers=read_layers(state, Kind.UP, "generator.") or usual.layers,
            num_classes=length(state, embedding, 0, usual.num_classes),
            embedding_size=length(state, embedding, 1, usual.embedding_size),
        )
    )


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made."""
    assert isinstance(network, ConditionalGenerator)
    config = network.config
    return latent_model(
        (decoder_graph(network, config.latent_size, num_labels=config.num_classes),),
        config.pictures,
        parts=(normal(config.latent_size),),
        description=f"The generator of a conditional GAN: pictures of {config.num_classes} classes.",
        config={
            "layers": [str(layer) for layer in config.layers],
            "latent_size": config.latent_size,
            "num_classes": config.num_classes,
            "embedding_size": config.embedding_size,
        },
        class_names=[str(index) for index in range(config.num_classes)],
    )
