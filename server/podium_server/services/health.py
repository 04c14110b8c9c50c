"""`grpc.health.v1.Health`: the whole server as "", each service by its full name, each model by its name."""

import asyncio

from grpc_health.v1 import health, health_pb2

from podium_server.catalogue import Catalogue, VersionState

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class HealthReporter:
    """Keeps the health service up with the catalogue.

    Args:
        catalogue: whose state is reported.
        services: full names of the services.
    """

    def __init__(self, catalogue: Catalogue, services: list[str]) -> None:
        self.servicer = health.aio.HealthServicer()  # pyright: ignore[reportAttributeAccessIssue] - the stubs lack it
        self._catalogue = catalogue
        self._services = services
        self._updates: set[asyncio.Task[None]] = set()
        catalogue.watchers.append(self._model_changed)

    async def update(self) -> None:
        """Report the server and its services as ready or not."""
        status = SERVING if self._catalogue.ready else NOT_SERVING
        for name in ("", *self._services):
            await self.servicer.set(name, status)

    async def close(self) -> None:
        """Report everything as not serving, for good."""
        await asyncio.gather(*self._updates)
        await self.servicer.enter_graceful_shutdown()

    def _model_changed(self, name: str) -> None:
        """Report a model and its versions; the servicer's own method is a coroutine, so as a task that is kept."""
        task = asyncio.get_running_loop().create_task(self._report(name))
        self._updates.add(task)
        task.add_done_callback(self._updates.discard)

    async def _report(self, name: str) -> None:
        versions = self._catalogue.models().get(name, {})
        ready = [entry.version for entry in versions.values() if entry.state is VersionState.READY]
        await self.servicer.set(name, SERVING if ready else NOT_SERVING)
        for version in versions:
            await self.servicer.set(f"{name}/{version}", SERVING if version in ready else NOT_SERVING)
