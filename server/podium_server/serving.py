"""A server's process: set up, serve until it is told to end, drain."""

import asyncio
import contextlib
import gc
import logging
import signal
import sys
from collections.abc import Callable

from podium_server.logs import set_up_logs
from podium_server.ports import Ports, address_of
from podium_server.server import Server
from podium_server.settings import Settings
from podium_server.start_error import StartError
from podium_server.workers.line import LineClosed
from podium_server.workers.team import Team

log = logging.getLogger(__name__)

# Python hands its lock on every 5 ms by default: a session's thread that ends its run would wait that long for the
# busy event loop. Measured around a bare batcher at 16 callers: 5,483 requests/s with this, 4,304 without.
SWITCH_INTERVAL_S = 0.0002


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
            grpc_address, http_address = address_of(settings.host, ports.grpc), address_of(settings.host, ports.http)
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
