"""One worker as its supervisor knows it: a process, a line to it, and what it last showed."""

import asyncio
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeAlias

from prometheus_client import Metric

from podium_server.workers.line import Line, LineClosed
from podium_server.workers.page import from_json

# Who has not answered by then is busy: its last page is shown again.
ANSWER_S = 2.0
MODULE = "podium_server.workers.worker"


# Answers what a worker asks: the worker, the question, and what came with it.
AnswerTo: TypeAlias = "Callable[[WorkerProcess, str, Any], Awaitable[Any]]"


class WorkerProcess:
    """A worker that runs, or has ended.

    Attributes:
        number: its place in the team.
        ready: whether it has become ready.
        page: what it last showed of its metrics.
        began: the monotonic second of its start.

    Args:
        number: its place in the team.
        answer: answers what it asks.
    """

    def __init__(self, number: int, answer: "AnswerTo") -> None:
        self.number = number
        self.ready = False
        self.page: list[Metric] = []
        self.began = time.monotonic()
        self.line = Line(partial(answer, self))
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Begin the process: a new interpreter, which shares nothing but its end of the line."""
        ours, theirs = socket.socketpair()
        with theirs:
            # -P: modules that lie where the server was started are not the worker's.
            command = [sys.executable, "-P", "-m", MODULE, str(theirs.fileno())]
            # A session of its own: what a terminal's Ctrl-C means is ours to say.
            self._process = await asyncio.create_subprocess_exec(
                *command, pass_fds=[theirs.fileno()], start_new_session=True
            )
        await self.line.connect(ours)

    @property
    def pid(self) -> int:
        """The process's number."""
        assert self._process is not None
        return self._process.pid

    async def ended(self) -> int:
        """Wait for its end; the exit status, negative for the signal that killed it."""
        assert self._process is not None
        status = await self._process.wait()
        await self.line.close()
        return status

    def send(self, number: signal.Signals) -> None:
        """Send a signal to it, if it still runs."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(number)

    async def ask(self, question: str, content: Any = None) -> Any:
        """Ask it something that it can answer at once.

        Raises:
            LineClosed: it is gone.
            TimeoutError: it does not answer.
        """
        async with asyncio.timeout(ANSWER_S):
            return await self.line.ask(question, content)

    async def look(self) -> list[Metric]:
        """Ask for its metrics; what it showed last where it does not answer."""
        try:
            shown = await self.ask("page")
        except (LineClosed, TimeoutError):
            return self.page
        if shown is not None:
            self.page = from_json(shown)
        return self.page

    async def stands_ready(self) -> bool:
        """Whether it can take calls now."""
        try:
            return self.ready and bool(await self.ask("standing"))
        except (LineClosed, TimeoutError):
            return False


def cause_of(status: int) -> str:
    """Say how a process ended."""
    if status >= 0:
        return f"ended with exit status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"
