"""Looks at frames as they come: rows in, scores out, in their order; and stops when it is left.

Whoever pours rows in waits when as many are under way as may be, so that nobody who is quick fills the memory.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from podium_server.batching.batcher import Batcher, Run
from podium_server.batching.run_rows import run_rows
from podium_server.errors import MomentError, NotReady
from podium_server.generation.job import Fed, Finish
from podium_server.services.spent import Spent
from podium_server.video.windows import Window, Windows

AHEAD = 64
"""Frames that may be under way, for a network that goes from frame to frame."""
WINDOWS_AHEAD = 2
"""Windows that may be under way."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One answer.

    Attributes:
        place: the last of the frames that it is about, counted from the first that was poured in.
        scores: (classes,).
    """

    place: int
    scores: NDArray[Any]


class Viewer(Protocol):
    """Looks with one network at the frames of one clip.

    Attributes:
        spent: where the time went.
    """

    spent: Spent

    async def look(self, rows: NDArray[Any]) -> None:
        """Take the next frames, (T, ...), as soon as there is room for them."""
        ...

    async def end(self) -> None:
        """Take no more: the clip has ended."""
        ...

    def leave(self) -> None:
        """Take no more, and answer what needs no more frames."""
        ...

    def fail(self, error: BaseException) -> None:
        """Have `answers` raise an error."""
        ...

    def answers(self) -> AsyncGenerator[Seen, None]:
        """Give the answers until the end."""
        ...

    def close(self) -> None:
        """Stop whatever is under way."""
        ...


async def view(viewer: Viewer, rows: AsyncGenerator[NDArray[Any], None]) -> AsyncGenerator[Seen, None]:
    """Pour rows into a viewer, and give its answers.

    Where nobody is to blame that no more rows come, as when the server drains, what is under way is answered first.

    Raises:
        PodiumError: what `rows` or the viewer raised.
    """
    late: list[MomentError] = []

    async def pour() -> None:
        try:
            async with aclosing(rows):
                async for each in rows:
                    await viewer.look(each)
            await viewer.end()
        except MomentError as error:
            late.append(error)
            viewer.leave()
        except BaseException as error:
            viewer.fail(error)
            raise

    pouring = asyncio.create_task(pour())
    answers = viewer.answers()
    try:
        async for seen in answers:
            yield seen
        await pouring
        if late:
            raise late[0]
    finally:
        await answers.aclose()
        viewer.close()
        pouring.cancel()
        await asyncio.gather(pouring, return_exceptions=True)


class StepViewer:
    """A network that goes from frame to frame: an answer a frame.

    Args:
        fed: the sequence.
        encoder: makes a row what a step reads; None: it is what a step reads.
        deadline: the monotonic second after which nothing is run.
    """

    def __init__(self, fed: Fed, encoder: Batcher | None, deadline: float | None) -> None:
        self.spent = Spent()
        self._fed = fed
        self._encoder = encoder
        self._deadline = deadline
        self._room = asyncio.Semaphore(AHEAD)
        self._error: BaseException | None = None

    async def look(self, rows: NDArray[Any]) -> None:
        """Take the next frames, `AHEAD` at most."""
        for _ in rows:
            await self._room.acquire()
        if self._encoder is not None:
            run = await run_rows(self._encoder, (rows,), deadline=self._deadline)
            self.spent.ran(run)
            rows = run.outputs[0]
        self._fed.feed(rows)

    async def end(self) -> None:
        """Take no more."""
        self._fed.finish()

    def leave(self) -> None:
        """Take no more."""
        self._fed.finish()

    def fail(self, error: BaseException) -> None:
        """Have `answers` raise an error."""
        self._error = error
        self._fed.cancel()

    async def answers(self) -> AsyncGenerator[Seen, None]:
        """Give the answers until the end."""
        place, gathered = 0, await self._fed.gather()
        while True:
            for scores in gathered.outputs:
                yield Seen(place, scores)
                self._room.release()
                place += 1
            if gathered.finish is not None:
                break
            gathered = await self._fed.gather()
        self.spent.ran(Run((), gathered.clocked.queue_s, gathered.clocked.run_s))
        if self._error is not None:
            raise self._error
        if gathered.finish is Finish.CANCELLED:
            raise NotReady("the model is being unloaded: begin a new stream, or ask for another version")

    def close(self) -> None:
        """Stop whatever is under way."""
        self._fed.cancel()


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
        self._under_way: asyncio.Queue[tuple[Window, asyncio.Task[Run]] | BaseException | None] = asyncio.Queue()

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
            rows = run_rows(self._batcher, (window.rows[None],), deadline=self._deadline)
            self._under_way.put_nowait((window, asyncio.create_task(rows)))
