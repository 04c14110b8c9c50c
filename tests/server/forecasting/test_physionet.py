"""The latent ODE published for PhysioNet's challenge of 2012, exported, served, and asked for 200 real stays."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from podium.v1 import forecast_service_pb2 as wire
from podium.v1 import forecast_service_pb2_grpc as stubs
from podium.v1 import model_manifest_pb2 as pb
from podium_export.architectures import ARCHITECTURES
from podium_export.architectures.latent_ode import LatentODE
from podium_export.assembling import Source
from podium_export.checkpoint import load_checkpoint
from podium_export.exporting import export_network
from podium_export.fitting import fit_architecture
from podium_export.package import Destination

from tests.export.adaptive import adaptive
from tests.oip.running import serve
from tests.server.forecasting.stays import CHECKPOINT, READING_INTERVAL_H, Features, Stay, features, stays

HOURS = np.arange(49.0)
BIG = [("grpc.max_receive_message_length", 2**28)]


@dataclass(frozen=True, slots=True)
class Served:
    """The network in PyTorch, and the address where it is served."""

    network: LatentODE
    manifest: pb.ModelManifest
    address: str
    channels: Features
    stays: list[Stay]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The original checkpoint, with the arguments beside its weights, exported and served."""
    channels = features()
    repository: Path = tmp_path_factory.mktemp("repository")
    checkpoint = load_checkpoint(CHECKPOINT, allow=["argparse.Namespace"])
    network = fit_architecture(ARCHITECTURES["latent-ode"], checkpoint).network
    assert isinstance(network, LatentODE)
    blueprint = ARCHITECTURES["latent-ode"].blueprint(network)
    assert blueprint.with_series is not None
    blueprint = blueprint.with_series(channels.series)
    published = export_network(blueprint, Source("latent-ode"), Destination(repository, "stays"))
    with serve(repository, cores=1, sessions=1, threads=1, max_batch_rows=32) as running:
        yield Served(network, published.manifest, running.address, channels, stays(channels))


def ask(address: str, *series: wire.Series, num_samples: int = 0) -> wire.ForecastResponse:
    """Call the service."""
    with grpc.insecure_channel(address, options=BIG) as channel:
        request = wire.ForecastRequest(model="stays", series=series, num_samples=num_samples, seed=5)
        return stubs.ForecastServiceStub(channel).Forecast(request)


def posteriors(served: Served) -> torch.Tensor:
    """Encode every stay in PyTorch: the posteriors' means (200, 20)."""
    blanks = np.arange(int(48 / READING_INTERVAL_H) + 1) * READING_INTERVAL_H
    times = [np.unique(np.concatenate([stay.times, blanks])) for stay in served.stays]
    shape = (len(times), max(map(len, times)), len(served.channels.names))
    time, value, mask = np.zeros(shape[:2]), np.zeros(shape), np.zeros(shape)
    for i, (stay, every) in enumerate(zip(served.stays, times, strict=True)):
        places = np.searchsorted(every, stay.times)
        seen = ~np.isnan(stay.values)
        time[i, : len(every)] = every / 48
        value[i, places] = np.where(seen, (stay.values - served.channels.minima) / served.channels.scales, 0)
        mask[i, places] = seen
    count = torch.tensor([len(every) for every in times])
    arrays = (torch.tensor(array, dtype=torch.float32) for array in (time, value, mask))
    with torch.inference_mode():
        mean: torch.Tensor = served.network.encoder_z0(*arrays, count)[0]
    return mean


def test_the_served_model_is_pytorch_with_the_adaptive_solver(served: Served) -> None:
    """Every hour of all 200 stays, within the tolerance that the manifest states, in the network's numbers."""
    answer = ask(served.address, *(stay.message(HOURS) for stay in served.stays))
    values = np.array([[point.mean for point in one.points] for one in answer.series])
    numbers = (values - served.channels.minima) / served.channels.scales
    solved = adaptive(served.network.diffeq_solver.ode_func, posteriors(served), torch.tensor(HOURS / 48))
    with torch.inference_mode():
        expected = served.network.decoder(solved.float()).transpose(0, 1)
    tolerance = served.manifest.forecasting.solver.tolerance
    assert tolerance <= 1e-4
    np.testing.assert_allclose(numbers, expected, rtol=0, atol=tolerance)


def test_the_error_is_below_the_feature_means(served: Served) -> None:
    """On what was observed: 0.0061 for the network and 0.0077 for the mean on other stays, as the README says."""
    answer = ask(served.address, *(stay.message(stay.times) for stay in served.stays))
    seen = np.concatenate([stay.values for stay in served.stays])
    numbers = (seen - served.channels.minima) / served.channels.scales
    said = np.array([point.mean for one in answer.series for point in one.points])
    errors = (numbers - (said - served.channels.minima) / served.channels.scales) ** 2
    of_mean = (numbers - np.nanmean(numbers, axis=0)) ** 2
    assert np.nanmean(errors) == pytest.approx(0.0061, abs=0.0004)
    assert np.nanmean(of_mean) == pytest.approx(0.0077, abs=0.0004)


def test_each_stay_gives_the_same_bytes_alone_and_with_others(served: Served) -> None:
    """In one call with others, and in calls that share runs with those of strangers."""
    messages = [stay.message(_some_times(stay, i)) for i, stay in enumerate(served.stays[:16])]
    alone = [ask(served.address, each, num_samples=3).series[0].SerializeToString() for each in messages]
    together = ask(served.address, *messages, num_samples=3)
    assert [one.SerializeToString() for one in together.series] == alone
    with ThreadPoolExecutor(8) as threads:
        calls = [threads.submit(ask, served.address, each, num_samples=3) for each in messages]
        assert [call.result().series[0].SerializeToString() for call in calls] == alone


def _some_times(stay: Stay, seed: int) -> NDArray[np.float64]:
    """Between 1 and 60 times in no order, before the first and after the last observation too."""
    random = np.random.default_rng(seed)
    return random.uniform(-5, 60, random.integers(1, 61))
