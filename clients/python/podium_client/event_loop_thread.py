"""An event loop in a thread of its own, for callers without one."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class EventLoopThread:
    """Runs coroutines for other threads until it is closed.

    The thread is a daemon: a program that forgets to close it still ends.

    Args:
        name: the thread's name.
    """

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._started = set[asyncio.Task[object]]()  # the loop itself keeps no reference
        self._closing = threading.Lock()
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether it still takes coroutines."""
        return not self._loop.is_closed()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine and wait for its result; if the waiting is interrupted, it is cancelled.

        Raises:
            RuntimeError: the thread is closed, or is the one that asks.
        """
        if self._loop.is_closed() or threading.current_thread() is self._thread:
            coroutine.close()
            raise RuntimeError(
                "the client is closed"
                if self._loop.is_closed()
                else "a call that waits for itself: inside the client's own event loop use the AsyncClient"
            )
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        except BaseException:  # KeyboardInterrupt above all: nobody waits for the answer any more
            future.cancel()
            raise

    def start(self, function: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Begin a coroutine without waiting for it; nothing, once the thread is closed."""
        with contextlib.suppress(RuntimeError):  # it was closed this very moment
            self._loop.call_soon_threadsafe(lambda: self._keep(function()))

    def _keep(self, coroutine: Coroutine[Any, Any, object]) -> None:
        task = self._loop.create_task(coroutine)
        self._started.add(task)
        task.add_done_callback(self._started.discard)

    def close(self) -> None:
        """Cancel what still runs, end the thread and wait for it."""
        with self._closing:
            if self._loop.is_closed():
                return
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _main(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.get_loop().run_forever()
            # leaving the block cancels the tasks that are left, and closes the loop
