"""The server's life: bind, answer probes, load, serve, drain."""

import asyncio
import contextlib
import errno
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pool import DescriptorPool
from grpc import aio
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2
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
from podium_server.logs import set_up_logs
from podium_server.metrics import Metrics
from podium_server.observing.chosen import ObserverUnavailable, choose_observers
from podium_server.observing.observer import CallObserver
from podium_server.oip.messages import DESCRIPTOR as OPEN_INFERENCE
from podium_server.plan import Layout
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
from podium_server.versions.watch import RepositoryWatch
from podium_server.web import HttpServer, application
from podium_server.workers.line import LineClosed
from podium_server.workers.team import Team

log = logging.getLogger(__name__)

# Python hands its lock on every 5 ms by default: a session's thread that ends its run would wait that long for the
# busy event loop. Measured around a bare batcher at 16 callers: 5,483 requests/s with this, 4,304 without.
SWITCH_INTERVAL_S = 0.0002


# Idle streams are cut off this long after the last answer was sent.
FLUSH_S = 0.5


class StartError(Exception):
    """The server cannot start; the message names the setting, what is wrong, and what would be right."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports that were bound."""

    grpc: int
    http: int


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
        self._grpc = aio.server(options=_channel_options(settings, shared=team is not None))
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
        health = uncounted_handlers(_service(health_pb2.DESCRIPTOR), self._health.servicer)
        self._grpc.add_generic_rpc_handlers([health])
        if settings.reflection:
            _enable_reflection(self._grpc, [descriptor for descriptor, _ in services])
        self._grpc_port = 0
        self._http: HttpServer | None = None

    def _services(self) -> list[tuple[ServiceDescriptor, object]]:
        """Every service with what implements it."""
        shared = self.catalogue, self.settings, self._pool
        return [
            (_service(captioning_service_pb2.DESCRIPTOR), CaptioningService(*shared)),
            (_service(classification_service_pb2.DESCRIPTOR), ClassificationService(*shared)),
            (_service(forecast_service_pb2.DESCRIPTOR), ForecastService(*shared)),
            (_service(image_service_pb2.DESCRIPTOR), ImageService(*shared)),
            (_service(text_service_pb2.DESCRIPTOR), TextService(*shared)),
            (_service(model_service_pb2.DESCRIPTOR), ModelService(self.catalogue)),
            (_service(OPEN_INFERENCE), InferenceService(self.catalogue)),
        ]

    async def start(self) -> Ports:
        """Bind both ports and answer probes; models are not loaded yet.

        Raises:
            StartError: a port is taken or may not be bound.
        """
        host = self.settings.host
        listener = _bind(host, self.settings.http_port, shared=self._team is not None)
        try:
            self._grpc_port = self._add_grpc_port(_address(host, self.settings.grpc_port))
        except RuntimeError as error:
            listener.close()
            address = _address(host, self.settings.grpc_port)
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


def _service(file: Any) -> ServiceDescriptor:
    """The only service of a contract's file."""
    (service,) = file.services_by_name.values()
    return cast(ServiceDescriptor, service)


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


def _channel_options(settings: Settings, *, shared: bool) -> list[tuple[str, int]]:
    """Name the settings as gRPC does."""
    return [
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", settings.max_message_bytes),
        # Clients behind balancers ping to keep their connection; gRPC's default closes it on them.
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", int(settings.keepalive_min_interval_s * 1000)),
        ("grpc.http2.max_ping_strikes", 0),
        # Two servers must not share a port by accident; workers do it on purpose.
        ("grpc.so_reuseport", int(shared)),
    ]


def _enable_reflection(server: aio.Server, services: list[ServiceDescriptor]) -> None:
    """Describe the services, from a pool that holds those of the private pool too."""
    pool = DescriptorPool()
    seen: set[str] = set()

    def add(file: Any) -> None:
        if file.name not in seen:
            seen.add(file.name)
            for dependency in file.dependencies:
                add(dependency)
            pool.AddSerializedFile(file.serialized_pb)

    for file in (*(service.file for service in services), health_pb2.DESCRIPTOR, reflection_pb2.DESCRIPTOR):
        add(file)
    names = [service.full_name for service in services]
    names += [health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME]
    servicer = reflection.aio.ReflectionServicer(names, pool=pool)
    server.add_generic_rpc_handlers([uncounted_handlers(_service(reflection_pb2.DESCRIPTOR), servicer)])


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _bind(host: str, port: int, *, shared: bool) -> socket.socket:
    """Bind the HTTP port."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, reuse_port=shared)
    except OSError as error:
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise StartError(
                f"host: {host} is no address of this machine; give one, such as 127.0.0.1, or 0.0.0.0 for all of IPv4"
            ) from error
        # Python adds the address once more to what the system says.
        reason, address = os.strerror(error.errno or 0), _address(host, port)
        raise StartError(f"http-port: {address} cannot be bound: {reason}; 0 takes any free port") from error


async def serve(settings: Settings, team: Team | None = None) -> int:
    """Serve until SIGTERM or SIGINT, or until the team is gone; then drain; the exit status."""
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    server = Server(settings, team)
    ports: Ports | None = None
    if team is None:
        ports = await server.start()
        loading = loop.create_task(server.load())
    else:  # it takes no connection from the others before it can answer
        loading = loop.create_task(_load_and_start(server, team))
    ending = loop.create_task(_one_of(stopping) if team is None else _one_of(stopping, team.line.closed))
    await asyncio.wait([loading, ending], return_when=asyncio.FIRST_COMPLETED)
    if loading.done():
        loading.result()
        # What lives until the end need not be looked at by the garbage collector again.
        gc.collect()
        gc.freeze()
        if ports is not None:
            grpc_address, http_address = _address(settings.host, ports.grpc), _address(settings.host, ports.http)
            print(f"podium: serving gRPC on {grpc_address}, HTTP on {http_address}", flush=True)
        await ending
    else:
        loading.cancel()
        await asyncio.gather(loading, return_exceptions=True)
    log.info("shutting down")
    await server.stop()
    return 0


async def _load_and_start(server: Server, team: Team) -> None:
    """Become one of a team."""
    await server.load()
    with contextlib.suppress(LineClosed):
        await team.catch_up()
        await server.start()
        await team.begin()


async def _one_of(*events: asyncio.Event) -> None:
    """Wait until one of them is set."""
    waits = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


def prepare(settings: Settings) -> None:
    """Set this process up to serve."""
    set_up_logs(settings.log_level, settings.log_format)
    sys.setswitchinterval(SWITCH_INTERVAL_S)


def run(settings: Settings) -> int:
    """Run a server in this process; the exit status: 0 after a clean end, 1 when it could not start."""
    prepare(settings)
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(serve(settings))
    except StartError as error:
        print(f"podium serve: {error}", file=sys.stderr)
        return 1


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """The loop of uvloop where there is one: a call costs it less processor time."""
    try:
        import uvloop
    except ImportError:  # not on Windows
        return asyncio.new_event_loop
    return uvloop.new_event_loop
