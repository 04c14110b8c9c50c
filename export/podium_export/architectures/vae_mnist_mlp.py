"""A published variational autoencoder of digits, with the names of its layers in PyTorch's first VAE example.

D. P. Kingma, M. Welling: Auto-Encoding Variational Bayes, 2014, arXiv:1312.6114, appendix C.1: one hidden layer
in each half, Bernoulli pixels. Weights: github.com/csinva/gan-vae-pretrained-pytorch, mnist_vae.

Shapes: B batch, C channels, H height, W width, F features, D latent dimensions.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from podium_export.architecture import Blueprint
from podium_export.architectures.latent_model import (
    Method,
    Pictures,
    decoder_graph,
    encoder_graph,
    latent_model,
    normal,
)
from podium_export.architectures.layers import drawn, linear_layers
from podium_export.architectures.sizes import length


@dataclass(frozen=True, slots=True)
class VAEMnistMLPConfig:
    """The sizes of the network.

    Attributes:
        num_pixels: numbers of a picture.
        hidden_size: features of the hidden layer of each half.
        latent_size: dimensions of the latent.
    """

    num_pixels: int = 784
    hidden_size: int = 400
    latent_size: int = 20

    @property
    def pictures(self) -> Pictures:
        """What is read and drawn: numbers in 0 ... 1."""
        return Pictures(*drawn(linear_layers(self.hidden_size, self.num_pixels)))


class VAEMnistMLP(nn.Module):
    """A linear layer and two heads; two linear layers back."""

    def __init__(self, config: VAEMnistMLPConfig) -> None:
        super().__init__()
        self.config = config
        self.fc1 = nn.Linear(config.num_pixels, config.hidden_size)
        self.fc21 = nn.Linear(config.hidden_size, config.latent_size)
        self.fc22 = nn.Linear(config.hidden_size, config.latent_size)
        self.fc3 = nn.Linear(config.latent_size, config.hidden_size)
        self.fc4 = nn.Linear(config.hidden_size, config.num_pixels)

    def encode(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Map pictures to mean and log variance (B, D) of q(z|x)."""
        h_BF = F.relu(self.fc1(x_BCHW.flatten(1)))
        return self.fc21(h_BF), self.fc22(h_BF)

    def decode(self, z_BD: Tensor) -> Tensor:
        """Map latents to the mean of p(x|z): pictures (B, C, H, W) in 0 ... 1."""
        pictures = self.config.pictures
        x_BF = torch.sigmoid(self.fc4(F.relu(self.fc3(z_BD))))
        return x_BF.reshape(-1, pictures.channels, pictures.side, pictures.side)


def build(state: Mapping[str, Tensor]) -> VAEMnistMLP:
    """Build the network with the checkpoint's sizes.

    Raises:
        CheckpointError: the last layer's numbers are no square picture.
    """
    usual = VAEMnistMLPConfig()
    config = VAEMnistMLPConfig(
        num_pixels=length(state, "fc4.weight", 0, usual.num_pixels),
        hidden_size=length(state, "fc1.weight", 0, usual.hidden_size),
        latent_size=length(state, "fc21.weight", 0, usual.latent_size),
    )
    _ = config.pictures
    return VAEMnistMLP(config)


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made."""
    assert isinstance(network, VAEMnistMLP)
    config = network.config
    return latent_model(
        (
            encoder_graph(Method(network, network.encode), config.pictures, variational=True),
            decoder_graph(Method(network, network.decode), config.latent_size),
        ),
        config.pictures,
        parts=(normal(config.latent_size),),
        description=f"A variational autoencoder of handwritten digits with {config.latent_size} latent dimensions.",
        config=asdict(config),
    )
