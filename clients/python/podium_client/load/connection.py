"""One HTTP/2 connection (RFC 9113) that sends the same gRPC request again and again."""

import asyncio
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import cast

from podium_client.load.header_block import call_blocks, read_block

_FRAME = struct.Struct(">HBBBI")  # length (high, low), type, flags, stream
_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PING, _GOAWAY, _WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _ACK, _END_HEADERS, _PADDED, _PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
_HEADER_TABLE_SIZE, _INITIAL_WINDOW_SIZE, _MAX_FRAME_SIZE = 1, 4, 5
_LARGEST_WINDOW = 2**31 - 1
_DEFAULT_WINDOW = 65_535
_DEFAULT_FRAME = 16_384
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    length = len(payload)
    return _FRAME.pack(length >> 8, length & 255, kind, flags, stream) + payload


@dataclass(frozen=True, slots=True)
class PreparedCall:
    """A unary call whose request is bytes already.

    Attributes:
        path: "/package.Service/Method".
        authority: the host and port that the call names.
        request: the serialised request message.
    """

    path: str
    authority: str
    request: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back of one call.

    Attributes:
        latency_s: from writing the request to reading the last byte of the reply.
        status: the canonical code as gRPC numbers it; 0 is OK; -1 when the stream was reset or had no status.
        trailers: the last header block, still encoded; see `header_block.read_block`.
        message: the last piece of the reply's message with its five bytes of prefix, when it came in one frame.
    """

    latency_s: float
    status: int
    trailers: bytes
    message: bytes


@dataclass(slots=True)
class _Upload:
    """A request that waits for the server's flow-control windows."""

    stream: int
    window: int
    sent: int = 0


@dataclass(slots=True)
class _Open:
    """A call under way."""

    started: float
    message: bytes = b""
    upload: _Upload | None = None


