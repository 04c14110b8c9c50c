"""The convolutional variational autoencoder of Burgess et al., as the β-TCVAE of faces is trained in it.

C. P. Burgess et al.: Understanding disentangling in β-VAE, 2018, arXiv:1804.03599, section 4; R. T. Q. Chen et al.:
Isolating Sources of Disentanglement in Variational Autoencoders, 2018, arXiv:1802.04942. Weights, and the names of
the layers: github.com/YannDubs/disentangling-vae, results/btcvae_celeba.

Shapes: B batch, C channels, H height, W width, F features, D latent dimensions.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from podium_export.architecture import Blueprint
from podium_export.architectures.latent_model import (
    Pictures,
    decoder_graph,
    encoder_graph,
    latent_model,
    normal,
)
from podium_export.architectures.sizes import length

SMALLEST_SIDE = 4
"""Side of the picture between convolutions and linear layers."""


@dataclass(frozen=True, slots=True)
class BurgessConfig:
    """The sizes of the network.

    Attributes:
        channels: of a picture.
        side: of a picture in pixels, 32 or 64; 64 takes one more convolution in each half.
        width: channels of every convolution.
        hidden_size: features of the linear layers.
        latent_size: dimensions of the latent.
    """

    channels: int = 3
    side: int = 64
    width: int = 32
    hidden_size: int = 256
    latent_size: int = 10

    @property
    def pictures(self) -> Pictures:
        """What is read and drawn: numbers in 0 ... 1."""
        return Pictures(self.channels, self.side)

    @property
    def num_features(self) -> int:
        """Features between convolutions and linear layers."""
        return self.width * SMALLEST_SIDE**2


class BurgessEncoder(nn.Module):
    """Convolutions that halve the picture, two linear layers, and one head for both mean and log variance."""

    def __init__(self, config: BurgessConfig) -> None:
        super().__init__()
        self.config = config
        self.conv1 = nn.Conv2d(config.channels, config.width, 4, 2, 1)
        self.conv2 = nn.Conv2d(config.width, config.width, 4, 2, 1)
        self.conv3 = nn.Conv2d(config.width, config.width, 4, 2, 1)
        if config.side == 64:
            self.conv_64 = nn.Conv2d(config.width, config.width, 4, 2, 1)
        self.lin1 = nn.Linear(config.num_features, config.hidden_size)
        self.lin2 = nn.Linear(config.hidden_size, config.hidden_size)
        self.mu_logvar_gen = nn.Linear(config.hidden_size, 2 * config.latent_size)

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Map pictures to mean and log variance (B, D), which the head gives in turn: m0, v0, m1, v1, …."""
        h_BCHW = F.relu(self.conv2(F.relu(self.conv1(x_BCHW))))
        h_BCHW = F.relu(self.conv3(h_BCHW))
        if self.config.side == 64:
            h_BCHW = F.relu(self.conv_64(h_BCHW))
        h_BF = F.relu(self.lin2(F.relu(self.lin1(h_BCHW.flatten(1)))))
        both_BD2 = self.mu_logvar_gen(h_BF).reshape(-1, self.config.latent_size, 2)
        return both_BD2[:, :, 0], both_BD2[:, :, 1]


class BurgessDecoder(nn.Module):
    """The encoder backwards."""

    def __init__(self, config: BurgessConfig) -> None:
        super().__init__()
        self.config = config
        self.lin1 = nn.Linear(config.latent_size, config.hidden_size)
        self.lin2 = nn.Linear(config.hidden_size, config.hidden_size)
        self.lin3 = nn.Linear(config.hidden_size, config.num_features)
        if config.side == 64:
            self.convT_64 = nn.ConvTranspose2d(config.width, config.width, 4, 2, 1)
        self.convT1 = nn.ConvTranspose2d(config.width, config.width, 4, 2, 1)
        self.convT2 = nn.ConvTranspose2d(config.width, config.width, 4, 2, 1)
        self.convT3 = nn.ConvTranspose2d(config.width, config.channels, 4, 2, 1)

    def forward(self, z_BD: Tensor) -> Tensor:
        """Map latents to pictures (B, C, H, W) in 0 ... 1."""
        h_BF = F.relu(self.lin3(F.relu(self.lin2(F.relu(self.lin1(z_BD))))))
        h_BCHW = h_BF.reshape(-1, self.config.width, SMALLEST_SIDE, SMALLEST_SIDE)
        if self.config.side == 64:
            h_BCHW = F.relu(self.convT_64(h_BCHW))
        h_BCHW = F.relu(self.convT2(F.relu(self.convT1(h_BCHW))))
        return torch.sigmoid(self.convT3(h_BCHW))


class BurgessVAE(nn.Module):
    """Both halves."""

    def __init__(self, config: BurgessConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = BurgessEncoder(config)
        self.decoder = BurgessDecoder(config)


def build(state: Mapping[str, Tensor]) -> BurgessVAE:
    """Build the network with the checkpoint's sizes.

    Raises:
        CheckpointError: the pictures have neither one channel nor three.
    """
    usual = BurgessConfig()
    config = BurgessConfig(
        channels=length(state, "encoder.conv1.weight", 1, usual.channels),
        side=64 if "encoder.conv_64.weight" in state else 32,
        width=length(state, "encoder.conv1.weight", 0, usual.width),
        hidden_size=length(state, "encoder.lin1.weight", 0, usual.hidden_size),
        latent_size=length(state, "decoder.lin1.weight", 1, usual.latent_size),
    )
    _ = config.pictures
    return BurgessVAE(config)


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made."""
    assert isinstance(network, BurgessVAE)
    config = network.config
    return latent_model(
        (
            encoder_graph(network.encoder, config.pictures, variational=True),
            decoder_graph(network.decoder, config.latent_size),
        ),
        config.pictures,
        parts=(normal(config.latent_size),),
        description=(
            f"A variational autoencoder with {config.latent_size} latent dimensions, trained to vary one thing with "
            "each."
        ),
        config=asdict(config),
    )
