"""The latent ODE, against its equations written out and against PhysioNet's published weights."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from podium.v1 import model_manifest_pb2 as pb
from podium_export.architecture import Blueprint
from podium_export.architectures import ARCHITECTURES
from podium_export.architectures.latent_ode import LatentODE, LatentODEConfig, build
from podium_export.architectures.latent_series import LatentSeries, SeriesDecoder, grid
from podium_export.architectures.step_choice import HEADROOM, TOLERANCE, choose_step
from podium_export.assembling import Source
from podium_export.errors import CheckpointError, NetworkError, OptionError
from podium_export.exporting import export_network
from podium_export.package import Destination
from torch import Tensor, nn

from tests.export.adaptive import adaptive
from tests.export.architectures.halves import run_graph
from tests.export.published import published_network

FILE = "latent-ode/latent-ode-physionet2012.safetensors"
SMALL = LatentODEConfig(
    num_channels=2, hidden_size=5, head_size=4, latent_size=3, equation_size=8, equation_layers=3, classifier=(3, 4, 1)
)


def small_network(seed: int = 0) -> LatentODE:
    """A network with weights by chance."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return LatentODE(SMALL).eval()


def upstream_posterior(network: LatentODE, time: Tensor, value: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Read one series as upstream's Encoder_z0_RNN does: backwards, the steps between times before values and mask.

    The steps are reversed like the values, and a 0 is put behind them: so each observation comes with the time since
    the one before it. The cell is PyTorch's GRU: r, z and n in this order.
    """
    w = {name: tensor.double() for name, tensor in network.encoder_z0.state_dict().items()}
    steps = torch.cat([(time[1:] - time[:-1]).flip(0), torch.zeros(1)])
    rows = torch.cat([steps.unsqueeze(1), torch.cat([value, mask], dim=1).flip(0)], dim=1).double()
    h = torch.zeros(network.config.hidden_size, dtype=torch.float64)
    for x in rows:
        given = w["gru_rnn.weight_ih_l0"] @ x + w["gru_rnn.bias_ih_l0"]
        kept = w["gru_rnn.weight_hh_l0"] @ h + w["gru_rnn.bias_hh_l0"]
        r, z = torch.sigmoid(given + kept).chunk(3)[:2]
        n = torch.tanh(given.chunk(3)[2] + r * kept.chunk(3)[2])
        h = (1 - z) * n + z * h
    hidden = torch.tanh(w["hiddens_to_z0.0.weight"] @ h + w["hiddens_to_z0.0.bias"])
    both = w["hiddens_to_z0.2.weight"] @ hidden + w["hiddens_to_z0.2.bias"]
    return both[: network.config.latent_size], both[network.config.latent_size :].abs()


def observed(count: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Times, values and mask of one series by chance."""
    chance = torch.Generator().manual_seed(seed)
    mask = (torch.rand(count, 2, generator=chance) < 0.7).float()
    time = torch.rand(count, generator=chance).sort().values
    return time, torch.randn(count, 2, generator=chance) * mask, mask


@pytest.mark.parametrize("count", [1, 2, 7])
def test_the_encoder_is_upstreams(count: int) -> None:
    """Mean and standard deviation are those of upstream's equations, written out."""
    network = small_network()
    time, value, mask = observed(count)
    with torch.inference_mode():
        actual = network.encoder_z0(time[None], value[None], mask[None], torch.tensor([count]))
    for one, expected in zip(actual, upstream_posterior(network, time, value, mask), strict=True):
        np.testing.assert_allclose(one[0], expected, atol=1e-6)


def test_padding_changes_no_posterior() -> None:
    """Whatever lies beyond the count: not even the last bit."""
    network = small_network()
    time, value, mask = observed(5)
    with torch.inference_mode():
        bare = network.encoder_z0(time[None], value[None], mask[None], torch.tensor([5]))
        padded = network.encoder_z0(
            torch.cat([time, torch.full((3,), 9.0)])[None],
            torch.cat([value, torch.full((3, 2), 7.0)])[None],
            torch.cat([mask, torch.ones(3, 2)])[None],
            torch.tensor([5]),
        )
    assert all(torch.equal(one, other) for one, other in zip(bare, padded, strict=True))


def test_the_sizes_are_read_from_the_checkpoint() -> None:
    """Those of every part, the classifier's too, which belongs to no graph."""
    network = build(small_network().state_dict())
    assert network.config == SMALL
    blueprint = ARCHITECTURES["latent-ode"].blueprint(network)
    assert [graph.name for graph in blueprint.graphs] == ["encoder", "decoder"]
    assert "classifier" not in {name.split(".")[0] for graph in blueprint.graphs for name in graph.module.state_dict()}


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("encoder_z0.GRU_update.update_gate.0.weight", "ODE-RNN encoder"),
        ("diffeq_solver.ode_func.lambda_net.0.weight", "rate of events"),
    ],
)
def test_refuses_upstreams_other_networks_by_name(key: str, said: str) -> None:
    """What is not exported is told from the keys."""
    with pytest.raises(CheckpointError, match=said):
        build(small_network().state_dict() | {key: torch.zeros(1)})


