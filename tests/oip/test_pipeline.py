"""Work on several items at a time, results in order: bounded, and nothing left behind."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from podium_server.oip.pipeline import in_order


class Work:
    """Work that ends when the test says so."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.cancelled: list[int] = []
        self.gates: dict[int, asyncio.Event] = {}
        self.news = asyncio.Condition()

    async def __call__(self, item: int) -> int:
        """Square an item once it is let go."""
        gate = self.gates[item] = asyncio.Event()
        self.started.append(item)
        async with self.news:
            self.news.notify_all()
        try:
            await gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(item)
            raise
        return item * item

    async def has_started(self, number: int) -> None:
        """Wait until so many items are in work."""
        async with self.news:
            await self.news.wait_for(lambda: len(self.started) >= number)


class Items:
    """Items 0, 1, 2, …; counts those that were read."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.read = 0

    async def __aiter__(self) -> AsyncIterator[int]:
        for item in range(self.number):
            self.read += 1
            yield item


async def test_results_keep_the_order_of_items() -> None:
    """The last item done first comes last all the same."""
    work = Work()

    async def finish_backwards() -> None:
        await work.has_started(3)
        for item in (2, 1, 0):
            work.gates[item].set()

    task = asyncio.create_task(finish_backwards())
    assert [result async for result in in_order(aiter(Items(3)), work, 3)] == [0, 1, 4]
    await task


async def test_items_are_read_only_while_there_is_room() -> None:
    """One beyond the limit is read and waits; the sender of the rest is held back."""
    items, work = Items(10), Work()
    async with aclosing(in_order(aiter(items), work, 2)) as results:
        first = asyncio.ensure_future(anext(results))
        await work.has_started(2)
        assert (work.started, items.read) == ([0, 1], 3)
        work.gates[0].set()
        assert await first == 0
        second = asyncio.ensure_future(anext(results))
        await work.has_started(3)
        assert (work.started, items.read) == ([0, 1, 2], 4)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)


async def test_leaving_cancels_everything_in_work() -> None:
    """A caller who leaves stops costing anything."""
    work = Work()
    results = in_order(aiter(Items(10)), work, 4)
    first = asyncio.ensure_future(anext(results))
    await work.has_started(4)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert sorted(work.cancelled) == [0, 1, 2, 3]
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_error_comes_after_the_results_before_it_and_ends_the_rest() -> None:
    """What was in work behind it is cancelled."""
    work = Work()

    async def fail_at_one(item: int) -> int:
        if item == 1:
            raise ValueError("no")
        return await work(item)

    results = in_order(aiter(Items(3)), fail_at_one, 3)
    first = asyncio.ensure_future(anext(results))
    await work.has_started(2)
    work.gates[0].set()
    assert await first == 0
    with pytest.raises(ValueError, match="no"):
        await anext(results)
    assert work.cancelled == [2]


async def test_an_error_of_the_items_comes_out() -> None:
    """A broken stream is not a finished one."""

    async def broken() -> AsyncIterator[int]:
        yield 1
        raise ConnectionError("gone")

    async def same(item: int) -> int:
        return item

    results = in_order(broken(), same, 2)
    assert await anext(results) == 1
    with pytest.raises(ConnectionError, match="gone"):
        await anext(results)
