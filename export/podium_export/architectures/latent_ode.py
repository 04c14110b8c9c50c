"""The latent ordinary differential equation with a recurrent encoder: series observed at irregular times.

R. T. Q. Chen et al.: Neural Ordinary Differential Equations, 2018, arXiv:1806.07366, section 5; Y. Rubanova et al.:
Latent ODEs for Irregularly-Sampled Time Series, 2019, arXiv:1907.03907, its "RNN encoder". The names of the layers are
those of github.com/YuliaRubanova/latent_ode.

Shapes: B batch, T observed times, A asked times, S steps, C channels, H hidden, D latent dimensions.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from podium_export.architecture import Blueprint
from podium_export.architectures.latent_series import LatentSeries
from podium_export.architectures.series_model import plain_series, series_model
from podium_export.architectures.sizes import length
from podium_export.errors import CheckpointError


@dataclass(frozen=True, slots=True)
class LatentODEConfig:
    """The sizes of the network.

    Attributes:
        num_channels: what is measured at each time.
        hidden_size: of the recurrent encoder.
        head_size: between the encoder and the posterior.
        latent_size: dimensions of the latent.
        equation_size: of the layers of the equation.
        equation_layers: linear layers of the equation, 2 or more.
        classifier: features of a classifier of the latent, from the first layer's inputs to its outputs; empty: none.
    """

    num_channels: int = 41
    hidden_size: int = 40
    head_size: int = 50
    latent_size: int = 20
    equation_size: int = 50
    equation_layers: int = 5
    classifier: tuple[int, ...] = ()


class RecurrentEncoder(nn.Module):
    """Reads observations backwards in time into a posterior over the latent at the first one's time."""

    def __init__(self, config: LatentODEConfig) -> None:
        super().__init__()
        self.latent_size = config.latent_size
        self.gru_rnn = nn.GRU(2 * config.num_channels + 1, config.hidden_size, batch_first=True)
        self.hiddens_to_z0 = nn.Sequential(
            nn.Linear(config.hidden_size, config.head_size),
            nn.Tanh(),
            nn.Linear(config.head_size, 2 * config.latent_size),
        )

    def forward(self, time_BT: Tensor, value_BTC: Tensor, mask_BTC: Tensor, count_B: Tensor) -> tuple[Tensor, Tensor]:
        """Map observations to mean and standard deviation (B, D).

        Each step of the recurrence reads the time since the observation before, 0 for the first one, the values, and
        which of them are there. Padding lies behind the last observation, and the recurrence comes to it last.
        """
        last_B = (count_B - 1).clamp(min=0, max=time_BT.shape[1] - 1)
        back_BT = (last_B.unsqueeze(1) - torch.arange(time_BT.shape[1])).clamp(min=0)
        since_BT = time_BT.gather(1, back_BT) - time_BT.gather(1, (back_BT - 1).clamp(min=0))
        observed_BTX = torch.cat([value_BTC, mask_BTC], dim=-1)
        backwards_BTX = observed_BTX.gather(1, back_BT.unsqueeze(-1).expand(-1, -1, observed_BTX.shape[2]))
        h_BTH, _ = self.gru_rnn(torch.cat([since_BT.unsqueeze(-1), backwards_BTX], dim=-1))
        h_BH = h_BTH.gather(1, last_B.reshape(-1, 1, 1).expand(-1, 1, h_BTH.shape[2])).squeeze(1)
        both_B2D = self.hiddens_to_z0(h_BH)
        return both_B2D[:, : self.latent_size], both_B2D[:, self.latent_size :].abs()


class Equation(nn.Module):
    """f of dz/dt = f(z)."""

    def __init__(self, config: LatentODEConfig) -> None:
        super().__init__()
        sizes = [config.latent_size, *[config.equation_size] * (config.equation_layers - 1), config.latent_size]
        self.gradient_net = _layers(sizes, nn.Tanh)

    def forward(self, z: Tensor) -> Tensor:
        """Give the slope at z (…, D)."""
        slope: Tensor = self.gradient_net(z)
        return slope


