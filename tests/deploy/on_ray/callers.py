"""Callers of podium's own client that go on until they are told to stop, and do not forgive an error."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from podium_client import AsyncClient

NUM_CALLERS = 12


class Load:
    """Calls of a client, again and again.

    Args:
        client: whose calls they are.
        ask: sends one, and looks at what comes back.
    """

    def __init__(self, client: AsyncClient, ask: Callable[[AsyncClient], Awaitable[None]]) -> None:
        self._client = client
        self._ask = ask
        self._answered = asyncio.Condition()
        self.num_answered = 0
        self.over = False

    async def call(self) -> None:
        """Call until it is over."""
        while not self.over:
            await self._ask(self._client)
            async with self._answered:
                self.num_answered += 1
                self._answered.notify_all()

    async def more(self, num: int) -> None:
        """Wait for so many more answers."""
        wanted = self.num_answered + num
        async with self._answered:
            await self._answered.wait_for(lambda: self.num_answered >= wanted)


@asynccontextmanager
async def load(
    address: str, ask: Callable[[AsyncClient], Awaitable[None]], num_callers: int = NUM_CALLERS
) -> AsyncGenerator[Load]:
    """Call while the block lasts; the first call that fails ends it with its error."""
    async with AsyncClient(address) as client, asyncio.TaskGroup() as group:
        load = Load(client, ask)
        for _ in range(num_callers):
            group.create_task(load.call())
        try:
            yield load
        finally:
            load.over = True
