"""The line between a supervisor and a worker: each asks, each answers, over one pair of sockets.

A frame is four bytes of length and JSON. When either process ends, however it ends, the other one's line closes.
"""

import asyncio
import itertools
import json
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from podium_server import errors

log = logging.getLogger(__name__)

# Answers a question: its name, and what came with it; both, and the answer, are what JSON holds.
Answer = Callable[[str, Any], Awaitable[Any]]


class LineClosed(Exception):
    """The process at the other end is gone."""


class Line:
    """One end of a line; used in one event loop.

    Attributes:
        closed: set once the other end is gone.

    Args:
        answer: answers what the other end asks; several questions may be open at a time. `PodiumError` travels.
    """

    def __init__(self, answer: Answer) -> None:
        self.closed = asyncio.Event()
        self._answer = answer
        self._numbers = itertools.count()
        self._open: dict[int, asyncio.Future[Any]] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None

    async def connect(self, end: socket.socket) -> None:
        """Begin to listen; the socket is the line's from now on."""
        reader, self._writer = await asyncio.open_connection(sock=end)
        self._reading = asyncio.get_running_loop().create_task(self._read(reader))

    async def ask(self, question: str, content: Any = None) -> Any:
        """Ask the other end and wait for its answer.

        Raises:
            PodiumError: what the other end raised.
            LineClosed: it is gone.
        """
        number = next(self._numbers)
        answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._open[number] = answered
        try:
            self._send({"ask": number, "question": question, "content": content})
            return await answered
        finally:
            del self._open[number]

    async def close(self) -> None:
        """Hang up; questions that are open fail at both ends."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, *self._answering, return_exceptions=True)

    def _send(self, frame: dict[str, Any]) -> None:
        if self._writer is None or self.closed.is_set():
            raise LineClosed
        data = json.dumps(frame).encode()
        self._writer.write(len(data).to_bytes(4, "big") + data)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                size = int.from_bytes(await reader.readexactly(4), "big")
                self._take(json.loads(await reader.readexactly(size)))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the other process ended
        finally:
            self.closed.set()
            for answered in self._open.values():
                if not answered.done():
                    answered.set_exception(LineClosed())
            for task in self._answering:
                task.cancel()
            if self._writer is not None:
                self._writer.close()

    def _take(self, frame: dict[str, Any]) -> None:
        if "ask" in frame:
            task = asyncio.get_running_loop().create_task(self._reply(frame))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
            return
        answered = self._open.get(frame["answer"])
        if answered is None or answered.done():
            return  # whoever asked has left
        if "error" in frame:
            answered.set_exception(_read_error(*frame["error"]))
        else:
            answered.set_result(frame["content"])

    async def _reply(self, frame: dict[str, Any]) -> None:
        reply: dict[str, Any] = {"answer": frame["ask"]}
        try:
            reply["content"] = await self._answer(frame["question"], frame["content"])
        except errors.PodiumError as error:
            reply["error"] = [type(error).__name__, str(error)]
        except LineClosed:
            return
        except Exception as error:
            log.exception("%s could not be answered", frame["question"])
            reply["error"] = [errors.Unexpected.__name__, str(error)]
        if not self.closed.is_set():
            self._send(reply)


def _read_error(name: str, message: str) -> errors.PodiumError:
    """Make the error again that the other process raised."""
    kind = getattr(errors, name, None)
    if isinstance(kind, type) and issubclass(kind, errors.PodiumError):
        return kind(message)
    return errors.Unexpected(message)
