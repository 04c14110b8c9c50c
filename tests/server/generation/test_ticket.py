"""What a sequence comes to, as its caller is told."""

import asyncio

import pytest
from podium_server.errors import RunFailed
from podium_server.generation.job import Finish, Gathered
from podium_server.generation.ticket import News, Ticket


async def begun(ticket: Ticket, *, to_the_end: bool) -> "asyncio.Task[Gathered]":
    """Have somebody wait."""
    waiting = asyncio.create_task(ticket.gather_to_the_end() if to_the_end else ticket.gather())
    await asyncio.sleep(0)
    return waiting


async def test_who_needs_the_whole_is_woken_by_the_end_alone() -> None:
    """What comes before it stays; who wants each piece is woken by each."""
    ticket = Ticket(lambda _: None)
    waiting = await begun(ticket, to_the_end=True)
    for token_id in range(3):
        ticket.receive(News([token_id], [-1.0]))
        await asyncio.sleep(0)
        assert not waiting.done()
    ticket.receive(News([3], [-1.0], Finish.LENGTH))
    gathered = await waiting
    assert (gathered.token_ids, gathered.finish) == ([0, 1, 2, 3], Finish.LENGTH)

    ticket = Ticket(lambda _: None)
    waiting = await begun(ticket, to_the_end=False)
    ticket.receive(News([0], [-1.0]))
    assert (await waiting).token_ids == [0]


async def test_a_failure_is_an_end() -> None:
    """Whoever waits for the whole hears of it."""
    ticket = Ticket(lambda _: None)
    waiting = await begun(ticket, to_the_end=True)
    ticket.receive(News(error=RunFailed("broken")))
    with pytest.raises(RunFailed):
        await waiting


async def test_what_has_ended_is_given_at_once() -> None:
    """Nobody needs to have waited."""
    ticket = Ticket(lambda _: None)
    ticket.receive(News([5], [-1.0], Finish.END))
    assert (await ticket.gather_to_the_end()).token_ids == [5]
