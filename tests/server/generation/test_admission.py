"""Who may start, who is refused or told to wait, and what becomes of everybody when the engine closes."""

import asyncio
import gc
import time
import tracemalloc

import numpy as np
import pytest
from podium_server.errors import DeadlineExceeded, NotReady, Overloaded, QueuedTooLong
from podium_server.generation.job import BeamJob, Beams, Finish, Ongoing, SampleJob, ScoreJob, Start

from tests.server.generation.conftest import MakeGenerator
from tests.server.generation.fake_steps import Counts, FakeStep, HeldStep, written
from tests.server.generation.jobs import GREEDY, job, prompt
from tests.server.generation.networks import V, attentive_gru, lstm
from tests.server.generation.plain import all_of, begin


async def test_what_cannot_start_is_told_to_whoever_asks(make_generator: MakeGenerator) -> None:
    """An empty prompt, a missing memory."""
    with pytest.raises(ValueError, match="a prompt of one token or more"):
        begin(make_generator(FakeStep()), SampleJob(Start(np.array([], np.int64)), GREEDY, 3, seed=0))
    with pytest.raises(ValueError, match="the contexts memory"):
        begin(make_generator(attentive_gru()), job())
    for targets in ([], [V], [-1]):
        with pytest.raises(ValueError, match=r"targets must be one or more ids of 0 … 10"):
            begin(make_generator(lstm()), ScoreJob(prompt(1), np.array(targets, np.int64)))


async def test_a_deadline_that_has_passed_already_is_never_run(make_generator: MakeGenerator) -> None:
    """Nobody waits for it."""
    step = FakeStep()
    with pytest.raises(DeadlineExceeded):
        await all_of(begin(make_generator(step), job([1], 9, deadline=time.monotonic() - 1)))
    assert step.shapes == []


async def test_too_many_are_refused_at_once_and_all_or_none(make_generator: MakeGenerator, counts: Counts) -> None:
    """With the pace of those before, so that the caller knows when to come back; nothing of the request is kept."""
    step = HeldStep()
    generator = make_generator(step, max_rows=2, max_waiting=3)
    first = generator.start_all([job([n], 2) for n in range(4)])
    await step.begun()
    with pytest.raises(Overloaded, match=r"2 .* at most 3, and this request has 2") as refusal:
        generator.start_all([job(), job()])
    assert refusal.value.retry_after_s > 0
    last = begin(generator, job([4], 2))
    assert generator.waiting_rows == 3
    step.open()
    texts = await asyncio.gather(*(all_of(each) for each in [*first, last]))
    assert [text.token_ids for text in texts] == [written([n], 2) for n in range(5)]
    assert counts.num_refused == 1


async def test_who_has_waited_as_long_as_one_may_is_refused_and_never_run(
    make_generator: MakeGenerator, counts: Counts
) -> None:
    """With a hint when to come back; whoever has begun by then goes on, however long it takes."""
    step = HeldStep()
    generator = make_generator(step, max_rows=1, max_queue_s=1.0)
    runs = begin(generator, job([1], 9))
    await step.begun()
    waiting = [begin(generator, job([2], 9, deadline=deadline)) for deadline in (None, time.monotonic() + 60)]
    for ongoing in waiting:
        with pytest.raises(QueuedTooLong, match="has waited 1 s for its rows, as long as a request may") as refusal:
            await all_of(ongoing)
        assert refusal.value.retry_after_s > 0
    step.open()
    assert (await all_of(runs)).token_ids == written([1], 9)
    assert step.seen == [[token] for token in [1, *written([1], 8)]], "nobody else has run"
    assert (counts.num_refused, counts.num_expired) == (2, 0)


async def test_an_idle_engine_takes_a_request_of_any_size(make_generator: MakeGenerator) -> None:
    """Or such a request could never be served."""
    generator = make_generator(FakeStep(), max_rows=2, max_waiting=3)
    texts = await asyncio.gather(*(all_of(each) for each in generator.start_all([job([1], 3)] * 50)))
    assert all(text.token_ids == written([1], 3) for text in texts)


async def test_two_thousand_waiting_begin_in_the_order_they_came(make_generator: MakeGenerator) -> None:
    """And the next one is told at once that there is no room."""
    step = HeldStep()
    generator = make_generator(step, max_rows=8, max_waiting=1992)
    order: list[int] = []

    async def follow(number: int, ongoing: Ongoing) -> None:
        await all_of(ongoing)
        order.append(number)

    # Everybody listens before anything is written: who listens late finds all of it there, and overtakes the others.
    async with asyncio.TaskGroup() as followers:
        for number in range(2000):
            followers.create_task(follow(number, begin(generator, job([number % 13], 2))))
        await step.begun()
        with pytest.raises(Overloaded):
            begin(generator, job())
        step.open()
    assert order == sorted(order)


async def test_sequences_that_ended_or_were_refused_leave_nothing_behind(make_generator: MakeGenerator) -> None:
    """After 2,000 sequences and as many refusals there is no more memory in use than after the first 500."""
    generator = make_generator(FakeStep(), max_rows=8, max_waiting=500)
    sizes: list[int] = []
    tracemalloc.start()
    try:
        for _ in range(4):
            ongoing = generator.start_all([job([1, 2, 3], 4) for _ in range(508)])
            for _ in range(500):
                with pytest.raises(Overloaded):
                    begin(generator, job())
            await asyncio.gather(*(all_of(each) for each in ongoing))
            del ongoing
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert max(sizes[1:]) - sizes[0] < 300_000


async def test_closing_lets_what_was_accepted_finish(make_generator: MakeGenerator) -> None:
    """And takes nothing new."""
    step = HeldStep()
    generator = make_generator(step, max_rows=1)
    first, second = generator.start_all([job([1], 3), job([2], 3)])
    closing = asyncio.ensure_future(generator.close())
    await step.begun()
    with pytest.raises(NotReady):
        begin(generator, job())
    step.open()
    assert (await all_of(first)).token_ids == written([1], 3)
    assert (await all_of(second)).finish is Finish.LENGTH
    await closing


async def test_stopping_ends_everybody_as_they_stand(make_generator: MakeGenerator) -> None:
    """Who writes keeps what was written; who waits has nothing; both are told that the server ended them."""
    step = HeldStep()
    generator = make_generator(step, max_rows=3)
    tokens, beams, waits = generator.start_all([job([1], 50), BeamJob(prompt(1), Beams(2, 1.0, 1), 50), job([2], 50)])
    step.let_go(4)
    for _ in range(5):
        await step.begun()
    generator.stop()
    step.let_go()
    texts = await asyncio.gather(*(all_of(each) for each in (tokens, beams, waits)))
    assert [text.finish for text in texts] == [Finish.CANCELLED] * 3
    assert texts[0].token_ids == written([1], 5)
    assert texts[2].token_ids == []
    step.open()


async def test_a_drain_that_takes_too_long_is_cut_short(make_generator: MakeGenerator) -> None:
    """After `drain_s` sequences end as they stand."""
    step = FakeStep()
    generator = make_generator(step, drain_s=0.05)
    endless = begin(generator, job([1], 100_000_000))
    await endless.gather()
    await generator.close()
    assert (await all_of(endless)).finish is Finish.CANCELLED
