"""A whole server in this process, on ports of its own and an event loop of its own."""

import asyncio
import threading
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from podium_server.server import Server
from podium_server.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Running:
    """A server that runs.

    Attributes:
        address: host and port of gRPC.
        server: the server; to be touched in its loop.
        loop: its event loop.
    """

    address: str
    server: Server
    loop: asyncio.AbstractEventLoop

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the server's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)


@contextmanager
def serve(repository: Path, **settings: Any) -> Generator[Running]:
    """Serve a repository until the block ends; a thread of its own, so that blocking clients can call it."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="server")
    thread.start()

    async def start() -> Running:
        server = Server(
            Settings(
                repository=repository,
                grpc_port=0,
                http_port=0,
                device="cpu",
                cache_dir=repository / ".cache",
                **settings,
            )
        )
        ports = await server.start()
        await server.load()
        return Running(f"127.0.0.1:{ports.grpc}", server, loop)

    running = asyncio.run_coroutine_threadsafe(start(), loop).result(280)
    try:
        yield running
    finally:
        running.call(running.server.stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
