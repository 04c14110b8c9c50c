"""`spirals`, as it is served: spirals seen at irregular times, in between and beyond."""

from pathlib import Path

import numpy as np
import pytest
import torch
from podium.v1 import model_manifest_pb2 as pb
from podium_export.architectures.latent_ode import LatentODE
from podium_export.architectures.latent_series import grid
from podium_export.inspection.opened import read_manifest
from podium_export.package import Destination
from podium_export.progress import Silence
from podium_export.recipes import RECIPES
from podium_export.recipes.spiral_series import DURATION, NOISE, readings, seen, spirals
from podium_export.recipes.spiral_training import SCALE, SpiralPlan, train_spirals
from podium_export.recipes.spirals import STORED, evaluate, learned_and_held_out

from tests.export.adaptive import adaptive
from tests.export.architectures.halves import run_graph


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the package."""
    return RECIPES["spirals"].make(Destination(tmp_path_factory.mktemp("models"), "spirals"), Silence()).path


def test_spirals_turn_and_grow_evenly() -> None:
    """The angle grows by 1 and the radius by 0.15 a unit of time; half of them turn the other way."""
    drawn = spirals(400, torch.Generator().manual_seed(3))
    radius = drawn.place.norm(dim=-1)
    np.testing.assert_allclose(radius[:, 1:] - radius[:, :-1], 0.15 * DURATION / 99, atol=1e-5)
    angle = torch.atan2(drawn.place[..., 1], drawn.place[..., 0])
    turn = torch.remainder(angle[:, 1:] - angle[:, :-1] + torch.pi, 2 * torch.pi) - torch.pi
    np.testing.assert_allclose(turn.abs(), DURATION / 99, atol=1e-4)
    assert 0.4 < float((turn[:, 0] > 0).double().mean()) < 0.6
    assert float((seen(drawn.place, torch.Generator().manual_seed(4)) - drawn.place).std()) == pytest.approx(
        NOISE, rel=0.02
    )


def test_readings_are_in_order_and_end_in_time() -> None:
    """The first point is always read, none after the end, and what is too few is padded behind."""
    drawn = spirals(50, torch.Generator().manual_seed(0))
    until = torch.linspace(0.5, DURATION, 50).unsqueeze(1)
    given = readings(drawn.time, drawn.place, 20, until, torch.Generator().manual_seed(1))
    assert given.time[:, 0].eq(0).all()
    assert given.count.min() < 20 == given.count.max()
    for time, count, end in zip(given.time, given.count, until, strict=True):
        assert (time[1:count] > time[: count - 1]).all()
        assert time[:count].max() <= end


def test_the_figures_are_those_of_the_weights() -> None:
    """What is stored with the weights is measured again, and is 0.004 or better."""
    measured = evaluate(STORED.network())
    stored = STORED.evaluations()
    assert [one.metric for one in measured] == [one.metric for one in stored]
    np.testing.assert_allclose([one.value for one in measured], [one.value for one in stored], rtol=1e-3)
    assert next(one for one in stored if one.metric == "mean squared error").value <= 0.004


def test_the_package_follows_spirals_that_it_has_not_seen(package: Path) -> None:
    """ONNX Runtime alone, on spirals of another seed, as far from the truth as the manifest says."""
    drawn = spirals(200, torch.Generator().manual_seed(11))
    chance = torch.Generator().manual_seed(12)
    given = readings(drawn.time, seen(drawn.place, chance), 30, torch.full((200, 1), 2 / 3 * DURATION), chance)
    mean = run_graph(
        package,
        "encoder",
        time=given.time / DURATION,
        value=given.seen / SCALE,
        mask=torch.ones_like(given.seen),
        count=given.count,
    )["mean"]
    manifest = read_manifest(package)
    step = manifest.forecasting.solver.step
    values = run_graph(
        package,
        "decoder",
        latent=mean,
        time=drawn.time / DURATION,
        grid=grid(1, step).float().expand(200, -1).contiguous(),
    )["value"]
    error = float(np.square(SCALE * values - drawn.place.numpy()).mean())
    (said,) = (one.value for one in manifest.evaluations if one.metric == "mean squared error")
    assert error == pytest.approx(said, rel=0.5)
    network = STORED.network()
    assert isinstance(network, LatentODE)
    solved = adaptive(network.diffeq_solver.ode_func, torch.tensor(mean), drawn.time[0] / DURATION)
    with torch.inference_mode():
        exact = network.decoder(solved.float()).transpose(0, 1)
    np.testing.assert_allclose(values, exact, atol=manifest.forecasting.solver.tolerance)


def test_the_manifest_says_what_is_measured_and_when(package: Path) -> None:
    """Two coordinates, times of 0 … 10 from the first observation on."""
    series = read_manifest(package).forecasting
    assert [channel.name for channel in series.channels] == ["x", "y"]
    assert (series.horizon, series.latent_time) == (DURATION, pb.LATENT_TIME_FIRST_OBSERVATION)
    assert series.max_reach == 4 * DURATION


def test_training_is_the_same_every_time() -> None:
    """A few steps twice: the same weights, bit for bit."""
    learned, _ = learned_and_held_out()
    plan = SpiralPlan(num_steps=3, batch_size=8)
    first, second = (train_spirals(learned, plan, lambda _done, _steps: None).state_dict() for _ in range(2))
    assert all(torch.equal(tensor, second[key]) for key, tensor in first.items())