class EquationSolver(nn.Module):
    """Holds the equation, under the name that checkpoints give it."""

    def __init__(self, config: LatentODEConfig) -> None:
        super().__init__()
        self.ode_func = Equation(config)


class ValueDecoder(nn.Module):
    """Maps latents to values, at each time alone."""

    def __init__(self, config: LatentODEConfig) -> None:
        super().__init__()
        self.decoder = nn.Sequential(nn.Linear(config.latent_size, config.num_channels))

    def forward(self, z: Tensor) -> Tensor:
        """Map z (…, D) to values (…, C)."""
        values: Tensor = self.decoder(z)
        return values


class LatentODE(nn.Module):
    """All parts; a classifier of the latent belongs to some checkpoints, and to no graph."""

    def __init__(self, config: LatentODEConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder_z0 = RecurrentEncoder(config)
        self.diffeq_solver = EquationSolver(config)
        self.decoder = ValueDecoder(config)
        if config.classifier:
            self.classifier = _layers(config.classifier, nn.ReLU)

    @property
    def parts(self) -> LatentSeries:
        """The parts that graphs are made of."""
        return LatentSeries(
            self.encoder_z0,
            self.diffeq_solver.ode_func,
            self.decoder,
            self.config.num_channels,
            self.config.latent_size,
        )


def build(state: Mapping[str, Tensor]) -> LatentODE:
    """Build the network with the checkpoint's sizes.

    Raises:
        CheckpointError: the checkpoint has another encoder, or predicts the rate of events too.
    """
    if any(key.startswith(("encoder_z0.GRU_update", "encoder_z0.z0_diffeq_solver")) for key in state):
        raise CheckpointError(
            "these weights have the ODE-RNN encoder, which solves an equation between observations; podium exports the "
            "recurrent encoder (upstream's --z0-encoder rnn)"
        )
    if any("lambda_net" in key for key in state):
        raise CheckpointError(
            "these weights predict the rate of events too (upstream's --poisson), which podium does not export"
        )
    usual = LatentODEConfig()
    equation = "diffeq_solver.ode_func.gradient_net"
    return LatentODE(
        LatentODEConfig(
            num_channels=length(state, "decoder.decoder.0.weight", 0, usual.num_channels),
            hidden_size=length(state, "encoder_z0.gru_rnn.weight_hh_l0", 1, usual.hidden_size),
            head_size=length(state, "encoder_z0.hiddens_to_z0.0.weight", 0, usual.head_size),
            latent_size=length(state, "decoder.decoder.0.weight", 1, usual.latent_size),
            equation_size=length(state, f"{equation}.0.weight", 0, usual.equation_size),
            equation_layers=max(0, len(_sizes(state, equation)) - 1) or usual.equation_layers,
            classifier=_sizes(state, "classifier"),
        )
    )


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made: times as upstream trains on them, 0 … 1, and channels without names."""
    assert isinstance(network, LatentODE)
    config = network.config
    return series_model(
        network.parts,
        plain_series(config.num_channels),
        config={**asdict(config), "classifier": list(config.classifier)},
        description=f"A latent differential equation of {config.latent_size} dimensions: values at any time, from "
        "observations at irregular ones.",
    )


def _layers(sizes: list[int] | tuple[int, ...], between: type[nn.Module]) -> nn.Sequential:
    """Make linear layers with an activation between each two."""
    layers: list[nn.Module] = []
    for i, (num_in, num_out) in enumerate(pairwise(sizes)):
        layers += ([between()] if i else []) + [nn.Linear(num_in, num_out)]
    return nn.Sequential(*layers)


def _sizes(state: Mapping[str, Tensor], prefix: str) -> tuple[int, ...]:
    """List the features of linear layers at every second place of a sequence; empty where there are none."""
    weights: list[Tensor] = []
    while f"{prefix}.{2 * len(weights)}.weight" in state:
        weights.append(state[f"{prefix}.{2 * len(weights)}.weight"])
    return (weights[0].shape[1], *(weight.shape[0] for weight in weights)) if weights else ()
