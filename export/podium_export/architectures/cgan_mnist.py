"""The generator of a published conditional GAN of digits, whose noise is uniform.

M. Mirza, S. Osindero: Conditional Generative Adversarial Nets, 2014, arXiv:1411.1784, section 3.2: noise and class
side by side, here as channels of a small picture. Weights, and the names of the layers:
github.com/realBarry123/pytorch-conditional-gan.

Shapes: B batch, C channels, H height, W width, D latent dimensions.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from podium_export.architecture import Blueprint
from podium_export.architectures.latent_model import Pictures, decoder_graph, latent_model, uniform
from podium_export.architectures.sizes import length


@dataclass(frozen=True, slots=True)
class CGANMnistConfig:
    """The sizes of the generator.

    Attributes:
        side: of a picture in pixels; noise and class become small pictures of a quarter of it.
        latent_size: numbers of noise.
        width: channels that the noise becomes, and of each convolution.
        num_classes: classes that may be asked for.
        embedding_size: numbers that stand for a class.
    """

    side: int = 28
    latent_size: int = 100
    width: int = 128
    num_classes: int = 10
    embedding_size: int = 50

    @property
    def pictures(self) -> Pictures:
        """What is drawn: 0 ... 1, beyond which the network may go a little; it has no activation at the end."""
        return Pictures(1, self.side)


class CGANMnist(nn.Module):
    """Noise and class to 7×7, then twice the side, twice."""

    def __init__(self, config: CGANMnistConfig) -> None:
        super().__init__()
        self.config = config
        side, width = config.side // 4, config.width
        self.latent = nn.Sequential(
            nn.Linear(config.latent_size, side * side * width), nn.ReLU(), nn.Unflatten(1, (side, side, width))
        )
        self.label = nn.Sequential(
            nn.Identity(),  # the published names count from 1
            nn.Embedding(config.num_classes, config.embedding_size),
            nn.Linear(config.embedding_size, side * side),
            nn.Unflatten(1, (side, side, 1)),
        )
        self.upscale = nn.Sequential(
            nn.ConvTranspose2d(width + 1, width, 3, 2, 1, output_padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(width, width, 3, 2, 1, output_padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 1, 1),
        )

    def forward(self, z_BD: Tensor, label_B: Tensor) -> Tensor:
        """Map latents and classes to pictures (B, 1, H, W), about 0 ... 1: G(z|y)."""
        h_BHWC = torch.cat((self.latent(z_BD), self.label(label_B)), dim=3)
        x_BCHW: Tensor = self.upscale(h_BHWC.permute(0, 3, 1, 2))
        return x_BCHW


def build(state: Mapping[str, Tensor]) -> CGANMnist:
    """Build the generator with the checkpoint's sizes."""
    usual = CGANMnistConfig()
    return CGANMnist(
        CGANMnistConfig(
            side=4 * math.isqrt(length(state, "label.2.weight", 0, (usual.side // 4) ** 2)),
            latent_size=length(state, "latent.0.weight", 1, usual.latent_size),
            width=length(state, "upscale.0.weight", 1, usual.width),
            num_classes=length(state, "label.1.weight", 0, usual.num_classes),
            embedding_size=length(state, "label.1.weight", 1, usual.embedding_size),
        )
    )


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made."""
    assert isinstance(network, CGANMnist)
    config = network.config
    return latent_model(
        (decoder_graph(network, config.latent_size, num_labels=config.num_classes, low=0.0, high=1.0),),
        config.pictures,
        parts=(uniform(config.latent_size, 0.0, 1.0),),
        description="The generator of a conditional GAN: the handwritten digit that is asked for.",
        config=asdict(config),
        class_names=[str(index) for index in range(config.num_classes)],
    )