def test_the_step_is_the_longest_within_the_tolerance() -> None:
    """The error is what the manifest says, with room for other latents; a step twice as long has not enough."""
    series = small_network(1).parts
    with torch.no_grad():
        for parameter in series.equation.parameters():
            parameter.mul_(3)  # a livelier equation than chance makes
    solver = choose_step(series, 1.0)
    assert (solver.method, solver.tolerance) == ("rk4", TOLERANCE)
    z, times = torch.randn(64, 3, generator=torch.Generator().manual_seed(0)), torch.linspace(0, 1, 101)
    with torch.inference_mode():
        exact = copy.deepcopy(series.decode).double()(adaptive(series.equation, z, times)).transpose(0, 1)
        one, twice = (
            float(
                (SeriesDecoder(series, h)(z, times.expand(64, -1), grid(1, h).float().expand(64, -1)) - exact)
                .abs()
                .max()
            )
            for h in (solver.step, 2 * solver.step)
        )
    assert one == pytest.approx(solver.max_error, rel=0.01)
    assert HEADROOM * one <= TOLERANCE < HEADROOM * twice


class Growth(nn.Module):
    """dz/dt = rate · z."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = nn.Parameter(torch.tensor(rate))

    def forward(self, z: Tensor) -> Tensor:
        return self.rate * z


@pytest.mark.parametrize(
    ("rate", "said"),
    [(float("nan"), "has no solution up to the horizon"), (-3e3, r"cannot be solved with 1,024 steps")],
)
def test_an_equation_that_no_step_follows_is_not_exported(rate: float, said: str) -> None:
    """One that is no number, and one that is stiff: the message says what is wrong."""
    series = LatentSeries(nn.Identity(), Growth(rate), nn.Identity(), 1, 1)
    with pytest.raises(NetworkError, match=said):
        choose_step(series, 1.0)


def described(num_channels: int = 2) -> pb.Forecasting:
    """Channels and times of a small network."""
    return pb.Forecasting(
        channels=[pb.Channel(name=f"c{i}", scale=2) for i in range(num_channels)],
        time_unit="hours",
        time_scale=24,
        latent_time=pb.LATENT_TIME_ZERO,
        horizon=48,
    )


def with_series(network: LatentODE, series: pb.Forecasting) -> Blueprint:
    """Describe a network anew."""
    blueprint = ARCHITECTURES["latent-ode"].blueprint(network)
    assert blueprint.with_series is not None
    return blueprint.with_series(series)


def test_a_description_of_series_sets_channels_and_times() -> None:
    """The step is chosen for the longer time; values are given as far as four horizons."""
    blueprint = with_series(small_network(), described())
    assert blueprint.forecasting is not None
    assert [channel.name for channel in blueprint.forecasting.channels] == ["c0", "c1"]
    assert (blueprint.forecasting.max_reach, blueprint.forecasting.latent_size) == (4 * 48, 3)
    assert (2 / blueprint.forecasting.solver.step).is_integer()


def test_a_description_must_have_every_channel() -> None:
    """One too few is refused with both counts."""
    with pytest.raises(OptionError, match="channels: 1 are described, and the network has 2"):
        with_series(small_network(), described(1))


def test_a_packages_graphs_are_the_network(repository: Path) -> None:
    """ONNX Runtime gives upstream's posterior, and the adaptive solver's values within the tolerance."""
    network = small_network()
    published = export_network(
        with_series(network, described()), Source("latent-ode"), Destination(repository, "small")
    )
    time, value, mask = observed(6)
    posterior = run_graph(
        published.path, "encoder", time=time[None], value=value[None], mask=mask[None], count=torch.tensor([6])
    )
    mean, deviation = upstream_posterior(network, time, value, mask)
    np.testing.assert_allclose(posterior["mean"][0], mean, atol=1e-6)
    np.testing.assert_allclose(posterior["standard_deviation"][0], deviation, atol=1e-6)
    solver, times = published.manifest.forecasting.solver, torch.tensor([[1.3, 0.0, 0.2, 2.0]])
    values = run_graph(
        published.path,
        "decoder",
        latent=mean.float()[None],
        time=times,
        grid=grid(2.0, solver.step).float()[None],
    )["value"]
    with torch.inference_mode():
        exact = network.decoder(adaptive(network.diffeq_solver.ode_func, mean, times[0].sort().values).float())
    np.testing.assert_allclose(values[0, times[0].argsort()], exact, atol=solver.tolerance)


def test_the_published_network_is_read_with_its_sizes() -> None:
    """Those that the README of the data names."""
    network = published_network("latent-ode", FILE)
    assert isinstance(network, LatentODE)
    assert network.config == LatentODEConfig(classifier=(20, 300, 300, 1))
    assert sum(parameter.numel() for parameter in network.parameters()) == 126_572
    blueprint = ARCHITECTURES["latent-ode"].blueprint(network)
    assert json.loads(json.dumps(dict(blueprint.config)))["latent_size"] == 20
