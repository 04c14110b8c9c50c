"""Seed s alone is seed s in any mix: others join, leave and cancel at random, and not a bit changes."""

import asyncio
import random

import numpy as np
import pytest
from podium_server.generation.generator import Generator
from podium_server.generation.job import BeamJob, Beams, Job, SampleJob, Sampling, ScoreJob, Start

from tests.server.generation.conftest import MakeGenerator
from tests.server.generation.networks import H, Network, V, attentive_gru, lstm
from tests.server.generation.plain import Text, all_of, begin

SAMPLINGS = [
    Sampling(temperature=0.0),
    Sampling(),
    Sampling(temperature=0.7),
    Sampling(top_k=4),
    Sampling(top_p=0.8),
    Sampling(temperature=1.3, top_k=8, top_p=0.9),
    Sampling(repetition_penalty=1.3),
    Sampling(temperature=0.0, repetition_penalty=2.0),
]


def jobs(count: int, seed: int, *, with_memory: bool) -> list[Job]:
    """Random jobs of every kind."""
    draw = np.random.default_rng(seed)
    made: list[Job] = []
    for i in range(count):
        rows = {"memory": draw.standard_normal((1, 2 + i % 3, H)).astype(np.float32)} if with_memory else {}
        start = Start(draw.integers(0, V, int(draw.integers(1, 50))), rows)
        length = int(draw.integers(1, 40))
        kind = i % 10
        if kind == 8:
            made.append(BeamJob(start, Beams(int(draw.integers(2, 6)), 0.7, 2), length))
        elif kind == 9:
            made.append(ScoreJob(start, draw.integers(0, V, length)))
        else:
            made.append(SampleJob(start, SAMPLINGS[kind], length, seed=i, sequence=i % 5))
    return made


async def in_a_mix(generator: Generator, mixed: list[Job], seed: int) -> list[Text | None]:
    """Run jobs with up to 64 callers, in random order, a third of them leaving early; None for who left."""
    chance = random.Random(seed)
    texts: list[Text | None] = [None] * len(mixed)
    order = list(range(len(mixed)))
    chance.shuffle(order)
    waiting = iter(order)

    async def caller() -> None:
        for number in waiting:
            ongoing = begin(generator, mixed[number])
            if chance.random() < 1 / 3:
                if chance.random() < 0.7:
                    await ongoing.gather()
                ongoing.cancel()
            else:
                texts[number] = await all_of(ongoing)

    await asyncio.gather(*(caller() for _ in range(chance.randint(1, 64))))
    return texts


@pytest.mark.parametrize("network", [lstm(end_ids=[3]), attentive_gru(end_ids=[3])], ids=["lstm", "attentive-gru"])
async def test_a_sequence_is_the_same_bytes_alone_and_in_every_mix(
    make_generator: MakeGenerator, network: Network
) -> None:
    """120 jobs alone, and then in three mixes of up to 64 at once on few rows and on many: tokens, log-probabilities,
    scores and reasons are equal, bit for bit.
    """
    mixed = jobs(120, 7, with_memory=bool(network.manifest.generation.contexts))
    generator = make_generator(network)
    alone = [await all_of(begin(generator, each)) for each in mixed]
    for seed, max_rows in ((1, 64), (2, 64), (3, 5)):
        texts = await in_a_mix(make_generator(network, max_rows=max_rows), mixed, seed)
        finished = [(text, expected) for text, expected in zip(texts, alone, strict=True) if text is not None]
        assert len(finished) > 60
        for text, expected in finished:
            assert text == expected
