"""Forecasts and the real server, around models whose answers follow from a formula."""

import asyncio
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from podium_client import AsyncClient, Client, Forecast, InvalidArgumentError, Reach, Series, WrongTaskError
from podium_client.main import main

from tests.oip.running import serve
from tests.server.forecasting.models import write_forecaster
from tests.server.packages import write_package

HEAT = Series([3, 5], [[12, 1], [16, 2]])
"""On average 14, which is 10 + 2 · 2, and 1.5; both fade to a half in 10 ln 2 hours."""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of one model that forecasts soundly, one that explodes, and one for something else."""
    repository = tmp_path_factory.mktemp("repository")
    write_forecaster(repository / "fading" / "1", -1.0)
    write_package(repository / "sums" / "1")
    with serve(repository, cores=1, sessions=1, threads=1, max_batch_rows=16) as running:
        yield running.address


@pytest.fixture(scope="module")
def exploding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server of one model that explodes."""
    repository = tmp_path_factory.mktemp("repository")
    write_forecaster(repository / "exploding" / "1", 20.0)
    with serve(repository, cores=1, sessions=1, threads=1, max_batch_rows=16) as running:
        yield running.address


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    """A client of it."""
    with Client(address) as client:
        yield client


def expected(times: Any) -> Any:
    """What the formula says of `HEAT`: (T, 2)."""
    decay = np.exp(-(np.asarray(times) - 3) / 10)
    return np.stack([10 + 4 * decay, 1.5 * decay], axis=1)


def test_arrays_in_and_arrays_out(client: Client) -> None:
    """Times as asked, a row a time and a column a channel, where each time lies, who answered."""
    forecast = client.forecast("fading", HEAT, [13, 4, 30])
    assert isinstance(forecast, Forecast)
    np.testing.assert_array_equal(forecast.times, [13, 4, 30])
    np.testing.assert_allclose(forecast.mean, expected([13, 4, 30]), rtol=1e-6)
    assert forecast.reaches == (Reach.EXTRAPOLATION, Reach.INTERPOLATION, Reach.BEYOND_TRAINING)
    assert forecast.reached(Reach.INTERPOLATION).tolist() == [False, True, False]
    assert (forecast.channels, forecast.spread, forecast.samples) == (("heat", "flow"), None, None)
    assert (forecast.metadata.model, forecast.metadata.seed, forecast.divergence) == ("fading", None, None)


def test_nan_and_named_columns_say_what_was_observed(client: Client) -> None:
    """A gap is no value; columns may be named, in any order, by name or index."""
    whole = client.forecast("fading", Series([0, 1], [[12.0, 1.0], [math.nan, 3.0]]), [2])
    named = client.forecast("fading", Series([0, 1], [[1.0, 12.0], [3.0, math.nan]], ["flow", 0]), [2])
    np.testing.assert_array_equal(whole.mean, named.mean)
    one = client.forecast("fading", Series([0, 1], [12, 14], ["heat"]), [0])
    np.testing.assert_allclose(one.mean, [[13, 0]], rtol=1e-6)


