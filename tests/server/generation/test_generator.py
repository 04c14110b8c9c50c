"""Sequences are written as a plain loop writes them, on real step graphs."""

import asyncio
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from podium_server.generation.job import BeamJob, Beams, Finish, SampleJob, Sampling, ScoreJob, Start
from podium_server.philox import uniforms

from tests.server.generation.conftest import MakeGenerator
from tests.server.generation.jobs import GREEDY, job, prompt
from tests.server.generation.networks import H, V, attentive_gru, lstm
from tests.server.generation.plain import BEAMS, PlainLoop, all_of, begin, choose_plainly

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
    text = await all_of(begin(make_generator(network), each))
    assert text.token_ids == PlainLoop(network).write(each).token_ids


@pytest.mark.parametrize("sampling", [GREEDY, Sampling(temperature=0.9)], ids=["greedy", "drawn"])
async def test_texts_are_those_of_pytorch(make_generator: MakeGenerator, sampling: Sampling) -> None:
    """torch.nn.LSTM with the same weights, one token at a time in a plain loop."""
    network = lstm()
    layers = torch_layers(network.weights)
    each = job([4, 1, 7], 200, sampling, seed=3)
    text = await all_of(begin(make_generator(network), each))
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
    text = await all_of(begin(generator, SampleJob(start, GREEDY, 20, seed=0)))
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
    text = await all_of(begin(generator, each))
    score = await all_of(begin(generator, ScoreJob(each.start, np.array(text.token_ids))))
    assert score.token_ids == text.token_ids
    assert score.log_probabilities == text.log_probabilities
    assert score.finish is Finish.LENGTH


async def test_score_reads_ends_and_what_is_never_written(make_generator: MakeGenerator) -> None:
    """Targets are given: an end among them is a token like any other, and so is a suppressed one."""
    network = lstm(end_ids=[3], suppressed_ids=[2])
    targets = [3, 2, 3, 1] * 80
    score = await all_of(begin(make_generator(network), ScoreJob(prompt(4), np.array(targets))))
    assert score.token_ids == targets
    assert all(np.isfinite(score.log_probabilities))
