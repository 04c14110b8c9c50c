"""A sequence ends for its own reason, and whatever ends it, its neighbours are written to their ends."""

import asyncio
import time

import pytest
from podium_server.errors import DeadlineExceeded, RunFailed
from podium_server.generation.job import BeamJob, Finish

from tests.server.generation.conftest import MakeGenerator
from tests.server.generation.fake_steps import NONSENSE, POISON, Counts, FakeStep, HeldStep, written
from tests.server.generation.jobs import job, prompt
from tests.server.generation.networks import V, lstm
from tests.server.generation.plain import BEAMS, all_of, begin


class StopAt:
    """A watch that ends a sequence with a token."""

    def __init__(self, token_id: int) -> None:
        self.token_id = token_id
        self.seen: list[int] = []

    def ends(self, token_id: int) -> bool:
        """End it there."""
        self.seen.append(token_id)
        return token_id == self.token_id


async def test_a_watch_ends_its_sequence_with_the_token_it_wants(make_generator: MakeGenerator) -> None:
    """It sees every token, the first one after a prompt included, and what comes after the end is never told."""
    generator = make_generator(FakeStep())
    expected = written([1, 2], 20)
    for stop in (expected[0], expected[6]):
        watch = StopAt(stop)
        text = await all_of(begin(generator, job([1, 2], 20, watch=watch)))
        assert text.finish is Finish.STOP
        assert text.token_ids == watch.seen == expected[: expected.index(stop) + 1]


async def test_an_end_comes_before_a_watch_and_a_watch_before_the_length(make_generator: MakeGenerator) -> None:
    """All three at one token: the model ended it; without the end id the watch did."""
    last = written([1], 1)[0]
    for ends, reason in (([last], Finish.END), ([], Finish.STOP)):
        text = await all_of(begin(make_generator(FakeStep(ends)), job([1], 1, watch=StopAt(last))))
        assert (text.token_ids, text.finish) == ([last], reason)


async def test_a_watch_that_fails_fails_its_own_sequence(make_generator: MakeGenerator) -> None:
    """Its neighbour is written to the end."""

    class Broken:
        def ends(self, token_id: int) -> bool:
            raise ValueError(token_id)

    generator = make_generator(FakeStep())
    broken, fine = generator.start_all([job(count=9, watch=Broken()), job(count=9)])
    with pytest.raises(RunFailed):
        await all_of(broken)
    assert (await all_of(fine)).token_ids == written([1], 9)


async def test_a_row_at_fault_fails_alone(make_generator: MakeGenerator, counts: Counts) -> None:
    """A run that fails whole is run again row by row; a row without numbers fails as well; the loop lives on."""
    generator = make_generator(FakeStep())
    jobs = [job([n], 9) for n in (1, POISON, 2, NONSENSE, 3)]
    jobs += [job([n] * 8, 9) for n in (1, POISON, 2, NONSENSE, 3)]  # and while prompts are read
    results = await asyncio.gather(*(all_of(each) for each in generator.start_all(list(jobs))), return_exceptions=True)
    for each, result in zip(jobs, results, strict=True):
        tokens = each.start.prompt.tolist()
        if tokens[0] in (POISON, NONSENSE):
            assert isinstance(result, RunFailed)
        else:
            assert not isinstance(result, BaseException)
            assert result.token_ids == written(tokens, 9)
    assert (await all_of(begin(generator, job([4], 3)))).token_ids == written([4], 3)
    await generator.close()  # the last counts come with the last hand-over
    assert counts.num_failed == 4


async def test_a_poisoned_beam_search_fails_as_one(make_generator: MakeGenerator) -> None:
    """One error, and its neighbours go on."""
    generator = make_generator(FakeStep())
    bad, good = generator.start_all([BeamJob(prompt(POISON), BEAMS, 5), job([1], 5)])
    with pytest.raises(RunFailed):
        await all_of(bad)
    assert (await all_of(good)).token_ids == written([1], 5)


async def test_a_token_that_does_not_exist_fails_alone(make_generator: MakeGenerator) -> None:
    """ONNX Runtime refuses the run; the neighbour's text is its own."""
    generator = make_generator(lstm())
    bad, good = generator.start_all([job([V + 5], 5), job([1], 5)])
    with pytest.raises(RunFailed):
        await all_of(bad)
    assert (await all_of(good)).token_ids == (await all_of(begin(generator, job([1], 5)))).token_ids


async def test_who_cancels_is_out_within_a_step(make_generator: MakeGenerator, counts: Counts) -> None:
    """The run under way ends with it, the next one is without; its row goes to who waits; the others' texts stay."""
    step = HeldStep()
    generator = make_generator(step, max_rows=2)
    stays, leaves, waits = generator.start_all([job([n], 4) for n in (1, 2, 3)])
    await step.begun()
    leaves.cancel()
    leaves.cancel()
    step.let_go()
    await step.begun()
    step.open()
    assert (await leaves.gather()).finish is Finish.CANCELLED
    assert (await all_of(stays)).token_ids == written([1], 4)
    assert (await all_of(waits)).token_ids == written([3], 4)
    assert step.seen[0] == [1, 2]
    assert step.seen[1] == [written([1], 1)[0], 3]
    assert counts.num_cancelled == 1


async def test_cancelling_what_waits_or_has_ended_is_nothing_to_the_others(make_generator: MakeGenerator) -> None:
    """Who waits never runs; who has ended has ended."""
    step = HeldStep()
    generator = make_generator(step, max_rows=1)
    first, second = generator.start_all([job([1], 2), job([2], 2)])
    await step.begun()
    second.cancel()
    step.open()
    assert (await all_of(first)).finish is Finish.LENGTH
    first.cancel()
    assert all(seen != [2] for seen in step.seen)


async def test_a_caller_that_is_cancelled_while_it_gathers_may_gather_again(make_generator: MakeGenerator) -> None:
    """Nothing that was written is lost."""
    step = HeldStep()
    ongoing = begin(make_generator(step), job([1], 6))
    gathering = asyncio.ensure_future(ongoing.gather())
    await step.begun()
    gathering.cancel()
    await asyncio.gather(gathering, return_exceptions=True)
    step.open()
    assert (await all_of(ongoing)).token_ids == written([1], 6)


async def test_a_passed_deadline_is_told_while_the_run_is_under_way(
    make_generator: MakeGenerator, counts: Counts
) -> None:
    """A timer tells, whether the sequence runs or waits; neither is in the run after."""
    step = HeldStep()
    generator = make_generator(step, max_rows=1)
    soon = time.monotonic() + 0.01
    runs, waits = generator.start_all([job([1], 9, deadline=soon), job([2], 9, deadline=soon)])
    after = begin(generator, job([3], 2))
    await step.begun()
    for ongoing in (runs, waits):
        with pytest.raises(DeadlineExceeded):
            await all_of(ongoing)
    step.open()
    assert (await all_of(after)).token_ids == written([3], 2)
    assert step.seen[1] == [3]
    assert counts.num_expired == 2
