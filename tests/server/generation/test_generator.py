"""Sequences are written as a plain loop writes them, on real step graphs; and what happens to their lives."""

import asyncio
import gc
import time
import tracemalloc
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from podium_server.errors import DeadlineExceeded, NotReady, Overloaded, QueuedTooLong, RunFailed
from podium_server.generation.job import BeamJob, Beams, Finish, Job, SampleJob, Sampling, ScoreJob, Start
from podium_server.philox import uniforms

from tests.server.generation.conftest import MakeGenerator
from tests.server.generation.fake_steps import NONSENSE, POISON, Counts, FakeStep, HeldStep, written
from tests.server.generation.networks import H, V, attentive_gru, lstm
from tests.server.generation.plain import BEAMS, PlainLoop, all_of, choose_plainly

GREEDY = Sampling(temperature=0.0)
SAMPLINGS = [
    GREEDY,
    Sampling(),
    Sampling(temperature=0.7),
    Sampling(top_k=4),
    Sampling(top_p=0.8),
    Sampling(temperature=1.3, top_k=8, top_p=0.9, repetition_penalty=1.4),
    Sampling(temperature=0.0, repetition_penalty=2.0),
]


def torch_layers(weights: dict[str, NDArray[Any]]) -> list[torch.nn.LSTM]:
    """PyTorch's LSTM layers. Its gates: input, forget, cell, output; ONNX's: input, output, forget, cell."""

    def reordered(x: NDArray[Any]) -> torch.Tensor:
        i, o, f, c = np.split(x, 4)
        return torch.from_numpy(np.concatenate([i, f, c, o]))

    layers: list[torch.nn.LSTM] = []
    for i in range(2):
        layer = torch.nn.LSTM(H, H)
        w_bias, r_bias = np.split(weights[f"b{i}"][0], 2)
        named = {"weight_ih_l0": weights[f"w{i}"][0], "weight_hh_l0": weights[f"r{i}"][0]}
        named |= {"bias_ih_l0": w_bias, "bias_hh_l0": r_bias}
        layer.load_state_dict({name: reordered(x) for name, x in named.items()})
        layers.append(layer)
    return layers


def prompt(*tokens: int) -> Start:
    return Start(np.array(tokens, np.int64))


def job(tokens: Sequence[int] = (1,), count: int = 5, sampling: Sampling = GREEDY, **more: object) -> SampleJob:
    return SampleJob(prompt(*tokens), sampling, count, **({"seed": 0} | more))  # type: ignore[arg-type]


@pytest.mark.parametrize("sampling", SAMPLINGS, ids=str)
async def test_texts_are_those_of_a_plain_loop(make_generator: MakeGenerator, sampling: Sampling) -> None:
    """Token for token, for prompts of all lengths, with the log-probabilities of the raw logits."""
    network = lstm(end_ids=[3], suppressed_ids=[2])
    generator, plain = make_generator(network), PlainLoop(network)
    random = np.random.default_rng(4)
    lengths = [1, 2, 3, 7, 31, 32, 33, 64, 77]
    starts = [Start(random.integers(0, V, length)) for length in lengths]
    jobs = [SampleJob(start, sampling, 60, seed=2**63 + i, sequence=i) for i, start in enumerate(starts)]
    texts = await asyncio.gather(*(all_of(ongoing) for ongoing in generator.start_all(list(jobs))))
    for each, text in zip(jobs, texts, strict=True):
        expected = plain.write(each)
        assert text.token_ids == expected.token_ids
        assert text.finish is expected.finish
        np.testing.assert_allclose(text.log_probabilities, expected.log_probabilities, rtol=1e-12, atol=1e-14)


async def test_a_thousand_drawn_tokens_are_those_of_a_plain_loop(make_generator: MakeGenerator) -> None:
    """Beyond the blocks of uniform numbers that are drawn ahead."""
    network = lstm()
    each = job([5], 1000, Sampling(), seed=77)
    text = await all_of(make_generator(network).start(each))
    assert text.token_ids == PlainLoop(network).write(each).token_ids


