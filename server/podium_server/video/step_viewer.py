"""Looks with a network that goes from frame to frame: through the generation engine, an answer a frame."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from numpy.typing import NDArray

from podium_server.batching.batcher import Batcher, Run
from podium_server.batching.run_rows import run_rows
from podium_server.errors import NotReady
from podium_server.generation.job import Fed, Finish
from podium_server.spent import Spent
from podium_server.video.viewer import Seen

AHEAD = 64
"""Frames that may be under way."""


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
        self._num_owed = 0

    @property
    def owes(self) -> bool:
        """Whether a frame that was fed has no answer yet."""
        return self._num_owed > 0

    async def look(self, rows: NDArray[Any]) -> None:
        """Take the next frames, `AHEAD` at most."""
        for _ in rows:
            await self._room.acquire()
        if self._encoder is not None:
            run = await run_rows(self._encoder, (rows,), deadline=self._deadline)
            self.spent.ran(run)
            rows = run.outputs[0]
        self._num_owed += len(rows)
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
                self._num_owed -= 1
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
