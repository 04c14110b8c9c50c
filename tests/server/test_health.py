"""`grpc.health.v1` as balancers and orchestrators use it: asked or watched, for the server, a service or a model."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode, aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from podium_server.catalogue import Catalogue
from podium_server.services.health import HealthReporter

from tests.server.conftest import MakeCatalogue
from tests.server.packages import write_package

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
SERVICE = "podium.v1.ModelService"
PATIENCE_S = 30.0


class Clinic:
    """A server of health alone, with a client."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.reporter = HealthReporter(catalogue, [SERVICE])
        self.server = aio.server()
        health_pb2_grpc.add_HealthServicer_to_server(self.reporter.servicer, self.server)
        self.channel = aio.insecure_channel(f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}")
        self.stub: Any = health_pb2_grpc.HealthStub(self.channel)

    async def check(self, name: str = "") -> int:
        """Ask once."""
        response = await self.stub.Check(health_pb2.HealthCheckRequest(service=name))
        return int(response.status)

    def watch(self, name: str = "") -> Any:
        """Begin to watch."""
        return self.stub.Watch(health_pb2.HealthCheckRequest(service=name))

    async def start(self) -> None:
        """Load everything, as the server does."""
        await self.catalogue.start()
        self.reporter.update()


async def hear(watching: Any) -> int:
    """The next status that a watcher hears."""
    response = await asyncio.wait_for(watching.read(), PATIENCE_S)
    return int(response.status)


async def hear_until(watching: Any, status: int) -> list[int]:
    """What a watcher hears up to a status; what comes and goes quickly may be left out."""
    heard: list[int] = []
    while status not in heard:
        heard.append(await hear(watching))
    return heard


@pytest.fixture
async def clinic(repository: Path, make_catalogue: MakeCatalogue) -> AsyncIterator[Clinic]:
    """Two versions of one model, not loaded yet."""
    for version in (1, 2):
        write_package(repository / "double" / str(version))
    clinic = Clinic(make_catalogue())
    await clinic.server.start()
    yield clinic
    await clinic.channel.close()
    await clinic.server.stop(None)


async def test_nothing_serves_before_it_is_loaded(clinic: Clinic) -> None:
    """A balancer that asks while models load sends nobody here."""
    assert [await clinic.check(name) for name in ("", SERVICE)] == [NOT_SERVING, NOT_SERVING]
    await clinic.start()
    names = ("", SERVICE, "double", "double/1", "double/2")
    assert [await clinic.check(name) for name in names] == [SERVING] * 5


@pytest.mark.parametrize("name", ["triple", "double/9", "podium.v1.NoService", "double/"])
async def test_unknown_name_is_not_found(clinic: Clinic, name: str) -> None:
    """As the health protocol wants it: NOT_FOUND when asked, SERVICE_UNKNOWN when watched."""
    await clinic.start()
    with pytest.raises(aio.AioRpcError) as error:
        await clinic.check(name)
    assert error.value.code() is StatusCode.NOT_FOUND
    assert name in str(error.value.details())
    assert await hear(clinic.watch(name)) == UNKNOWN


async def test_watcher_hears_of_each_change(clinic: Clinic) -> None:
    """Of a model before it is there, and when it goes and comes back."""
    watching = clinic.watch("double")
    assert await hear(watching) == UNKNOWN
    await clinic.start()
    assert (await hear_until(watching, SERVING))[-1] == SERVING
    await clinic.catalogue.unload("double")
    assert await hear(watching) == NOT_SERVING
    await clinic.catalogue.load("double")
    assert await hear(watching) == SERVING


async def test_watcher_who_leaves_takes_no_other_with_it(clinic: Clinic) -> None:
    """Several may watch one name."""
    leaving, staying = clinic.watch(), clinic.watch()
    assert [await hear(leaving), await hear(staying)] == [NOT_SERVING, NOT_SERVING]
    leaving.cancel()
    again = clinic.watch()
    assert await hear(again) == NOT_SERVING
    again.cancel()
    await clinic.start()
    assert await hear(staying) == SERVING


async def test_watcher_who_never_reads_holds_nobody_up(clinic: Clinic) -> None:
    """Statuses go on changing, and the end does not wait for it."""
    lazy = clinic.watch("double")
    await clinic.start()
    for _ in range(20):
        await clinic.catalogue.unload("double")
        await clinic.catalogue.load("double")
    assert await clinic.check("double") == SERVING
    clinic.reporter.close()
    assert await clinic.check("double") == NOT_SERVING
    lazy.cancel()


async def test_model_serves_as_long_as_one_version_does(repository: Path, clinic: Clinic) -> None:
    """A version that is gone is not known any more; the others and the model go on."""
    await clinic.start()
    shutil.rmtree(repository / "double" / "1")
    await clinic.catalogue.load("double")
    assert await clinic.check("double") == SERVING
    assert await clinic.check("double/2") == SERVING
    with pytest.raises(aio.AioRpcError):
        await clinic.check("double/1")
    await clinic.catalogue.unload("double")
    assert [await clinic.check(name) for name in ("double", "double/2", "")] == [NOT_SERVING, NOT_SERVING, SERVING]


async def test_broken_version_does_not_serve(repository: Path, clinic: Clinic) -> None:
    """Its model does, by the others."""
    (repository / "double" / "2" / "model.onnx").write_bytes(b"junk")
    await clinic.start()
    assert [await clinic.check(name) for name in ("double", "double/1", "double/2")] == [SERVING, SERVING, NOT_SERVING]


async def test_draining_server_serves_nothing_for_good(clinic: Clinic) -> None:
    """Watchers hear it at once; a load that ends later changes nothing."""
    await clinic.start()
    watching = clinic.watch()
    assert await hear(watching) == SERVING
    clinic.catalogue.drain()
    clinic.reporter.close()
    assert await hear(watching) == NOT_SERVING
    await clinic.catalogue.unload("double")
    await clinic.catalogue.load("double")
    clinic.reporter.update()
    assert [await clinic.check(name) for name in ("", SERVICE, "double", "double/1")] == [NOT_SERVING] * 4
