"""Looks with a network that reads windows: through its batcher, an answer a window, or one for each frame."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from numpy.typing import NDArray

from podium_server.batching.batcher import Batcher, Run
from podium_server.batching.run_rows import run_rows
from podium_server.spent import Spent
from podium_server.video.viewer import Seen
from podium_server.video.windows import Window, Windows

WINDOWS_AHEAD = 2
"""Windows that may be under way."""


class WindowViewer:
    """A network that reads windows: an answer a window, or one for each of its frames.

    Args:
        batcher: runs it.
        windows: cut frames.
        deadline: the monotonic second after which nothing is run.
    """

    def __init__(self, batcher: Batcher, windows: Windows, deadline: float | None) -> None:
        self.spent = Spent()
        self._batcher = batcher
        self._windows = windows
        self._deadline = deadline
        self._room = asyncio.Semaphore(WINDOWS_AHEAD)
        self._num_owed = 0
        self._under_way: asyncio.Queue[tuple[Window, asyncio.Task[Run]] | BaseException | None] = asyncio.Queue()

    @property
    def owes(self) -> bool:
        """Whether a window is under way."""
        return self._num_owed > 0

    async def look(self, rows: NDArray[Any]) -> None:
        """Take the next frames."""
        for row in rows:
            await self._begin(self._windows.push(row))

    async def end(self) -> None:
        """Take no more, and look at what the windows still lack."""
        await self._begin(self._windows.end())
        self.leave()

    def leave(self) -> None:
        """Take no more."""
        self._under_way.put_nowait(None)

    def fail(self, error: BaseException) -> None:
        """Have `answers` raise an error, in its turn."""
        self._under_way.put_nowait(error)

    async def answers(self) -> AsyncGenerator[Seen, None]:
        """Give the answers until the end."""
        while (item := await self._under_way.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            window, task = item
            try:
                run = await task
            finally:
                task.cancel()
                self._room.release()
                self._num_owed -= 1
            self.spent.ran(run)
            scores = run.outputs[0][0]
            if window.places is None:
                yield Seen(window.first, scores.reshape(-1))
            else:
                for number, place in enumerate(window.places):
                    yield Seen(window.first + number, scores[place])

    def close(self) -> None:
        """Stop whatever is under way."""
        while not self._under_way.empty():
            item = self._under_way.get_nowait()
            if isinstance(item, tuple):
                item[1].cancel()

    async def _begin(self, windows: list[Window]) -> None:
        for window in windows:
            await self._room.acquire()
            self._num_owed += 1
            rows = run_rows(self._batcher, (window.rows[None],), deadline=self._deadline)
            self._under_way.put_nowait((window, asyncio.create_task(rows)))
