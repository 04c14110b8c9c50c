"""`grpc.health.v1.Health`: the whole server as "", each service by its full name, each model by its name.

Beside a model's name, each version is a name too, `digits/3`, and each alias, `digits@stable`.

Not grpcio-health-checking's own servicer (read and tried, 1.80): it reports "" as serving from the start, a watcher who
goes takes the others of that name with it, and one who does not read may hold up the end of the server.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from grpc import StatusCode, aio
from grpc_health.v1 import health_pb2

from podium_server.catalogue import Catalogue

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


class HealthServicer:
    """Answers from a table of statuses by name; changed in the event loop."""

    def __init__(self) -> None:
        self._statuses: dict[str, int] = {}
        self._changed = asyncio.Event()

    def set(self, statuses: dict[str, int]) -> None:
        """Replace all statuses; those who watch hear of what is new."""
        self._statuses = statuses
        self._changed.set()
        self._changed = asyncio.Event()

    async def Check(
        self, request: health_pb2.HealthCheckRequest, context: "aio.ServicerContext[Any, Any]"
    ) -> health_pb2.HealthCheckResponse:
        """Tell the status of one name; NOT_FOUND when there is none."""
        status = self._statuses.get(request.service)
        if status is None:
            await context.abort(StatusCode.NOT_FOUND, f"no service or model is named {request.service[:200]!r}")
        return health_pb2.HealthCheckResponse(status=status)

    async def Watch(
        self, request: health_pb2.HealthCheckRequest, context: "aio.ServicerContext[Any, Any]"
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """Tell the status of one name now and whenever it changes; what passed while nobody read is left out."""
        del context
        told: int | None = None
        while True:
            changed, status = self._changed, self._statuses.get(request.service, SERVICE_UNKNOWN)
            if status == told:
                await changed.wait()
                continue
            told = status
            yield health_pb2.HealthCheckResponse(status=status)


class HealthReporter:
    """Keeps the health service up with the catalogue.

    Args:
        catalogue: whose state is reported.
        services: full names of the services.
    """

    def __init__(self, catalogue: Catalogue, services: list[str]) -> None:
        self.servicer = HealthServicer()
        self._catalogue = catalogue
        self._services = services
        self._closed = False
        catalogue.watchers.append(self._model_changed)
        self.update()

    def update(self) -> None:
        """Report the server, its services, its models and their versions as they are now."""
        serving = ((name, ready and not self._closed) for name, ready in self._names())
        self.servicer.set({name: SERVING if yes else NOT_SERVING for name, yes in serving})

    def close(self) -> None:
        """Report everything as not serving, for good."""
        self._closed = True
        self.update()

    def _names(self) -> list[tuple[str, bool]]:
        """Every name that may be asked for, and whether it is ready."""
        names = [(name, self._catalogue.ready) for name in ("", *self._services)]
        for model, versions in self._catalogue.models().items():
            answers = {number: entry.answers for number, entry in versions.items()}
            names.append((model, self._catalogue.default(model) is not None))
            names += [(f"{model}/{number}", it_does) for number, it_does in answers.items()]
            aliases = self._catalogue.aliases(model)
            names += [(f"{model}@{name}", answers.get(route.version, False)) for name, route in aliases.items()]
        return names

    def _model_changed(self, name: str) -> None:
        del name
        self.update()
