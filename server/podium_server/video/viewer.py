"""Looks at frames as they come: rows in, scores out, in their order; and stops when it is left.

Whoever pours rows in waits when as many are under way as may be, so that nobody who is quick fills the memory.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from podium_server.errors import MomentError
from podium_server.spent import Spent


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

    @property
    def owes(self) -> bool:
        """Whether answers are under way that need no more frames."""
        ...

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
