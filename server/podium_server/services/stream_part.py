"""One request of a stream, as the catalogue sees a call: it keeps its version until it is answered."""

from collections.abc import Sequence

from podium_server.call import Call
from podium_server.observing.observer import CallWatch
from podium_server.occupancy import Visit
from podium_server.servable import Servable


class StreamPart:
    """Asks for a version on behalf of one request; the stream's other requests may go elsewhere.

    Args:
        call: the stream.
    """

    def __init__(self, call: Call) -> None:
        self.deadline = call.deadline
        self.request_id = call.request_id
        self.watches: Sequence[CallWatch] = ()
        self._visit = Visit()

    def serve_with(self, servable: Servable) -> Servable:
        """Keep a version until `let_go`."""
        self._visit.move_to(servable.occupancy)
        return servable

    def let_go(self) -> None:
        """The request is answered, or failed."""
        self._visit.end()
