"""Keeps what is loaded within a number of bytes: who was not called for the longest goes first, nobody in mid-call."""

import asyncio
from collections.abc import Callable

from podium_server.package import PackageError
from podium_server.version_entry import VersionEntry, VersionState


class MemoryBudget:
    """Room for loaded versions; used in one event loop.

    A version takes as many bytes as its files have, which is what its weights take; what runs need beside that comes
    on top.

    Args:
        limit_bytes: the room; None for any.
        evict: puts a ready version that no call works with out of memory, at once.
    """

    def __init__(self, limit_bytes: int | None, evict: Callable[[VersionEntry], None]) -> None:
        self._limit_bytes = limit_bytes
        self._evict = evict
        self._bytes_by_entry: dict[VersionEntry, int] = {}
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()

    @property
    def bounded(self) -> bool:
        """Whether there is a limit, so that versions are loaded when they are called."""
        return self._limit_bytes is not None

    async def take(self, entry: VersionEntry, size_bytes: int) -> None:
        """Make room for a version that is to be loaded: first come, first served.

        Raises:
            PackageError: it is larger than the budget.
        """
        if self._limit_bytes is None:
            return
        if size_bytes > self._limit_bytes:
            raise PackageError(
                f"its files have {size_bytes} bytes, more than the {self._limit_bytes} of memory-budget: raise it"
            )
        async with self._turn:
            while sum(self._bytes_by_entry.values()) + size_bytes > self._limit_bytes:
                victim = self._least_recently_used()
                if victim is not None:
                    self._evict(victim)
                    continue
                self._changed.clear()
                await self._changed.wait()
            self._bytes_by_entry[entry] = size_bytes

    def loaded(self, entry: VersionEntry) -> None:
        """A version became ready: hear of its calls."""
        if self._limit_bytes is not None and entry.servable is not None:
            entry.servable.occupancy.tell_when_idle(self._changed.set)
            self._changed.set()

    def give_back(self, entry: VersionEntry) -> None:
        """A version is in memory no more."""
        if self._bytes_by_entry.pop(entry, None) is not None:
            self._changed.set()

    def _least_recently_used(self) -> VersionEntry | None:
        idle = [
            (entry.servable.occupancy.last_used, entry.version, entry)
            for entry in self._bytes_by_entry
            if entry.state is VersionState.READY and entry.servable is not None and entry.servable.occupancy.idle
        ]
        return min(idle, key=lambda each: each[:2])[2] if idle else None
