"""Servers behind certificates and tokens."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from grpc import aio
from podium.v1 import model_service_pb2_grpc as stubs
from podium_server.ports import Ports
from podium_server.server import Server
from podium_server.settings import Settings

from tests.security.authority import Authority
from tests.server.packages import write_package

Start = Callable[..., Awaitable["Running"]]


class Running:
    """A started server in this process, with y = 2x loaded."""

    def __init__(self, server: Server, ports: Ports) -> None:
        self.server = server
        self.ports = ports
        self.address = f"localhost:{ports.grpc}"

    def models(self, channel: aio.Channel) -> Any:
        """The model service over a channel."""
        return stubs.ModelServiceStub(channel)


@pytest.fixture(scope="session")
def authority() -> Authority:
    """The authority that everybody trusts."""
    return Authority()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of y = 2x."""
    write_package(tmp_path / "repository" / "double" / "1")
    return tmp_path / "repository"


@pytest.fixture
def settings(repository: Path, tmp_path: Path) -> Callable[..., Settings]:
    """Make settings for a server of this repository on free ports."""

    def make(**given: Any) -> Settings:
        usual: dict[str, Any] = {
            "repository": repository, "grpc_port": 0, "http_port": 0, "device": "cpu", "cores": 1, "sessions": 1,
            "threads": 1, "max_batch_rows": 4, "cache_dir": tmp_path / "cache",
        }  # fmt: skip
        return Settings(**(usual | given))

    return make


@pytest.fixture
async def start(settings: Callable[..., Settings]) -> AsyncIterator[Start]:
    """Start servers; they are stopped in the end."""
    started: list[Server] = []

    async def begin(**given: Any) -> Running:
        server = Server(settings(**given))
        started.append(server)
        ports = await server.start()
        await server.load()
        return Running(server, ports)

    yield begin
    for server in started:
        await server.stop()