@pytest.mark.parametrize("sampling", [GREEDY, Sampling(temperature=0.9)], ids=["greedy", "drawn"])
async def test_texts_are_those_of_pytorch(make_generator: MakeGenerator, sampling: Sampling) -> None:
    """torch.nn.LSTM with the same weights, one token at a time in a plain loop."""
    network = lstm()
    layers = torch_layers(network.weights)
    each = job([4, 1, 7], 200, sampling, seed=3)
    text = await all_of(make_generator(network).start(each))
    states: list[tuple[torch.Tensor, torch.Tensor] | None] = [None, None]
    ids = each.start.prompt.tolist()
    with torch.no_grad():
        for place in range(202):
            x = torch.from_numpy(network.weights["embedding"])[ids[place : place + 1]]
            for i, layer in enumerate(layers):
                x, states[i] = layer(x, states[i])
            if place >= 2:  # the prompt is read
                logits = (x @ torch.from_numpy(network.weights["out"]))[0]
                uniform = float(uniforms(3, 0, np.array([place - 2], np.uint64), 1)[0, 0])
                ids.append(choose_plainly(logits.tolist(), sampling, uniform))
    assert text.token_ids == ids[3:]


async def test_contexts_of_different_lengths_and_states_with_the_batch_elsewhere(make_generator: MakeGenerator) -> None:
    """An attentive GRU whose state is (layer, batch, hidden): each text is that of a plain loop over its memory."""
    network = attentive_gru(end_ids=[3])
    generator = make_generator(network)
    random = np.random.default_rng(8)
    jobs = []
    for i in range(12):
        memory = random.standard_normal((1, 2 + i % 3, H)).astype(np.float32)
        start = Start(random.integers(0, V, 1 + i), {"memory": memory})
        jobs.append(SampleJob(start, SAMPLINGS[i % 3], 40, seed=i))
    texts = await asyncio.gather(*(all_of(ongoing) for ongoing in generator.start_all(list(jobs))))
    for each, text in zip(jobs, texts, strict=True):
        expected = PlainLoop(network, dict(each.start.rows)).write(each)
        assert (text.token_ids, text.finish) == (expected.token_ids, expected.finish)


async def test_an_encoder_may_give_the_first_states(make_generator: MakeGenerator) -> None:
    """A text that goes on from a text's states is the rest of the longer text."""
    network = lstm()
    generator, plain = make_generator(network), PlainLoop(network)
    tokens = [4, 1, 7, 2, 9]
    _, states = plain.read(tokens[:4], plain.first())
    names = [state.input for state in plain.generation.states]
    start = Start(np.array(tokens[4:]), dict(zip(names, states, strict=True)))
    text = await all_of(generator.start(SampleJob(start, GREEDY, 20, seed=0)))
    logits, states = plain.read(tokens[4:], states)
    expected = [int(np.argmax(logits))]
    while len(expected) < 20:
        logits, states = plain.read(expected[-1:], states)
        expected.append(int(np.argmax(logits)))
    assert text.token_ids == expected


@pytest.mark.parametrize("beams", [Beams(2, 0.0, 1), Beams(4, 1.0, 4), Beams(7, 0.6, 3)], ids=str)
async def test_beams_are_those_of_a_plain_search(make_generator: MakeGenerator, beams: Beams) -> None:
    """Several searches beside one another and beside sampled sequences, after prompts of every kind of last piece."""
    network = lstm(end_ids=[3, 5])
    generator = make_generator(network)
    jobs = [BeamJob(prompt(*range(n)), beams, 12) for n in (1, 2, 3, 9)]
    others = [job(range(9), 30, Sampling(), seed=n) for n in range(5)]
    ongoing = generator.start_all([*jobs, *others])
    texts = await asyncio.gather(*(all_of(each) for each in ongoing))
    for each, text in zip(jobs, texts, strict=False):
        expected = PlainLoop(network).search(each)
        assert [h.token_ids for h in text.hypotheses] == [ids for _, ids in expected]
        assert [h.score for h in text.hypotheses] == pytest.approx([score for score, _ in expected], rel=1e-9)
        assert text.finish is text.hypotheses[0].finish


async def test_beams_over_contexts(make_generator: MakeGenerator) -> None:
    """Hypotheses that split and die keep their own sequence's memory."""
    network = attentive_gru(end_ids=[3, 5, 8])
    generator = make_generator(network)
    random = np.random.default_rng(1)
    jobs = [
        BeamJob(Start(np.array([1, 2]), {"memory": random.standard_normal((1, 4, H)).astype(np.float32)}), BEAMS, 9)
        for _ in range(6)
    ]
    texts = await asyncio.gather(*(all_of(each) for each in generator.start_all(list(jobs))))
    for each, text in zip(jobs, texts, strict=True):
        expected = PlainLoop(network, dict(each.start.rows)).search(each)
        assert [h.token_ids for h in text.hypotheses] == [ids for _, ids in expected]