def test_samples_have_a_spread_and_a_seed(client: Client) -> None:
    """Mean and spread are those of the samples, which come where they are asked for."""
    forecast = client.forecast("fading", HEAT, [4, 9], num_samples=5, seed=3, return_samples=True)
    assert forecast.samples is not None
    assert forecast.spread is not None
    assert forecast.samples.shape == (5, 2, 2)
    np.testing.assert_allclose(forecast.mean, forecast.samples.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(forecast.spread, forecast.samples.std(axis=0), rtol=1e-9)
    assert forecast.metadata.seed == 3


def test_many_series_travel_in_one_call(client: Client) -> None:
    """One list of times for all, or one a series; each answer is that of its series alone."""
    two = [HEAT, Series([0], [[10, 1]])]
    first, second = client.forecast("fading", two, [[4, 5], [1]])
    np.testing.assert_array_equal(first.mean, client.forecast("fading", HEAT, [4, 5]).mean)
    assert second.mean.shape == (1, 2)
    shared = client.forecast("fading", two, np.array([4.0]))
    assert [len(each.times) for each in shared] == [1, 1]
    with pytest.raises(InvalidArgumentError, match="1 lists for 2 series") as refused:
        client.forecast("fading", two, [[4, 5]])
    assert refused.value.field == "times"


def test_a_divergence_is_nan_in_arrays_and_said(exploding: str) -> None:
    """From the first time that the server leaves out."""
    with Client(exploding) as client:
        forecast = client.forecast("exploding", Series([0], [[12, 1]]), [1, 9], num_samples=2, return_samples=True)
    assert forecast.samples is not None
    assert np.isnan(forecast.mean).tolist() == [[False, False], [True, True]]
    assert np.isnan(forecast.samples[:, 1]).all()
    assert forecast.divergence is not None
    assert (forecast.divergence.time, forecast.divergence.num_diverged) == (9, 2)


@pytest.mark.parametrize(
    ("series", "times", "field"),
    [
        (Series([0, 1], [[1, 2]]), [1], "series[0].values"),
        (Series([0], [[math.inf, 2]]), [1], "series[0].values[0, 0]"),
        (Series([0], [["warm", "2"]]), [1], "series[0].values"),
        (Series([[0]], [[1, 2]]), [1], "series[0].times"),
        (Series([0], [[1, 2]], ["heat"]), [1], "series[0].channels"),
        (Series([0], [[1]], [-1]), [1], "series[0].channels[0]"),
        (HEAT, "soon", "times"),
    ],
)
def test_what_can_be_seen_to_be_wrong_is_not_sent(client: Client, series: Series, times: Any, field: str) -> None:
    """The field is named."""
    with pytest.raises(InvalidArgumentError) as refused:
        client.forecast("fading", series, times)
    assert refused.value.field == field


def test_the_servers_refusals_have_their_classes(client: Client) -> None:
    """By field, or by the model's task."""
    with pytest.raises(InvalidArgumentError, match="is 500; it must be") as refused:
        client.forecast("fading", HEAT, [500])
    assert refused.value.field == "series[0].times[0]"
    with pytest.raises(WrongTaskError, match="takes models for forecasting"):
        client.forecast("sums", HEAT, [1])


def test_the_same_without_blocking(address: str) -> None:
    """The asynchronous client gives the same."""

    async def ask() -> Forecast:
        async with AsyncClient(address) as client:
            return await client.forecast("fading", HEAT, [4])

    np.testing.assert_allclose(asyncio.run(ask()).mean, expected([4]), rtol=1e-6)


def run(address: str, *arguments: str) -> Any:
    """Run `podium forecast`."""
    return CliRunner().invoke(main, ["forecast", *arguments, "--address", address])


def test_the_command_draws_a_file(address: str, tmp_path: Path) -> None:
    """The only model that forecasts is found; a panel an observed channel, in one picture."""
    (tmp_path / "heat.csv").write_text("time,heat,flow\n3,12,1\n5,16,2\n")
    done = run(address, str(tmp_path / "heat.csv"), "-o", str(tmp_path / "heat.png"), "--seed", "1")
    assert done.exit_code == 0, done.output
    assert "fading/1 · seed 1" in done.output
    assert "4 values at 2 times up to 5; forecast from 3 to 27" in done.output
    with Image.open(tmp_path / "heat.png") as picture:
        assert min(picture.size) > 300
        assert len(picture.getcolors(1 << 24) or ()) > 50


def test_the_command_tells_programs(address: str, tmp_path: Path) -> None:
    """Times in order, means, spreads, where they lie; a picture a series in a folder."""
    (tmp_path / "two.csv").write_text("series,time,channel,value\na,3,heat,12\nb,4,flow,2\n")
    done = run(
        address, "fading", str(tmp_path / "two.csv"), "--times", "9,4", "--samples", "0", "--json", "-o",
        f"{tmp_path}/out/",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    said = json.loads(done.output)
    assert [series["name"] for series in said["series"]] == ["a", "b"]
    assert said["series"][0]["times"] == [4, 9]
    assert said["series"][0]["mean"][0] == pytest.approx([10 + 2 * math.exp(-0.1), 0])
    assert said["series"][0]["reaches"] == ["extrapolation", "extrapolation"]
    assert said["series"][0]["spread"] is None
    assert said["metadata"]["version"] == 1
    assert all(Path(file).is_file() for file in said["files"])
    assert len(said["files"]) == 2


def test_the_command_says_what_is_wrong(address: str, exploding: str, tmp_path: Path) -> None:
    """A wrong command line is 2, a refusal 1; a divergence is told, and drawn as far as it goes."""
    file = tmp_path / "heat.csv"
    file.write_text("time,heat\n3,12\n")
    assert run(address, "a", "b", str(file)).exit_code == 2
    until = run(address, str(file), "--until", "1")
    assert (until.exit_code, "the first observation is at 3" in until.output) == (2, True)
    assert run(address, "sums", str(file)).exit_code == 1
    done = run(exploding, str(file), "-o", str(tmp_path / "x.png"), "--seed", "0")
    assert done.exit_code == 0, done.output
    assert "the solution diverges: from time" in done.output
