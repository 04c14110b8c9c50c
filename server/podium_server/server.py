"""The server: what it is made of, how it binds, loads and drains."""

import asyncio
import contextlib
import logging

from google.protobuf.descriptor import ServiceDescriptor
from grpc import aio
from grpc_health.v1 import health_pb2
from podium.v1 import (
    captioning_service_pb2,
    classification_service_pb2,
    forecast_service_pb2,
    image_service_pb2,
    model_service_pb2,
    text_service_pb2,
)

from podium_server.catalogue import Catalogue
from podium_server.gate import Gate
from podium_server.graph_loader import LoadOptions
from podium_server.hang_up import hang_up
from podium_server.imaging.pool import ImagePool
from podium_server.lifecycle import Residence
from podium_server.loader import Loader
from podium_server.metrics import Metrics
from podium_server.observing.chosen import ObserverUnavailable, choose_observers
from podium_server.observing.observer import CallObserver
from podium_server.oip.messages import DESCRIPTOR as OPEN_INFERENCE
from podium_server.plan import Layout
from podium_server.ports import Ports, address_of, bind_http, channel_options
from podium_server.reflection import enable_reflection, service_of
from podium_server.rpc import handlers
from podium_server.runtime.cores import allowed_cores
from podium_server.runtime.probe import DeviceUnavailable, choose_device
from podium_server.security.access import is_loopback
from podium_server.security.certificates import Certificates
from podium_server.security.guard import Guard
from podium_server.security.identity import CertificateError
from podium_server.security.page_access import PageAccess
from podium_server.security.posted import post_guard, read_certificates
from podium_server.security.tokens import TokenFileError
from podium_server.services.captioning import CaptioningService
from podium_server.services.classification import ClassificationService
from podium_server.services.forecasting import ForecastService
from podium_server.services.health import HealthReporter
from podium_server.services.images import ImageService
from podium_server.services.inference import InferenceService
from podium_server.services.models import ModelService
from podium_server.services.tasks import check_package
from podium_server.services.text import TextService
from podium_server.services.uncounted import uncounted_handlers
from podium_server.settings import Settings
from podium_server.shadowing.shadow import Method, Shadow
from podium_server.start_error import StartError
from podium_server.versions.watch import RepositoryWatch
from podium_server.web import HttpServer, application
from podium_server.workers.team import Team

log = logging.getLogger(__name__)

# Idle streams are cut off this long after the last answer was sent.
FLUSH_S = 0.5


