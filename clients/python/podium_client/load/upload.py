"""Requests on their way to the server, as far as its flow control lets them (RFC 9113, section 5.2)."""

from collections.abc import Iterator
from dataclasses import dataclass

from podium_client.load import frames


@dataclass(slots=True)
class _Waiting:
    """A request that is not sent to its end yet."""

    window: int
    sent: int = 0


class Upload:
    """Cuts copies of one body into DATA frames: what the windows allow, the oldest request first.

    Args:
        body: what each request sends.
    """

    def __init__(self, body: bytes) -> None:
        self._body = memoryview(body)
        self._waiting: dict[int, _Waiting] = {}
        self._window = frames.DEFAULT_WINDOW
        self._stream_window = frames.DEFAULT_WINDOW
        self._max_frame = frames.DEFAULT_FRAME

    def send(self, stream: int) -> Iterator[bytes | memoryview]:
        """Begin a request; gives what may be written now."""
        size = len(self._body)
        if not self._waiting and size <= min(self._max_frame, self._stream_window, self._window):
            self._window -= size
            return iter((frames.header(frames.DATA, frames.END_STREAM, stream, size), self._body))
        self._waiting[stream] = _Waiting(self._stream_window)
        return self.go_on()

    def go_on(self) -> Iterator[bytes | memoryview]:
        """Give what may be written now of all requests."""
        for stream, waiting in list(self._waiting.items()):
            yield from self._pieces(stream, waiting)
            if waiting.sent == len(self._body):
                del self._waiting[stream]

    def _pieces(self, stream: int, waiting: _Waiting) -> Iterator[bytes | memoryview]:
        end = len(self._body)
        while waiting.sent < end and (room := min(self._window, waiting.window, self._max_frame)) > 0:
            size = min(room, end - waiting.sent)
            piece = self._body[waiting.sent : waiting.sent + size]
            waiting.sent += size
            waiting.window -= size
            self._window -= size
            yield frames.header(frames.DATA, frames.END_STREAM if waiting.sent == end else 0, stream, size)
            yield piece

    def granted(self, stream: int, num_bytes: int) -> None:
        """Widen the window of a stream, or with 0 that of the connection."""
        if stream == 0:
            self._window += num_bytes
        elif waiting := self._waiting.get(stream):
            waiting.window += num_bytes

    def set(self, name: int, value: int) -> None:
        """Follow one of the server's settings."""
        if name == frames.INITIAL_WINDOW_SIZE:
            for waiting in self._waiting.values():
                waiting.window += value - self._stream_window
            self._stream_window = value
        elif name == frames.MAX_FRAME_SIZE:
            self._max_frame = value

    def abandon(self, stream: int) -> None:
        """Send no more of a request that was answered early."""
        self._waiting.pop(stream, None)
