"""The line between a supervisor and a worker."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from podium_server.errors import LoadFailed, ModelNotFound, Unexpected
from podium_server.workers.line import Line, LineClosed


class Ends:
    """Two lines that are connected; the far one answers what the test says."""

    def __init__(self) -> None:
        self.near = Line(self._refuse)
        self.far = Line(self._answer)
        self.held = asyncio.Event()
        self.asked = asyncio.Event()

    async def connect(self) -> None:
        """Connect them."""
        one, other = socket.socketpair()
        await self.near.connect(one)
        await self.far.connect(other)

    async def _refuse(self, question: str, content: Any) -> Any:
        raise ModelNotFound(f"{question} {content}")

    async def _answer(self, question: str, content: Any) -> Any:
        match question:
            case "echo":
                return content
            case "wait":
                self.asked.set()
                await self.held.wait()
                return "late"
            case "back":
                return await self.far.ask("and you?", content)
            case "fail":
                raise LoadFailed("broken")
            case _:
                raise KeyError(question)


@pytest.fixture
async def ends() -> AsyncIterator[Ends]:
    """Connected lines."""
    ends = Ends()
    await ends.connect()
    yield ends
    await ends.near.close()
    await ends.far.close()


async def test_answers_come_to_whoever_asked(ends: Ends) -> None:
    """One that is answered late holds up nobody; numbers that JSON has no word for travel too."""
    late = asyncio.ensure_future(ends.near.ask("wait"))
    await ends.asked.wait()
    assert await ends.near.ask("echo", {"rows": [1, float("inf")]}) == {"rows": [1, float("inf")]}
    ends.held.set()
    assert await late == "late"


async def test_errors_travel_as_what_they_are(ends: Ends) -> None:
    """The caller's error stays the caller's, through a question that was asked back meanwhile; a fault is a fault."""
    with pytest.raises(LoadFailed, match="broken"):
        await ends.near.ask("fail")
    with pytest.raises(ModelNotFound, match=r"and you\? 7"):
        await ends.near.ask("back", 7)
    with pytest.raises(Unexpected):
        await ends.near.ask("what?")


async def test_open_questions_end_with_the_other_process(ends: Ends) -> None:
    """Nobody waits for a process that is gone, and whoever asks it then hears so."""
    waiting = asyncio.ensure_future(ends.near.ask("wait"))
    await ends.asked.wait()
    await ends.far.close()
    with pytest.raises(LineClosed):
        await waiting
    assert ends.near.closed.is_set()
    with pytest.raises(LineClosed):
        await ends.near.ask("echo")