class Server:
    """One server in the running event loop.

    Args:
        settings: how it runs.
        team: the workers that share its ports, if there are any.

    Raises:
        StartError: the device is not there.
    """

    def __init__(self, settings: Settings, team: Team | None = None) -> None:
        self.settings = settings
        self._team = team
        self.metrics = Metrics()
        self.gate = Gate()
        self._certificates, self.guard = _secure(settings, self.metrics)
        self._loader = Loader(_load_options(settings), self.metrics, check_package)
        residence = Residence(settings.memory_budget, settings.drain_s)
        make_catalogue = Catalogue if team is None else team.catalogue
        self.catalogue = make_catalogue(
            settings.repository, settings.versions, self._loader.load, self.metrics, residence
        )
        self._watch = RepositoryWatch(settings.repository, settings.watch, self.catalogue.look_again)
        self._pool = ImagePool(settings.cores or allowed_cores(), settings.queue_rows)
        self._observers = _look_on(settings)
        self.metrics.show_server(lambda: self.catalogue.ready, lambda: self.gate.num_inside, lambda: self._pool.waiting)
        services = self._services()
        self.shadow = Shadow(_methods(services), self.metrics.shadow)
        self.catalogue.copies = self.shadow.copies_to
        self._health = HealthReporter(self.catalogue, [descriptor.full_name for descriptor, _ in services])
        self._grpc = aio.server(options=channel_options(settings, shared=team is not None))
        for descriptor, implementation in services:
            handler = handlers(
                descriptor,
                implementation,
                metrics=self.metrics,
                gate=self.gate,
                observers=self._observers,
                guard=self.guard,
            )
            self._grpc.add_generic_rpc_handlers([handler])
        health = uncounted_handlers(service_of(health_pb2.DESCRIPTOR), self._health.servicer)
        self._grpc.add_generic_rpc_handlers([health])
        if settings.reflection:
            enable_reflection(self._grpc, [descriptor for descriptor, _ in services])
        self._grpc_port = 0
        self._http: HttpServer | None = None

    def _services(self) -> list[tuple[ServiceDescriptor, object]]:
        """Every service with what implements it."""
        shared = self.catalogue, self.settings, self._pool
        return [
            (service_of(captioning_service_pb2.DESCRIPTOR), CaptioningService(*shared)),
            (service_of(classification_service_pb2.DESCRIPTOR), ClassificationService(*shared)),
            (service_of(forecast_service_pb2.DESCRIPTOR), ForecastService(*shared)),
            (service_of(image_service_pb2.DESCRIPTOR), ImageService(*shared)),
            (service_of(text_service_pb2.DESCRIPTOR), TextService(*shared)),
            (service_of(model_service_pb2.DESCRIPTOR), ModelService(self.catalogue)),
            (service_of(OPEN_INFERENCE), InferenceService(self.catalogue)),
        ]

    async def start(self) -> Ports:
        """Bind both ports and answer probes; models are not loaded yet.

        Raises:
            StartError: a port is taken or may not be bound.
        """
        host = self.settings.host
        listener = bind_http(host, self.settings.http_port, shared=self._team is not None)
        try:
            self._grpc_port = self._add_grpc_port(address_of(host, self.settings.grpc_port))
        except RuntimeError as error:
            listener.close()
            address = address_of(host, self.settings.grpc_port)
            raise StartError(f"grpc-port: {address} cannot be bound; is it in use? 0 takes any free port") from error
        await self._grpc.start()
        access = PageAccess(self.guard.access.tokens, asks_clients=self._asks_clients)
        tls = self._certificates.for_http() if self._certificates else None
        self._http = HttpServer(application(self.catalogue, self.metrics, access, self._team), listener, tls)
        self._http.start()
        return Ports(self._grpc_port, listener.getsockname()[1])

    async def load(self) -> None:
        """Load the repository and become ready."""
        self.shadow.start()
        await self._watch.start()
        await self.catalogue.start()
        self._health.update()

    @property
    def _asks_clients(self) -> bool:
        """Whether callers must show a certificate."""
        return self._certificates is not None and self._certificates.asks_clients

    def _add_grpc_port(self, address: str) -> int:
        if self._certificates is None:
            return self._grpc.add_insecure_port(address)
        return self._grpc.add_secure_port(address, self._certificates.for_grpc())

    async def stop(self) -> None:
        """Take nothing new, finish what was accepted within the limit, and close."""
        self.gate.open = False
        await self._watch.close()
        self.catalogue.drain()
        self._health.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.gate.empty(), self.settings.drain_s)
        self._loader.stop()
        self.catalogue.stop_writing()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.gate.silent(), FLUSH_S)
        await hang_up(self._grpc_port)  # whom gRPC has not told us of yet
        await self.shadow.close()
        await self._grpc.stop(FLUSH_S)
        await self.catalogue.close()
        if self._http is not None:
            await self._http.close()
        self._pool.close()
        self._loader.close()
        for observer in self._observers:
            await asyncio.to_thread(observer.close)


def _secure(settings: Settings, metrics: Metrics) -> tuple[Certificates | None, Guard]:
    """Read what stands at the door."""
    try:
        certificates, guard = read_certificates(settings), post_guard(settings, metrics)
    except (CertificateError, TokenFileError) as error:
        raise StartError(str(error)) from error
    if certificates is not None:
        metrics.show_expiry(lambda: certificates.expires)
    elif settings.tokens is not None and not is_loopback(settings.host):
        log.warning("tokens: they can be read on the way here unless something before this server adds TLS")
    return certificates, guard


def _look_on(settings: Settings) -> list[CallObserver]:
    try:
        return choose_observers(settings)
    except ObserverUnavailable as error:
        raise StartError(str(error)) from error


def _methods(services: list[tuple[ServiceDescriptor, object]]) -> dict[str, Method]:
    """What answers each call, by its method's full name."""
    return {
        method.full_name: getattr(implementation, method.name)
        for service, implementation in services
        for method in service.methods
        if hasattr(implementation, method.name)
    }


def _load_options(settings: Settings) -> LoadOptions:
    try:
        choice = choose_device(settings.device)
    except DeviceUnavailable as error:
        raise StartError(str(error)) from error
    for reason in choice.passed_over:
        log.warning("%s", reason)
    layout = None
    if settings.sessions is not None and settings.threads is not None:
        layout = Layout(settings.sessions, settings.threads)
    return LoadOptions(
        device=choice.device,
        num_cores=settings.cores or allowed_cores(),
        max_waiting_rows=settings.queue_rows,
        memory_folder=settings.cache_dir,
        max_batch_rows=settings.max_batch_rows,
        layout=layout,
        remeasure=settings.remeasure,
        drain_s=settings.drain_s,
        max_queue_s=settings.max_queue_s,
    )
