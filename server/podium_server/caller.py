"""What the catalogue asks of who wants a version: a call, or one request of a stream."""

from collections.abc import Sequence
from typing import Protocol

from podium_server.observing.observer import CallWatch
from podium_server.servable import Servable


class Caller(Protocol):
    """Wants a version: `podium_server.call.Call`, or a part of one."""

    request_id: str
    watches: Sequence[CallWatch]

    @property
    def deadline(self) -> float | None:
        """The monotonic second at which it stops waiting; None when it waits for ever."""
        ...

    def serve_with(self, servable: Servable) -> Servable:
        """Keep a version until the work is done."""
        ...
