"""Whether a server takes calls, and who is inside."""

from collections.abc import Callable
from typing import Any, TypeAlias, cast

from grpc import aio

from podium_server.errors import NotReady
from podium_server.occupancy import Occupancy

Context: TypeAlias = aio.ServicerContext[Any, Any]


class Gate:
    """Whether calls are taken, and how many are inside: open until the server drains."""

    def __init__(self) -> None:
        self.open = True
        self._working = Occupancy()
        self._streams = Occupancy()

    @property
    def num_inside(self) -> int:
        """Calls that are inside now."""
        return self._working.num_inside

    def check(self) -> None:
        """Raise NotReady once the server drains."""
        if not self.open:
            raise NotReady("gRPC server is shutting down and has stopped accepting new requests.")

    def enter(self) -> None:
        """Let a call in, or raise NotReady once the server drains."""
        self.check()
        self._working.enter()

    def leave(self) -> None:
        """A call has ended that was let in."""
        self._working.leave()

    async def empty(self) -> None:
        """Wait until no call is inside."""
        await self._working.empty()

    def enter_until_sent(self, context: Context) -> None:
        """Let a call of one answer in, until that answer is on its way; or raise NotReady once the server drains."""
        self.enter()
        _when_done(context, self._working.leave)

    def stream_until_sent(self, context: Context) -> None:
        """Let a stream in, until its last message is on its way; or raise NotReady once the server drains."""
        self.check()
        self._streams.enter()
        _when_done(context, self._streams.leave)

    async def silent(self) -> None:
        """Wait until no stream is open."""
        await self._streams.empty()


def _when_done(context: Context, act: Callable[[], None]) -> None:
    """Do something when a call's last message is on its way; the stubs ask for a callable of another kind."""

    def done(_: object) -> None:
        act()

    cast("Any", context).add_done_callback(done)
