"""Load that does not wait for answers, as a process of its own: so many requests a second, or callers who insist.

Each question holds the fields of `Offer`, with `request_file` in place of `request`; the answer is a `Taken`.
"""

import asyncio
import struct
from array import array
from collections import Counter
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from google.rpc import error_details_pb2, status_pb2
from podium_client.load import frames
from podium_client.load.connection import Connection, PreparedCall, Reply
from podium_client.load.event_loop import run
from podium_client.load.header_block import read_block
from podium_client.load.measured import percentile

from tests.benchmarks.processor import processor_seconds
from tests.benchmarks.worker import answer

_TICK_S = 0.002
_PATIENCE_S = 30.0
_CONNECTIONS = 4
_DETAILS = "grpc-status-details-bin"
_ALLOW_TRUE_BINARY_METADATA = 0xFE03  # a setting of gRPC's own (its proposal G1)


class Manner(StrEnum):
    """What a caller does who is refused."""

    GONE = "gone"  # requests come at a rate, whatever becomes of them
    OBEYING = "obeying"  # asks again when it was told to
    INSISTING = "insisting"  # asks again at once


@dataclass(frozen=True, slots=True)
class Offer:
    """What is sent.

    Attributes:
        port: of the server on this machine.
        pid: its process.
        path: "/package.Service/Method" of a unary method.
        request: the serialised request.
        manner: what callers do who are refused.
        rate: requests a second, of those who do not wait.
        callers: who call again when they are answered, of the others.
        warmup_s: seconds before the measured window.
        seconds: the measured window.
    """

    port: int
    pid: int
    path: str
    request: bytes
    manner: Manner
    rate: float = 0.0
    callers: int = 0
    warmup_s: float = 1.0
    seconds: float = 3.0


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of it in the window.

    Attributes:
        sent_per_s: requests a second that were sent.
        accepted_per_s: of them answered OK.
        refused_per_s: refused with when to come back.
        num_failed: that ended otherwise, a refusal that does not say when to come back among them.
        p50_ms, p99_ms: latency of the accepted.
        refused_p99_ms: of the refused.
        cpu_s: processor seconds of the server.
        generator_cpu_s: those of this process.
    """

    sent_per_s: float
    accepted_per_s: float
    refused_per_s: float
    num_failed: int
    p50_ms: float
    p99_ms: float
    refused_p99_ms: float
    cpu_s: float
    generator_cpu_s: float


@dataclass(slots=True)
class _Tally:
    num_sent: int = 0
    accepted_s: "array[float]" = field(default_factory=lambda: array("d"))
    refused_s: "array[float]" = field(default_factory=lambda: array("d"))
    failed: Counter[str] = field(default_factory=Counter[str])


class _Connection(Connection):
    """Takes binary metadata as it is: by itself gRPC writes it in base64 and Huffman's code, for proxies."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say so after the greeting."""
        super().connection_made(transport)
        self._out.append(frames.frame(frames.SETTINGS, 0, 0, struct.pack(">HI", _ALLOW_TRUE_BINARY_METADATA, 1)))
        self._flush()


class Offering:
    """Sends, and counts what comes back.

    Args:
        offer: what to send.
    """

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._calling = True
        self._connections: list[Connection] = []
        self.tally = _Tally()

    async def measure(self) -> Taken:
        """Offer it all."""
        offer, loop = self._offer, asyncio.get_running_loop()
        call = PreparedCall(offer.path, f"127.0.0.1:{offer.port}", offer.request)
        for _ in range(_CONNECTIONS):
            _, connection = await loop.create_connection(
                lambda: _Connection(call, self._replied), "127.0.0.1", offer.port
            )
            self._connections.append(connection)
        for caller in range(offer.callers):
            self._send(self._connections[caller % _CONNECTIONS])
        sending = asyncio.ensure_future(self._go_on())
        await asyncio.sleep(offer.warmup_s)
        self.tally = tally = _Tally()
        began, used, own = perf_counter(), processor_seconds(offer.pid), process_time()
        await asyncio.sleep(offer.seconds)
        took, used, own = perf_counter() - began, processor_seconds(offer.pid) - used, process_time() - own
        self.tally, self._calling = _Tally(), False
        await sending
        await self._end()
        accepted, refused = sorted(tally.accepted_s), sorted(tally.refused_s)
        return Taken(
            tally.num_sent / took,
            len(accepted) / took,
            len(refused) / took,
            sum(tally.failed.values()),
            1e3 * percentile(accepted, 50),
            1e3 * percentile(accepted, 99),
            1e3 * percentile(refused, 99),
            used,
            own,
        )

    async def _go_on(self) -> None:
        """Send at a rate; what a tick came too late for, it makes up."""
        began, sent = perf_counter(), 0
        while self._calling and self._offer.rate:
            due = int((perf_counter() - began) * self._offer.rate)
            for number in range(sent, due):
                self._send(self._connections[number % _CONNECTIONS])
            sent = due
            await asyncio.sleep(_TICK_S)

    async def _end(self) -> None:
        end = perf_counter() + _PATIENCE_S
        while any(each.num_open for each in self._connections) and perf_counter() < end:  # noqa: ASYNC110  a moment or two
            await asyncio.sleep(_TICK_S)
        for connection in self._connections:
            connection.close()

    def _send(self, connection: Connection) -> None:
        if self._calling:
            self.tally.num_sent += 1
            connection.send()

    def _replied(self, connection: Connection, reply: Reply) -> None:
        again_s = 0.0
        if not reply.status:
            self.tally.accepted_s.append(reply.latency_s)
        elif (told := _retry_after_s(reply)) is not None:
            self.tally.refused_s.append(reply.latency_s)
            again_s = told
        else:
            self.tally.failed[str(reply.status)] += 1
        if self._offer.manner is Manner.OBEYING and again_s:
            asyncio.get_running_loop().call_later(again_s, self._send, connection)
        elif self._offer.manner is not Manner.GONE:
            self._send(connection)


def _retry_after_s(reply: Reply) -> float | None:
    """When a refused caller may come back; None where it is not told."""
    data = read_block(reply.trailers).get(_DETAILS, "").encode("latin-1")
    for detail in status_pb2.Status.FromString(data.removeprefix(b"\0")).details:
        retry = error_details_pb2.RetryInfo()
        if detail.Unpack(retry):
            return float(retry.retry_delay.ToNanoseconds()) / 1e9
    return None


def _respond(question: dict[str, Any]) -> dict[str, Any]:
    request = Path(question.pop("request_file")).read_bytes()
    manner = Manner(question.pop("manner"))
    return asdict(run(Offering(Offer(request=request, manner=manner, **question)).measure()))


if __name__ == "__main__":
    answer(_respond)