class Connection(asyncio.Protocol):
    """Sends a prepared call when told to, and tells of each reply.

    What calls put out while one piece of the server's bytes is read goes out in one write.
    """

    def __init__(self, call: PreparedCall, on_reply: Callable[["Connection", Reply], None]) -> None:
        first, later = call_blocks(call.path, call.authority)
        self._next_block, self._later_block = first, later
        self._body = memoryview(b"\0" + len(call.request).to_bytes(4, "big") + call.request)
        self._on_reply = on_reply
        self._open: dict[int, _Open] = {}
        self._uploads: deque[_Upload] = deque()
        self._out: list[bytes | memoryview] = []
        self._rest = b""
        self._reading = False
        self._stream = 1
        self._window, self._stream_window, self._max_frame = _DEFAULT_WINDOW, _DEFAULT_WINDOW, _DEFAULT_FRAME
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
        settings = struct.pack(">HIHI", _HEADER_TABLE_SIZE, 0, _INITIAL_WINDOW_SIZE, _LARGEST_WINDOW)
        self._out += [_PREFACE, _frame(_SETTINGS, 0, 0, settings), self._grant(_LARGEST_WINDOW - _DEFAULT_WINDOW)]
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the owner; the calls under way have no reply."""
        if not self.lost.done():
            self.lost.set_result(str(exc) if exc else "the server closed the connection")

    def close(self) -> None:
        """Close at once; calls under way are abandoned."""
        if self._transport:
            self._transport.abort()

    def send(self) -> None:
        """Send the request once more."""
        stream = self._stream
        self._stream += 2
        block, self._next_block = self._next_block, self._later_block
        call = self._open[stream] = _Open(perf_counter())
        self._out.append(_FRAME.pack(0, len(block), _HEADERS, _END_HEADERS, stream) + block)
        size = len(self._body)
        if size <= self._max_frame and size <= self._stream_window and size <= self._window and not self._uploads:
            self._window -= size
            self._out.append(_FRAME.pack(size >> 8, size & 255, _DATA, _END_STREAM, stream))
            self._out.append(self._body)
        else:
            call.upload = _Upload(stream, self._stream_window)
            self._uploads.append(call.upload)
            self._upload()
        if not self._reading:
            self._flush()

    def data_received(self, data: bytes) -> None:
        """Read whole frames, answer what they ask for, and write everything in one go."""
        data = self._rest + data if self._rest else data
        at, size = 0, len(data)
        self._reading = True
        while size - at >= 9:
            high, low, kind, flags, stream = _FRAME.unpack_from(data, at)
            end = at + 9 + (high << 8 | low)
            if end > size:
                break
            self._frame_received(kind, flags, stream, data[at + 9 : end])
            at = end
        self._rest = data[at:]
        self._reading = False
        self._flush()

    def _frame_received(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == _HEADERS:
            if flags & _END_STREAM:
                self._ended(stream, _unpadded(flags, payload))
        elif kind == _DATA:
            self._data(stream, payload)
        elif kind == _WINDOW_UPDATE:
            self._granted(stream, int.from_bytes(payload, "big"))
        elif kind == _PING and not flags & _ACK:
            self._out.append(_frame(_PING, _ACK, 0, payload))
        elif kind == _SETTINGS and not flags & _ACK:
            self._settings(payload)
        elif kind == _RST_STREAM:
            self._finish(stream, -1, b"")
        elif kind == _GOAWAY:
            reason = payload[8:].decode("latin-1") or "the server is going away"
            if not self.lost.done():
                self.lost.set_result(reason)

    def _data(self, stream: int, payload: bytes) -> None:
        if call := self._open.get(stream):
            call.message = payload
        self._received += len(payload)
        if self._received > _LARGEST_WINDOW // 2:
            self._out.append(self._grant(self._received))
            self._received = 0

    def _ended(self, stream: int, block: bytes) -> None:
        fields = read_block(block) if b"grpc-status\x010" not in block else {"grpc-status": "0"}
        self._finish(stream, int(fields.get("grpc-status", "-1")), block)

    def _finish(self, stream: int, status: int, block: bytes) -> None:
        call = self._open.pop(stream, None)
        if call is None:
            return
        if call.upload and call.upload in self._uploads:
            self._uploads.remove(call.upload)
        self._on_reply(self, Reply(perf_counter() - call.started, status, block, call.message))

    def _settings(self, payload: bytes) -> None:
        for name, value in struct.iter_unpack(">HI", payload):
            if name == _INITIAL_WINDOW_SIZE:
                for upload in self._uploads:
                    upload.window += value - self._stream_window
                self._stream_window = value
            elif name == _MAX_FRAME_SIZE:
                self._max_frame = value
        self._out.append(_frame(_SETTINGS, _ACK, 0, b""))
        self._upload()

    def _granted(self, stream: int, amount: int) -> None:
        if stream == 0:
            self._window += amount
        elif (call := self._open.get(stream)) and call.upload:
            call.upload.window += amount
        self._upload()

    def _upload(self) -> None:
        """Send what the windows allow, the oldest request first."""
        for upload in list(self._uploads):
            while self._window > 0 and upload.window > 0 and upload.sent < len(self._body):
                size = min(self._window, upload.window, self._max_frame, len(self._body) - upload.sent)
                piece = self._body[upload.sent : upload.sent + size]
                upload.sent += size
                upload.window -= size
                self._window -= size
                last = _END_STREAM if upload.sent == len(self._body) else 0
                self._out.append(_FRAME.pack(size >> 8, size & 255, _DATA, last, upload.stream))
                self._out.append(piece)
            if upload.sent == len(self._body):
                self._uploads.remove(upload)
        if not self._reading:
            self._flush()

    @staticmethod
    def _grant(amount: int) -> bytes:
        return _frame(_WINDOW_UPDATE, 0, 0, amount.to_bytes(4, "big"))

    def _flush(self) -> None:
        if self._out and self._transport:
            self._transport.write(b"".join(self._out))
        self._out.clear()


def _unpadded(flags: int, payload: bytes) -> bytes:
    """Strip what a header frame may carry around its block."""
    start, end = 0, len(payload)
    if flags & _PADDED:
        start, end = 1, end - payload[0]
    return payload[start + (5 if flags & _PRIORITY else 0) : end]
