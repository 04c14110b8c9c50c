"""One HTTP/2 connection that sends the same gRPC request again and again."""

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import cast

from podium_client.load import frames
from podium_client.load.header_block import call_blocks, read_block
from podium_client.load.upload import Upload


@dataclass(frozen=True, slots=True)
class PreparedCall:
    """A unary call whose request is bytes already.

    Attributes:
        path: "/package.Service/Method".
        authority: the host and port that the call names.
        request: the serialised request message.
        token: says who calls; None: nothing does.
        secure: whether the connection speaks TLS.
    """

    path: str
    authority: str
    request: bytes
    token: str | None = None
    secure: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back of one call.

    Attributes:
        latency_s: from writing the request to reading the last byte of the reply.
        status: the canonical code as gRPC numbers it; 0 is OK; -1 when the stream was reset or had no status.
        trailers: the last header block, still encoded; see `header_block.read_block`.
        message: the last piece of the reply's message; with its five bytes of prefix when it came in one frame.
    """

    latency_s: float
    status: int
    trailers: bytes
    message: bytes


@dataclass(slots=True)
class _Open:
    """A call under way."""

    started: float
    message: bytes = b""


class Connection(asyncio.Protocol):
    """Sends a prepared call when told to, and tells of each reply.

    What calls put out while one piece of the server's bytes is read goes out in one write.
    """

    def __init__(self, call: PreparedCall, on_reply: Callable[["Connection", Reply], None]) -> None:
        self._block, self._later_block = call_blocks(call.path, call.authority, call.token, secure=call.secure)
        self._upload = Upload(b"\0" + len(call.request).to_bytes(4, "big") + call.request)
        self._on_reply = on_reply
        self._open: dict[int, _Open] = {}
        self._out: list[bytes | memoryview] = []
        self._rest = b""
        self._reading = False
        self._next_stream = 1
        self._received = 0
        self._transport: asyncio.WriteTransport | None = None
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @property
    def num_open(self) -> int:
        """Calls that have no reply yet."""
        return len(self._open)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the server with windows as large as they go, so that replies never wait for us."""
        self._transport = cast(asyncio.WriteTransport, transport)
        settings = (frames.HEADER_TABLE_SIZE, 0, frames.INITIAL_WINDOW_SIZE, frames.LARGEST_WINDOW)
        self._out += [
            frames.PREFACE,
            frames.frame(frames.SETTINGS, 0, 0, struct.pack(">HIHI", *settings)),
            frames.grant(frames.LARGEST_WINDOW - frames.DEFAULT_WINDOW),
        ]
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the owner; the calls under way have no reply."""
        self._lose(str(exc) if exc else "the server closed the connection")

    def close(self) -> None:
        """Close at once; calls under way are abandoned."""
        if self._transport:
            self._transport.abort()

    def send(self) -> None:
        """Send the request once more."""
        stream = self._next_stream
        self._next_stream += 2
        block, self._block = self._block, self._later_block
        self._open[stream] = _Open(perf_counter())
        self._out.append(frames.header(frames.HEADERS, frames.END_HEADERS, stream, len(block)) + block)
        self._out += self._upload.send(stream)
        if not self._reading:
            self._flush()

    def data_received(self, data: bytes) -> None:
        """Read whole frames, answer what they ask for, and write everything in one go."""
        data = self._rest + data if self._rest else data
        at, size = 0, len(data)
        self._reading = True
        while size - at >= frames.HEADER_BYTES:
            high, low, kind, flags, stream = frames.HEADER.unpack_from(data, at)
            start = at + frames.HEADER_BYTES
            end = start + (high << 8 | low)
            if end > size:
                break
            self._read(kind, flags, stream, data[start:end])
            at = end
        self._rest = data[at:]
        self._reading = False
        self._flush()

    def _read(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == frames.HEADERS:
            if flags & frames.END_STREAM:
                self._ended(stream, frames.block(flags, payload))
        elif kind == frames.DATA:
            self._data(stream, payload)
        elif kind == frames.WINDOW_UPDATE:
            self._upload.granted(stream, int.from_bytes(payload, "big"))
            self._out += self._upload.go_on()
        elif kind == frames.PING and not flags & frames.ACK:
            self._out.append(frames.frame(frames.PING, frames.ACK, 0, payload))
        elif kind == frames.SETTINGS and not flags & frames.ACK:
            for name, value in struct.iter_unpack(">HI", payload):
                self._upload.set(name, value)
            self._out.append(frames.frame(frames.SETTINGS, frames.ACK, 0, b""))
            self._out += self._upload.go_on()
        elif kind == frames.RST_STREAM:
            self._finish(stream, -1, b"")
        elif kind == frames.GOAWAY:
            self._lose(payload[8:].decode("latin-1") or "the server is going away")

    def _data(self, stream: int, payload: bytes) -> None:
        if call := self._open.get(stream):
            call.message = payload
        self._received += len(payload)
        if self._received > frames.LARGEST_WINDOW // 2:
            self._out.append(frames.grant(self._received))
            self._received = 0

    def _ended(self, stream: int, block: bytes) -> None:
        fields = read_block(block) if b"grpc-status\x010" not in block else {"grpc-status": "0"}
        self._finish(stream, int(fields.get("grpc-status", "-1")), block)

    def _finish(self, stream: int, status: int, block: bytes) -> None:
        if call := self._open.pop(stream, None):
            self._upload.abandon(stream)
            self._on_reply(self, Reply(perf_counter() - call.started, status, block, call.message))

    def _lose(self, reason: str) -> None:
        if not self.lost.done():
            self.lost.set_result(reason)

    def _flush(self) -> None:
        if self._out and self._transport:
            self._transport.write(b"".join(self._out))
        self._out.clear()
