"""The caller's side of a sequence that is fed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium_server.generation.feeding import Feeding
from podium_server.generation.job import Finish, Gathered
from podium_server.generation.writer import Writer


class Feed:
    """Implements `Fed`.

    Args:
        feeding: the sequence as the engine's thread holds it.
        writer: the thread.
    """

    def __init__(self, feeding: Feeding, writer: Writer) -> None:
        self._feeding = feeding
        self._writer = writer

    def feed(self, frames: NDArray[Any]) -> None:
        """Give it the next frames, (T, ...); nothing, when it has ended."""
        own = np.array(frames)  # the caller may use its array again
        self._writer.post(lambda: self._writer.feeds.feed(self._feeding, own))

    def finish(self) -> None:
        """Say that there are no more: it ends with END when it has read those that it has."""
        self._writer.post(lambda: self._writer.feeds.finish(self._feeding, Finish.END))

    async def gather(self) -> Gathered:
        """Wait until there is something new, and take all of it; see `Ongoing`."""
        return await self._feeding.ticket.gather()

    async def gather_to_the_end(self) -> Gathered:
        """Wait until it has ended, and take all of it; see `Ongoing`."""
        return await self._feeding.ticket.gather_to_the_end()

    def cancel(self) -> None:
        """Stop it within one step; nothing, when it has ended."""
        self._feeding.ticket.cancel()
