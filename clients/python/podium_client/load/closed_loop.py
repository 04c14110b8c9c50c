"""Closed-loop callers: each sends its next request when its last one is answered."""

import asyncio
import ssl
from array import array
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter, process_time

from grpc import StatusCode

from podium_client.errors import NoServerError
from podium_client.load.connection import Connection, PreparedCall, Reply
from podium_client.load.header_block import read_block
from podium_client.load.measured import Measured, Sample

_CODES = {code.value[0]: code.name for code in StatusCode}
_TICK_S = 0.25
_MAX_SAMPLES = 200


@dataclass(frozen=True, slots=True)
class Load:
    """What to send and for how long.

    Attributes:
        host: the server's host.
        port: the server's port.
        path: "/package.Service/Method" of a unary method.
        request: the serialised request.
        callers: calls under way at any moment, 1 or more.
        connections: HTTP/2 connections that the callers are spread over, 1 ... callers.
        warmup_s: seconds of load before the measured window.
        seconds: the measured window.
        patience_s: how long after the window the last replies are waited for.
        tls: for TLS, which agrees on HTTP/2; None: without.
        token: says who calls; None: nothing does.
    """

    host: str
    port: int
    path: str
    request: bytes
    callers: int
    connections: int = 1
    warmup_s: float = 1.0
    seconds: float = 10.0
    patience_s: float = 10.0
    tls: ssl.SSLContext | None = None
    token: str | None = None


@dataclass(slots=True)
class _Tally:
    """What has been counted since the window began."""

    latencies_s: "array[float]" = field(default_factory=lambda: array("d"))
    errors: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)
    next_sample: int = 0


class _Callers:
    """The callers of one load: a reply on a connection is followed by that connection's next request."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._calling = True
        self._idle = asyncio.Event()
        self.tally = _Tally()
        self.connections: list[Connection] = []

    async def connect(self) -> None:
        """Open the connections.

        Raises:
            NoServerError: when nobody listens there.
        """
        load = self._load
        authority = f"{load.host}:{load.port}"
        call = PreparedCall(load.path, authority, load.request, load.token, secure=load.tls is not None)
        loop = asyncio.get_running_loop()
        for _ in range(load.connections):
            try:
                _, connection = await loop.create_connection(
                    lambda: Connection(call, self._replied), load.host, load.port, ssl=load.tls
                )
            except OSError as error:
                raise NoServerError(f"no server at {load.host}:{load.port}: {error}") from error
            self.connections.append(connection)

    def begin(self) -> None:
        """Send every caller's first request."""
        for caller in range(self._load.callers):
            self.connections[caller % len(self.connections)].send()

    async def end(self) -> int:
        """Send no more; wait for the last replies; give the number that never came."""
        self._calling = False
        try:
            async with asyncio.timeout(self._load.patience_s):
                while self.num_open:
                    self._idle.clear()
                    await self._idle.wait()
        except TimeoutError:
            pass
        return self.num_open

    def close(self) -> None:
        """Close the connections."""
        for connection in self.connections:
            connection.close()

    @property
    def num_open(self) -> int:
        """Calls without a reply yet."""
        return sum(connection.num_open for connection in self.connections)

    def _replied(self, connection: Connection, reply: Reply) -> None:
        if self._calling:
            connection.send()
            self._count(reply)
        else:
            self._idle.set()

    def _count(self, reply: Reply) -> None:
        tally = self.tally
        if reply.status:
            tally.errors[_CODES.get(reply.status, "STREAM_RESET")] += 1
            return
        tally.latencies_s.append(reply.latency_s)
        if len(tally.latencies_s) > tally.next_sample and len(tally.samples) < _MAX_SAMPLES:
            tally.samples.append(Sample(read_block(reply.trailers), reply.message[5:]))
            tally.next_sample = 2 * len(tally.latencies_s) if len(tally.samples) < 4 else tally.next_sample + 97


async def drive(
    load: Load,
    *,
    on_window: Callable[[bool], None] = lambda _: None,
    on_tick: Callable[[float], None] = lambda _: None,
) -> Measured:
    """Load a server and measure it.

    Args:
        load: what to send and for how long.
        on_window: called with True when the measured window opens and with False when it closes.
        on_tick: called a few times a second with the seconds since the start, warm-up included.

    Raises:
        NoServerError: when nobody listens, or the connection breaks under load.
    """
    callers = _Callers(load)
    try:
        await callers.connect()
        began = perf_counter()
        callers.begin()
        await _pass(load.warmup_s, began, callers, on_tick)
        callers.tally = tally = _Tally()
        on_window(True)
        opened, cpu_s = perf_counter(), process_time()
        await _pass(load.seconds, began, callers, on_tick)
        seconds, cpu_s = perf_counter() - opened, process_time() - cpu_s
        on_window(False)
        callers.tally = _Tally()
        unanswered = await callers.end()
    finally:
        callers.close()
    return Measured(
        callers=load.callers,
        seconds=seconds,
        latencies_s=sorted(tally.latencies_s),
        errors=dict(tally.errors),
        unanswered=unanswered,
        samples=tally.samples,
        generator_cpu_s=cpu_s,
    )


async def _pass(seconds: float, began: float, callers: _Callers, on_tick: Callable[[float], None]) -> None:
    """Let time pass while the callers call, as long as every connection lives."""
    end = perf_counter() + seconds
    lost = [connection.lost for connection in callers.connections]
    while (left := end - perf_counter()) > 0:
        done, _ = await asyncio.wait(lost, timeout=min(left, _TICK_S), return_when=asyncio.FIRST_COMPLETED)
        if done:
            raise NoServerError(f"the connection broke under load: {done.pop().result()}")
        on_tick(perf_counter() - began)
