"""JointVAE: a variational autoencoder some of whose latents are numbers and some a choice.

E. Dupont: Learning Disentangled Joint Continuous and Discrete Representations, 2018, arXiv:1804.00104, figure 2.
Weights, and the names of the layers: github.com/Schlumberger/joint-vae, trained_models/mnist.

Shapes: B batch, C channels, H height, W width, F features, D latent dimensions, K choices.
"""

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType

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
    one_hot,
)
from podium_export.architectures.sizes import length

SMALLEST = (64, 4, 4)
"""Channels, height and width between convolutions and linear layers."""

# What a LeNet-5 reads at least 98 % of the time in what the published network draws; other choices are mixed.
_DIGIT_BY_CHOICE = MappingProxyType({0: "2", 3: "1", 5: "3", 7: "4", 8: "7", 9: "0"})
# SHA-256 of the published `fc_alphas.0.weight`, which tells the network whose choices these are.
_PUBLISHED = "56566eff95b15f7f5236f34d230580a0595b09525a2acdab1a57bedc18c68394"


@dataclass(frozen=True, slots=True)
class JointVAEConfig:
    """The sizes of the network.

    Attributes:
        channels: of a picture.
        side: of a picture in pixels, 32 or 64; 64 takes one more convolution in each half.
        hidden_size: features of the hidden linear layers.
        normal_size: dimensions of the latent that are numbers.
        num_choices: dimensions of its one-hot part.
    """

    channels: int = 1
    side: int = 32
    hidden_size: int = 256
    normal_size: int = 10
    num_choices: int = 10

    @property
    def latent_size(self) -> int:
        """The dimensions of the latent."""
        return self.normal_size + self.num_choices

    @property
    def pictures(self) -> Pictures:
        """What is read and drawn: numbers in 0 ... 1."""
        return Pictures(self.channels, self.side)


class JointVAE(nn.Module):
    """Convolutions and linear layers to three heads, and the way back."""

    def __init__(self, config: JointVAEConfig) -> None:
        super().__init__()
        self.config = config
        num_features = SMALLEST[0] * SMALLEST[1] * SMALLEST[2]
        self.img_to_features = nn.Sequential(*_down(config))
        self.features_to_hidden = nn.Sequential(nn.Linear(num_features, config.hidden_size), nn.ReLU())
        self.fc_mean = nn.Linear(config.hidden_size, config.normal_size)
        self.fc_log_var = nn.Linear(config.hidden_size, config.normal_size)
        self.fc_alphas = nn.ModuleList([nn.Linear(config.hidden_size, config.num_choices)])
        self.latent_to_features = nn.Sequential(
            nn.Linear(config.latent_size, config.hidden_size),
            nn.ReLU(),
            nn.Linear(config.hidden_size, num_features),
            nn.ReLU(),
        )
        self.features_to_img = nn.Sequential(*_up(config))

    def encode(self, x_BCHW: Tensor) -> tuple[Tensor, Tensor]:
        """Map pictures to mean and log variance (B, D) of q(z, c|x).

        Of the one-hot part these are the probabilities p of the choices, and ln p(1 - p).
        """
        h_BF = self.features_to_hidden(self.img_to_features(x_BCHW).flatten(1))
        alpha_BK = self.fc_alphas[0](h_BF)
        spread_BK = F.log_softmax(alpha_BK, dim=1) + _log_others(alpha_BK)
        mean_BD = torch.cat((self.fc_mean(h_BF), alpha_BK.softmax(dim=1)), dim=1)
        return mean_BD, torch.cat((self.fc_log_var(h_BF), spread_BK), dim=1)

    def decode(self, z_BD: Tensor) -> Tensor:
        """Map latents, numbers before choices, to pictures (B, C, H, W) in 0 ... 1."""
        h_BCHW = self.latent_to_features(z_BD).reshape(-1, *SMALLEST)
        x_BCHW: Tensor = self.features_to_img(h_BCHW)
        return x_BCHW


def _log_others(alpha_BK: Tensor) -> Tensor:
    """Give ln(1 - p) of each choice, exactly even where p is nearly 1."""
    own_KK = torch.eye(alpha_BK.shape[1], dtype=torch.bool, device=alpha_BK.device)
    others_BKK = alpha_BK[:, None, :].masked_fill(own_KK, -torch.inf)
    return others_BKK.logsumexp(dim=2) - alpha_BK.logsumexp(dim=1, keepdim=True)


def _down(config: JointVAEConfig) -> list[nn.Module]:
    """Halve the picture to 4×4, ReLU after each convolution."""
    widths = [config.channels, 32, *([32] if config.side == 64 else []), 64, 64]
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.Conv2d(before, after, 4, 2, 1), nn.ReLU()]
    return layers


def _up(config: JointVAEConfig) -> list[nn.Module]:
    """Double 4×4 to the picture, ReLU after each convolution but the last."""
    widths = [*([64] if config.side == 64 else []), 64, 32, 32, config.channels]
    layers: list[nn.Module] = []
    for before, after in itertools.pairwise(widths):
        layers += [nn.ConvTranspose2d(before, after, 4, 2, 1), nn.ReLU()]
    return [*layers[:-1], nn.Sigmoid()]


def build(state: Mapping[str, Tensor]) -> JointVAE:
    """Build the network with the checkpoint's sizes.

    Raises:
        CheckpointError: the pictures have neither one channel nor three.
    """
    usual = JointVAEConfig()
    config = JointVAEConfig(
        channels=length(state, "img_to_features.0.weight", 1, usual.channels),
        side=64 if "img_to_features.6.weight" in state else 32,
        hidden_size=length(state, "features_to_hidden.0.weight", 0, usual.hidden_size),
        normal_size=length(state, "fc_mean.weight", 0, usual.normal_size),
        num_choices=length(state, "fc_alphas.0.weight", 0, usual.num_choices),
    )
    _ = config.pictures
    return JointVAE(config)


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made."""
    assert isinstance(network, JointVAE)
    config = network.config
    return latent_model(
        (
            encoder_graph(Method(network, network.encode), config.pictures, variational=True),
            decoder_graph(Method(network, network.decode), config.latent_size),
        ),
        config.pictures,
        parts=(normal(config.normal_size), one_hot(config.num_choices)),
        description=(
            f"A variational autoencoder whose latent is {config.normal_size} numbers and a choice of "
            f"{config.num_choices}."
        ),
        config=asdict(config),
        class_names=_class_names(network),
    )


def _class_names(network: JointVAE) -> list[str]:
    """Name the choices: they came out of training without meaning, so only those of known weights have one."""
    weight = network.get_parameter("fc_alphas.0.weight").detach().cpu().contiguous()
    known = hashlib.sha256(weight.numpy().tobytes()).hexdigest() == _PUBLISHED
    digits = _DIGIT_BY_CHOICE if known else {}
    return [digits.get(choice, f"choice {choice}") for choice in range(network.config.num_choices)]
