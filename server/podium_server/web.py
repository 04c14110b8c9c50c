"""The HTTP port: Prometheus metrics and the probes of an orchestrator."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Generator
from typing import Protocol

import uvicorn
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from podium_server.catalogue import Catalogue
from podium_server.metrics import Metrics
from podium_server.security.page_access import OPEN, PageAccess
from podium_server.security.shown_certificate import ShownCertificateProtocol


class Others(Protocol):
    """Those who share this port: `podium_server.workers.team.Team`."""

    async def ready(self) -> bool:
        """Whether every one of them is ready."""
        ...

    async def page(self) -> Collector:
        """Everybody's metrics."""
        ...


def application(
    catalogue: Catalogue, metrics: Metrics, access: PageAccess = OPEN, others: Others | None = None
) -> Starlette:
    """Make the application: `/metrics`, `/livez`, `/readyz`.

    Args:
        catalogue: whose state probes ask for.
        metrics: what the page shows.
        access: who may see it; probes are answered to everybody.
        others: who shares the port: pages speak of all of them then.
    """

    async def show_metrics(request: Request) -> Response:
        refusal = access.refuse(request)
        if refusal is not None:
            return refusal
        # OpenMetrics for who asks for it, as Prometheus does: it has exemplars.
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        shown = metrics.registry if others is None else await others.page()
        page = await asyncio.to_thread(encode, shown)
        return Response(page, media_type=content_type)

    async def live(_: Request) -> Response:
        return PlainTextResponse("live\n")

    async def ready(_: Request) -> Response:
        if catalogue.ready and (others is None or await others.ready()):
            return PlainTextResponse("ready\n")
        return PlainTextResponse("not ready: models are loading, or the server is shutting down\n", 503)

    async def lost(request: Request, _: Exception) -> Response:
        known = "/metrics, /livez and /readyz; models are called over gRPC, on the other port"
        return PlainTextResponse(f"no page {request.url.path}: there are {known}\n", 404)

    routes = [Route("/metrics", show_metrics), Route("/livez", live), Route("/readyz", ready)]
    return Starlette(routes=routes, exception_handlers={404: lost})


class _QuietServer(uvicorn.Server):
    """A uvicorn server that leaves signals to its owner."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield


class HttpServer:
    """Serves an application on a socket that is already bound, in the running event loop.

    Args:
        app: what answers.
        listener: a bound socket.
        tls: what is shown and asked for in handshakes; None: no TLS.
    """

    def __init__(self, app: Starlette, listener: socket.socket, tls: ssl.SSLContext | None = None) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            ws="none",
            http=ShownCertificateProtocol,
            ssl_context_factory=(lambda config, default: tls) if tls else None,
        )
        self._server = _QuietServer(config)
        self._listener = listener
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to answer."""
        self._task = asyncio.get_running_loop().create_task(self._server.serve([self._listener]))

    async def close(self) -> None:
        """Stop; answers under way are finished."""
        self._server.should_exit = True
        if self._task is None:
            self._listener.close()
        else:
            await self._task