async def test_score_and_generate_agree_bit_for_bit(make_generator: MakeGenerator) -> None:
    """The log-probabilities of a text that was written are those of its score."""
    generator = make_generator(lstm(end_ids=[3], suppressed_ids=[2]))
    each = job([1, 6, 2], 300, Sampling(), seed=9)
    text = await all_of(generator.start(each))
    score = await all_of(generator.start(ScoreJob(each.start, np.array(text.token_ids))))
    assert score.token_ids == text.token_ids
    assert score.log_probabilities == text.log_probabilities
    assert score.finish is Finish.LENGTH


async def test_score_reads_ends_and_what_is_never_written(make_generator: MakeGenerator) -> None:
    """Targets are given: an end among them is a token like any other, and so is a suppressed one."""
    network = lstm(end_ids=[3], suppressed_ids=[2])
    targets = [3, 2, 3, 1] * 80
    score = await all_of(make_generator(network).start(ScoreJob(prompt(4), np.array(targets))))
    assert score.token_ids == targets
    assert all(np.isfinite(score.log_probabilities))


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
        text = await all_of(generator.start(job([1, 2], 20, watch=watch)))
        assert text.finish is Finish.STOP
        assert text.token_ids == watch.seen == expected[: expected.index(stop) + 1]


async def test_an_end_comes_before_a_watch_and_a_watch_before_the_length(make_generator: MakeGenerator) -> None:
    """All three at one token: the model ended it; without the end id the watch did."""
    last = written([1], 1)[0]
    for ends, reason in (([last], Finish.END), ([], Finish.STOP)):
        text = await all_of(make_generator(FakeStep(ends)).start(job([1], 1, watch=StopAt(last))))
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
    assert (await all_of(generator.start(job([4], 3)))).token_ids == written([4], 3)
    await generator.close()  # the last counts come with the last hand-over
    assert counts.num_failed == 4


async def test_a_poisoned_beam_search_fails_as_one(make_generator: MakeGenerator) -> None:
    """One error, and its neighbours go on."""
    generator = make_generator(FakeStep())
    bad, good = generator.start_all([BeamJob(prompt(POISON), BEAMS, 5), job([1], 5)])
    with pytest.raises(RunFailed):
        await all_of(bad)
    assert (await all_of(good)).token_ids == written([1], 5)


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
    ongoing = make_generator(step).start(job([1], 6))
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
    after = generator.start(job([3], 2))
    await step.begun()
    for ongoing in (runs, waits):
        with pytest.raises(DeadlineExceeded):
            await all_of(ongoing)
    step.open()
    assert (await all_of(after)).token_ids == written([3], 2)
    assert step.seen[1] == [3]
    assert counts.num_expired == 2


async def test_a_deadline_that_has_passed_already_is_never_run(make_generator: MakeGenerator) -> None:
    """Nobody waits for it."""
    step = FakeStep()
    with pytest.raises(DeadlineExceeded):
        await all_of(make_generator(step).start(job([1], 9, deadline=time.monotonic() - 1)))
    assert step.shapes == []


async def test_who_has_waited_as_long_as_one_may_is_refused_and_never_run(
    make_generator: MakeGenerator, counts: Counts
) -> None:
    """With a hint when to come back; whoever has begun by then goes on, however long it takes."""
    step = HeldStep()
    generator = make_generator(step, max_rows=1, max_queue_s=1.0)
    runs = generator.start(job([1], 9))
    await step.begun()
    waiting = [generator.start(job([2], 9, deadline=deadline)) for deadline in (None, time.monotonic() + 60)]
    for ongoing in waiting:
        with pytest.raises(QueuedTooLong, match="has waited 1 s for its rows, as long as a request may") as refusal:
            await all_of(ongoing)
        assert refusal.value.retry_after_s > 0
    step.open()
    assert (await all_of(runs)).token_ids == written([1], 9)
    assert step.seen == [[token] for token in [1, *written([1], 8)]], "nobody else has run"
    assert (counts.num_refused, counts.num_expired) == (2, 0)


