"""Works on several items of a stream at a time, and gives the results in the items' order."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


async def in_order(items: AsyncIterator[T], work: Callable[[T], Awaitable[R]], limit: int) -> AsyncGenerator[R, None]:
    """Start work on each item as it comes, and yield the results in the order of the items.

    Closing it cancels what is in work: iterate within `contextlib.aclosing`.

    Args:
        items: what to work on. The next is read only while there is room, so that a caller who sends faster than it
            reads is held back by the transport.
        work: turns one item into one result. What it raises ends the stream after the results before it.
        limit: items that may be in work or waiting to be yielded, 1 or more.
    """
    room = asyncio.Semaphore(limit)
    started: asyncio.Queue[asyncio.Future[R] | None] = asyncio.Queue()

    async def read() -> None:
        try:
            async for item in items:
                await room.acquire()
                started.put_nowait(asyncio.ensure_future(work(item)))
        finally:
            started.put_nowait(None)

    reader = asyncio.create_task(read())
    current: asyncio.Future[R] | None = None
    try:
        while (current := await started.get()) is not None:
            yield await current
            room.release()
        await reader
    finally:
        reader.cancel()
        left = [task for task in (current, *_drain(started)) if task is not None]
        for task in left:
            task.cancel()
        await asyncio.gather(reader, *left, return_exceptions=True)


def _drain(queue: "asyncio.Queue[asyncio.Future[R] | None]") -> list["asyncio.Future[R] | None"]:
    return [queue.get_nowait() for _ in range(queue.qsize())]
