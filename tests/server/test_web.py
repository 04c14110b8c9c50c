"""The HTTP port on a real socket: probes for an orchestrator, the page for Prometheus."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest
from podium_server.catalogue import Catalogue
from podium_server.metrics import Metrics
from podium_server.web import HttpServer, application
from prometheus_client.parser import text_string_to_metric_families

from tests.server.conftest import MakeCatalogue
from tests.server.packages import write_package


class Site:
    """A running HTTP server."""

    def __init__(self, catalogue: Catalogue, metrics: Metrics) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = listener.getsockname()[1]
        self.server = HttpServer(application(catalogue, metrics), listener)

    async def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        """Ask as a probe does: one connection, one request."""
        return await asyncio.to_thread(self._get, path, method)

    def _get(self, path: str, method: str) -> tuple[int, str]:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read().decode()


@pytest.fixture
def catalogue(repository: Path, make_catalogue: MakeCatalogue) -> Catalogue:
    """One model, not loaded yet."""
    write_package(repository / "double" / "1")
    return make_catalogue()


@pytest.fixture
async def site(catalogue: Catalogue, metrics: Metrics) -> AsyncIterator[Site]:
    """The probes of that catalogue."""
    site = Site(catalogue, metrics)
    site.server.start()
    yield site
    await site.server.close()


async def test_ready_only_between_loading_and_draining(site: Site, catalogue: Catalogue) -> None:
    """503 before and after, with the reason; live all the while."""
    seen = [await site.get("/readyz")]
    await catalogue.start()
    seen.append(await site.get("/readyz"))
    catalogue.drain()
    seen.append(await site.get("/readyz"))
    assert [status for status, _ in seen] == [503, 200, 503]
    assert "models are loading, or the server is shutting down" in seen[0][1]
    assert (await site.get("/livez"))[0] == 200


async def test_metrics_page_can_be_parsed(site: Site, catalogue: Catalogue) -> None:
    """It has the model's state, provider and plan."""
    await catalogue.start()
    status, page = await site.get("/metrics")
    assert status == 200
    families = {family.name: family for family in text_string_to_metric_families(page)}
    (info,) = families["podium_model_info"].samples
    assert info.labels == {
        "model": "double", "version": "1", "task": "tensor", "provider": "CPUExecutionProvider"
    }  # fmt: skip
    ready = {s.labels["state"]: s.value for s in families["podium_model_state"].samples}
    assert ready == {"LOADING": 0, "READY": 1, "UNLOADING": 0, "UNAVAILABLE": 0, "DORMANT": 0}
    assert families["podium_plan_batch_rows"].samples[0].value == 4


async def test_page_is_made_while_models_come_and_go(site: Site, catalogue: Catalogue) -> None:
    """A scrape in the middle of a load or unload is answered."""
    await catalogue.start()

    async def churn() -> None:
        for _ in range(20):
            await catalogue.unload("double")
            await catalogue.load("double")

    churning = asyncio.ensure_future(churn())
    while not churning.done():
        status, page = await site.get("/metrics")
        assert status == 200
        list(text_string_to_metric_families(page))
    await churning


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nothing", 404), ("POST", "/livez", 405), ("HEAD", "/readyz", 503)]
)
async def test_other_requests_get_http_answers(site: Site, method: str, path: str, status: int) -> None:
    """Unknown pages and methods are refused as HTTP does."""
    assert (await site.get(path, method))[0] == status


async def test_close_does_not_wait_for_idle_connections(catalogue: Catalogue, metrics: Metrics) -> None:
    """A connection that is kept open, or a request that is never finished, holds up nothing."""
    site = Site(catalogue, metrics)
    site.server.start()
    await site.get("/livez")
    connections = [await asyncio.open_connection("127.0.0.1", site.port) for _ in range(2)]
    connections[0][1].write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
    await connections[0][0].readuntil(b"live\n")
    connections[1][1].write(b"GET /livez HTTP/1.1\r\nHost:")
    await asyncio.wait_for(site.server.close(), 30)
    for _, writer in connections:
        writer.close()


async def test_server_that_was_never_started_is_closed_at_once(catalogue: Catalogue, metrics: Metrics) -> None:
    """A start that failed half-way can be cleaned up."""
    site = Site(catalogue, metrics)
    await site.server.close()
    with pytest.raises(ConnectionRefusedError):
        await site.get("/livez")


async def test_a_page_that_is_not_there_names_those_that_are(site: Site) -> None:
    """Who forgets a path, or calls a model here, learns where to go."""
    status, page = await site.get("/metric")
    assert status == 404
    assert page.startswith("no page /metric: there are /metrics, /livez and /readyz")