async def test_too_many_are_refused_at_once_and_all_or_none(make_generator: MakeGenerator, counts: Counts) -> None:
    """With the pace of those before, so that the caller knows when to come back; nothing of the request is kept."""
    step = HeldStep()
    generator = make_generator(step, max_rows=2, max_waiting=3)
    first = generator.start_all([job([n], 2) for n in range(4)])
    await step.begun()
    with pytest.raises(Overloaded, match=r"2 .* at most 3, and this request has 2") as refusal:
        generator.start_all([job(), job()])
    assert refusal.value.retry_after_s > 0
    last = generator.start(job([4], 2))
    assert generator.waiting_rows == 3
    step.open()
    texts = await asyncio.gather(*(all_of(each) for each in [*first, last]))
    assert [text.token_ids for text in texts] == [written([n], 2) for n in range(5)]
    assert counts.num_refused == 1


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

    async def follow(number: int, ongoing: object) -> None:
        await all_of(ongoing)  # type: ignore[arg-type]
        order.append(number)

    ongoing = [generator.start(job([n % 13], 2)) for n in range(2000)]
    await step.begun()
    with pytest.raises(Overloaded):
        generator.start(job())
    step.open()
    await asyncio.gather(*(follow(n, each) for n, each in enumerate(ongoing)))
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
                    generator.start(job())
            await asyncio.gather(*(all_of(each) for each in ongoing))
            del ongoing
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert max(sizes[1:]) - sizes[0] < 300_000


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
    for tokens in ([1], [1, 2, 3, 4]):
        step = HeldStep()
        ongoing = make_generator(step).start(job(tokens, 9))
        step.let_go()
        gathered = await ongoing.gather()
        assert gathered.token_ids == written(tokens, 1)
        assert gathered.clocked.decode_s == 0
        assert gathered.clocked.prefill_s >= gathered.clocked.run_s > 0
        step.open()
        rest = await all_of(ongoing)
        assert rest.token_ids == written(tokens, 9)[1:]


async def test_closing_lets_what_was_accepted_finish(make_generator: MakeGenerator) -> None:
    """And takes nothing new."""
    step = HeldStep()
    generator = make_generator(step, max_rows=1)
    first, second = generator.start_all([job([1], 3), job([2], 3)])
    closing = asyncio.ensure_future(generator.close())
    await step.begun()
    with pytest.raises(NotReady):
        generator.start(job())
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
    endless = generator.start(job([1], 100_000_000))
    await endless.gather()
    await generator.close()
    assert (await all_of(endless)).finish is Finish.CANCELLED


async def test_prompts_are_read_beside_those_who_write(make_generator: MakeGenerator) -> None:
    """A prompt of 320 tokens takes ten runs, and between any two of them the others get a token."""
    step = HeldStep()
    generator = make_generator(step)
    writer = generator.start(job([1], 40))
    await step.begun()
    reader = generator.start(job([2] * 320, 1))
    step.open()
    await asyncio.gather(all_of(writer), all_of(reader))
    prefills = [i for i, shape in enumerate(step.shapes) if shape[1] == 32]
    assert len(prefills) == 10
    assert all(b - a > 1 for a, b in pairwise(prefills))


async def test_what_was_done_is_counted(make_generator: MakeGenerator, counts: Counts) -> None:
    """Steps, rows, tokens read and written, first tokens and gaps between tokens, ends by reason."""
    generator = make_generator(FakeStep(end_ids=[12]))
    jobs: list[Job] = [
        job([1, 2, 3, 4], 7),
        job([5], 3),
        BeamJob(prompt(1), BEAMS, 4),
        ScoreJob(prompt(1, 2), np.array([3, 4])),
    ]
    texts = await asyncio.gather(*(all_of(each) for each in generator.start_all(list(jobs))))
    await generator.close()
    assert counts.prompt_tokens == 4 + 1 + 1 + 2
    assert counts.output_tokens == 7 + 3 + sum(len(h.token_ids) for h in texts[2].hypotheses) + 2
    assert counts.prefill_tokens == 4 + 2
    assert counts.decode_tokens == counts.num_rows
    assert counts.num_first == 4
    assert counts.num_gaps == 6 + 2 + 1
    assert sum(counts.finished.values()) == 4
    assert counts.num_steps >= 6


async def test_what_cannot_start_is_told_to_whoever_asks(make_generator: MakeGenerator) -> None:
    """An empty prompt, a missing memory."""
    with pytest.raises(ValueError, match="a prompt of one token or more"):
        make_generator(FakeStep()).start(SampleJob(Start(np.array([], np.int64)), GREEDY, 3, seed=0))
    with pytest.raises(ValueError, match="the contexts memory"):
        make_generator(attentive_gru()).start(job())
    for targets in ([], [V], [-1]):
        with pytest.raises(ValueError, match=r"targets must be one or more ids of 0 … 10"):
            make_generator(lstm()).start(ScoreJob(prompt(1), np.array(targets, np.int64)))


async def test_a_token_that_does_not_exist_fails_alone(make_generator: MakeGenerator) -> None:
    """ONNX Runtime refuses the run; the neighbour's text is its own."""
    generator = make_generator(lstm())
    bad, good = generator.start_all([job([V + 5], 5), job([1], 5)])
    with pytest.raises(RunFailed):
        await all_of(bad)
    assert (await all_of(good)).token_ids == (await all_of(generator.start(job([1], 5)))).token_ids
