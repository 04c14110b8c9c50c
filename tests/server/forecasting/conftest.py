"""One server with forecasters whose answers are known, and one model that forecasts nothing."""

from collections.abc import Iterator

import grpc
import pytest
from podium.v1 import forecast_service_pb2_grpc as stubs
from podium.v1 import model_manifest_pb2 as pb

from tests.oip.running import Running, serve
from tests.server.forecasting.models import write_forecaster
from tests.server.packages import write_package


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The server: one session of one thread, runs of up to 16 rows."""
    repository = tmp_path_factory.mktemp("repository")
    write_forecaster(repository / "fading" / "1", -1.0)
    write_forecaster(repository / "admitted" / "1", -1.0, latent_time=pb.LATENT_TIME_ZERO, reading_interval=2)
    write_forecaster(repository / "exploding" / "1", 20.0)
    write_package(repository / "sums" / "1")
    with serve(repository, cores=1, sessions=1, threads=1, max_batch_rows=16) as server:
        yield server


@pytest.fixture
def stub(running: Running) -> Iterator[stubs.ForecastServiceStub]:
    """A client of it."""
    with grpc.insecure_channel(running.address) as channel:
        yield stubs.ForecastServiceStub(channel)
