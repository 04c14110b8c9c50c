"""`podium export latent-ode` with what belongs to series: the holder of arguments, channels and times."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from podium.v1 import model_manifest_pb2 as pb
from podium_client.main import main
from podium_export.architectures.latent_ode import LatentODE, LatentODEConfig
from podium_export.errors import OptionError
from podium_export.inspection.opened import read_manifest
from podium_export.series_file import read_series

DESCRIBED: dict[str, Any] = {
    "channels": [{"name": "HR", "unit": "1/min", "scale": 300}, {"name": "Temp", "offset": -17.8, "scale": 42.2}],
    "time_unit": "hours",
    "horizon": 48,
    "latent_time": "LATENT_TIME_ZERO",
}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A small network as upstream saves it: the arguments of the command beside the weights."""
    torch.manual_seed(0)
    network = LatentODE(LatentODEConfig(2, 5, 4, 3, 8, 3, (3, 4, 1)))
    path = tmp_path / "experiment.ckpt"
    torch.save({"args": argparse.Namespace(latents=3), "state_dict": network.state_dict()}, path)
    return path


def export(checkpoint: Path, *more: str) -> Any:
    """Run the command."""
    where = ["--name", "stays", "--repository", str(checkpoint.parent / "models")]
    return CliRunner().invoke(main, ["export", "latent-ode", "--checkpoint", str(checkpoint), *where, *more])


def test_a_checkpoint_with_its_arguments_is_refused_and_then_allowed(checkpoint: Path) -> None:
    """The refusal names the flag; with it, and with a description of the series, the package says all of it."""
    refused = export(checkpoint)
    assert refused.exit_code == 1
    assert "--allow argparse.Namespace" in refused.stderr
    described = checkpoint.with_name("stays.json")
    described.write_text(json.dumps(DESCRIBED))
    done = export(checkpoint, "--allow", "argparse.Namespace", "--series", str(described))
    assert done.exit_code == 0, done.stderr
    package = checkpoint.parent / "models" / "stays" / "1"
    series = read_manifest(package).forecasting
    assert [(channel.name, channel.unit) for channel in series.channels] == [("HR", "1/min"), ("Temp", "")]
    assert (series.time_scale, series.horizon, series.max_reach, series.latent_size) == (48, 48, 192, 3)
    assert 0 < series.solver.max_error <= series.solver.tolerance / 4
    shown = CliRunner().invoke(main, ["inspect", str(package)])
    words = " ".join(shown.output.split())
    assert "HR in 1/min as x / 300; Temp as (x + 17.8) / 42.2" in words
    assert "trained up to 48 hours after the latent's, given up to 192 hours from it" in words
    assert "3 dimensions, at time 0" in words


def test_other_networks_have_no_series(checkpoint: Path, data: Path) -> None:
    """The option is for models that forecast."""
    described = checkpoint.with_name("stays.json")
    described.write_text(json.dumps(DESCRIBED))
    lenet = data / "image-classification" / "lenet5-mnist.pth"
    arguments = ["--checkpoint", str(lenet), "--name", "x", "--repository", str(checkpoint.parent / "models")]
    done = CliRunner().invoke(main, ["export", "lenet5-32", *arguments, "--series", str(described)])
    assert (done.exit_code, "--series: for models that forecast alone" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colour": 1}, "not a description of series"),
        ({"horizon": -1}, "horizon: is -1.0; it must be above 0"),
        ({"time_scale": -2}, "time_scale: is -2.0"),
        ({"max_reach": 1}, "max_reach: is 1.0; it must be the horizon or more"),
        ({"reading_interval": 49}, "reading_interval: is 49.0; it must be 0 … horizon"),
        ({"latent_size": 3}, "latent_size: is told by the network; leave it out"),
        ({"channels": [{"name": "HR"}, {"name": "HR"}]}, r"channels\[0\]: another one is called 'HR' too"),
    ],
)
def test_a_wrong_description_is_refused_by_field(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    """The file and the field are named."""
    path = tmp_path / "series.json"
    path.write_text(json.dumps(DESCRIBED | change))
    with pytest.raises(OptionError, match=said):
        read_series(path)


def test_what_a_description_leaves_out_is_usual(tmp_path: Path) -> None:
    """A scale of 1, a horizon of 1, the horizon for the time scale, the first observation for the latent's time."""
    path = tmp_path / "series.json"
    path.write_text('{"channels": [{}]}')
    series = read_series(path)
    assert (series.channels[0].scale, series.horizon, series.time_scale) == (1, 1, 1)
    assert series.latent_time == pb.LATENT_TIME_FIRST_OBSERVATION
