"""How many calls are inside: a version, or the server, is let go of when none is."""

import asyncio
import time
from collections.abc import Callable


class Occupancy:
    """Counts the calls inside; used in one event loop.

    Attributes:
        last_used: the monotonic second of the last call's beginning or end.
    """

    __slots__ = ("_emptied", "_inside", "_on_idle", "last_used")

    def __init__(self) -> None:
        self.last_used = time.monotonic()
        self._inside = 0
        self._emptied: asyncio.Event | None = None
        self._on_idle: Callable[[], None] | None = None

    @property
    def num_inside(self) -> int:
        """Calls that are inside now."""
        return self._inside

    @property
    def idle(self) -> bool:
        """Whether no call is inside."""
        return not self._inside

    def tell_when_idle(self, told: Callable[[], None]) -> None:
        """Have something called whenever the last call leaves."""
        self._on_idle = told

    def enter(self) -> None:
        """A call begins."""
        self._inside += 1

    def leave(self) -> None:
        """A call has ended that entered."""
        self._inside -= 1
        self.last_used = time.monotonic()
        if self._inside:
            return
        if self._emptied is not None:
            self._emptied.set()
        if self._on_idle is not None:
            self._on_idle()

    async def empty(self) -> None:
        """Wait until no call is inside."""
        while self._inside:
            if self._emptied is None or self._emptied.is_set():
                self._emptied = asyncio.Event()
            await self._emptied.wait()


class Visit:
    """One caller's place: inside of nothing, or of one thing at a time."""

    __slots__ = ("_place",)

    def __init__(self) -> None:
        self._place: Occupancy | None = None

    def move_to(self, place: Occupancy) -> None:
        """Leave where the caller is, and enter."""
        self.end()
        place.enter()
        self._place = place

    def end(self) -> None:
        """Leave; nothing, where the caller is nowhere."""
        if self._place is not None:
            self._place.leave()
            self._place = None
