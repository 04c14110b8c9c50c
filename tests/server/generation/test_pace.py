"""What is told when, in which order prompts are read and texts written, and what is counted of it."""

import asyncio
from itertools import pairwise

import numpy as np
from podium_server.generation.job import BeamJob, Finish, Job, ScoreJob
from podium_server.generation.outbox import Outbox

from tests.server.generation.conftest import MakeGenerator
from tests.server.generation.fake_steps import Counts, FakeStep, HeldStep, written
from tests.server.generation.jobs import job, prompt
from tests.server.generation.plain import BEAMS, all_of, begin


async def test_a_slow_reader_costs_nobody(make_generator: MakeGenerator) -> None:
    """Whoever does not read for the whole time gets all in one piece; the others are done long before."""
    generator = make_generator(FakeStep())
    slow, *others = generator.start_all([job([n], 200) for n in range(10)])
    texts = await asyncio.gather(*(all_of(each) for each in others))
    assert all(text.token_ids == written([n], 200) for n, text in enumerate(texts, 1))
    gathered = await slow.gather()
    assert gathered.token_ids == written([0], 200)
    assert gathered.finish is Finish.LENGTH


async def test_the_first_token_is_told_before_the_second_is_chosen(make_generator: MakeGenerator) -> None:
    """Also when it comes with the last piece of a prompt; and where the time went is told with it."""
    for tokens in ([1], [1] * 8):
        step = HeldStep()
        ongoing = begin(make_generator(step), job(tokens, 9))
        step.let_go()
        gathered = await ongoing.gather()
        assert gathered.token_ids == written(tokens, 1)
        assert gathered.clocked.decode_s == 0
        assert gathered.clocked.prefill_s >= gathered.clocked.run_s > 0
        step.open()
        rest = await all_of(ongoing)
        assert rest.token_ids == written(tokens, 9)[1:]


async def test_prompts_are_read_beside_those_who_write(make_generator: MakeGenerator) -> None:
    """A prompt of 320 tokens takes ten runs, and between any two of them the others get a token."""
    step = HeldStep()
    generator = make_generator(step)
    writer = begin(generator, job([1], 40))
    await step.begun()
    reader = begin(generator, job([2] * 320, 1))
    step.open()
    await asyncio.gather(all_of(writer), all_of(reader))
    prefills = [i for i, shape in enumerate(step.shapes) if shape[1] == 32]
    assert len(prefills) == 10
    assert all(b - a > 1 for a, b in pairwise(prefills))


async def test_what_was_done_is_counted(make_generator: MakeGenerator, counts: Counts) -> None:
    """Steps, rows, tokens read and written, first tokens and gaps between tokens, ends by reason."""
    generator = make_generator(FakeStep(end_ids=[12]))
    jobs: list[Job] = [
        job([1] * 11, 7),
        job([5], 3),
        BeamJob(prompt(1), BEAMS, 4),
        ScoreJob(prompt(1, 2), np.array([3, 4])),
    ]
    texts = await asyncio.gather(*(all_of(each) for each in generator.start_all(list(jobs))))
    await generator.close()
    assert counts.prompt_tokens == 11 + 1 + 1 + 2
    assert counts.output_tokens == 7 + 3 + sum(len(h.token_ids) for h in texts[2].hypotheses) + 2
    assert counts.prefill_tokens == 8
    assert counts.decode_tokens == counts.num_rows
    assert counts.num_first == 4
    assert counts.num_gaps == 6 + 2 + 1
    assert sum(counts.finished.values()) == 4
    assert counts.num_steps >= 6


def test_the_more_write_the_more_gathers_within_what_reads_as_flowing() -> None:
    """A thousand pieces a second for all together, but none sooner than 20 ms or later than 100 ms after another."""
    outbox = Outbox(lambda news, tally: None)
    outbox.send(7.0)
    for num_sequences, pace_s in ((1, 0.02), (16, 0.02), (50, 0.05), (64, 0.064), (1000, 0.1)):
        assert not outbox.due(7.0 + pace_s - 0.001, num_sequences)
        assert outbox.due(7.0 + pace_s + 0.001, num_sequences)
