"""Waits for all the sequences of a request, or for whatever is new of any; stops all of them when it is left."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

from podium.v1 import decoding_pb2 as wire

from podium_server.services.writing import Followed, Writing


class Gathering:
    """The sequences of one request.

    Args:
        writings: the jobs, 1 or more.
        with_log_probabilities: whether each token's is told.
    """

    def __init__(self, writings: Sequence[Writing], *, with_log_probabilities: bool) -> None:
        self.writings = writings
        self._with = with_log_probabilities

    async def all(self) -> None:
        """Wait until every sequence has ended.

        Raises:
            PodiumError: one failed.
        """
        await gather_all(self.writings)

    async def pieces(self) -> AsyncGenerator[list[wire.SequencePiece], None]:
        """Tell what is new whenever something is, until every sequence has ended; the last is told with the last piece.

        What comes while nobody asks is told together, when somebody does.

        Raises:
            PodiumError: one failed.
        """
        changes = self._changes_of_one() if len(self.writings) == 1 else self._changes()
        try:
            async for _ in changes:
                pieces = self._new_pieces()
                if pieces:
                    yield pieces
        finally:
            await changes.aclose()
            self._cancel()

    @property
    def ended(self) -> bool:
        """Whether every sequence has."""
        return all(writing.ended for writing in self.writings)

    def sequences(self) -> list[list[wire.GeneratedSequence]]:
        """What each job wrote, once all have ended."""
        return [writing.sequences(with_log_probabilities=self._with) for writing in self.writings]

    def _new_pieces(self) -> list[wire.SequencePiece]:
        found = (writing.pieces(with_log_probabilities=self._with) for writing in self.writings)
        return [piece for pieces in found for piece in pieces]

    async def _changes_of_one(self) -> AsyncGenerator[None, None]:
        """What a lone sequence gathers stays with the engine until it is asked for: no task is needed."""
        (writing,) = self.writings
        while not writing.ended:
            writing.add(await writing.ongoing.gather())
            yield

    async def _changes(self) -> AsyncGenerator[None, None]:
        """A task a sequence takes what there is; it is at most the tokens that were asked for."""
        changed = asyncio.Event()
        tasks = [asyncio.create_task(_to_its_end(writing, changed.set)) for writing in self.writings]
        for task in tasks:
            task.add_done_callback(lambda _: changed.set())
        try:
            ended = False
            while not ended:
                await changed.wait()
                changed.clear()
                for task in tasks:
                    if task.done():
                        task.result()
                ended = self.ended
                yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _cancel(self) -> None:
        for writing in self.writings:
            writing.ongoing.cancel()


async def gather_all(jobs: Sequence[Followed]) -> None:
    """Wait until every job has ended; stop all of them when one fails, or nobody waits any more.

    Raises:
        PodiumError: one failed.
    """
    try:
        for job in jobs:
            while not job.ended:
                job.add(await job.ongoing.gather_to_the_end())
    finally:
        for job in jobs:
            job.ongoing.cancel()


async def _to_its_end(job: Followed, tell: Callable[[], None]) -> None:
    while not job.ended:
        job.add(await job.ongoing.gather())
        tell()
