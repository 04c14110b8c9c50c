"""A call as the catalogue sees it, without a wire."""

import time
from collections.abc import Sequence

from podium_server.observing.observer import CallWatch
from podium_server.servable import Servable


class FakeCall:
    """Keeps its version until told that it has ended."""

    def __init__(self, request_id: str = "1", timeout_s: float | None = None) -> None:
        self.request_id = request_id
        self.deadline = None if timeout_s is None else time.monotonic() + timeout_s
        self.watches: Sequence[CallWatch] = ()
        self.held: Servable | None = None

    def serve_with(self, servable: Servable) -> Servable:
        """Keep a version."""
        self.end()
        servable.occupancy.enter()
        self.held = servable
        return servable

    def end(self) -> None:
        """The call has ended."""
        if self.held is not None:
            self.held.occupancy.leave()
            self.held = None
