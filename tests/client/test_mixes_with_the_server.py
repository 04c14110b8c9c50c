"""Seed s alone is seed s in every mix, through the client, the wire and a real `podium serve`."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass

import pytest
from podium_client import AsyncClient, DecodingOptions, FinishReason
from podium_client.demo.server_process import ServerProcess, serving

from tests.server.services.networks import write_letters, write_words

MOST_CALLERS = 64
DECODINGS: dict[str, DecodingOptions] = {
    "greedy": {"temperature": 0},
    "temperature": {"temperature": 0.7},
    "top-k": {"top_k": 4},
    "top-p": {"top_p": 0.8},
    "all of them": {"temperature": 1.3, "top_k": 8, "top_p": 0.9, "repetition_penalty": 1.2},
    "beams": {"num_beams": 3, "length_penalty": 0.7},
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    model: str
    prompt: str
    decoding: DecodingOptions
    seed: int
    num_sequences: int


@dataclass(frozen=True, slots=True)
class Written:
    """One sequence of an answer, with everything that must not change."""

    text: str
    token_ids: tuple[int, ...]
    log_probabilities: tuple[float, ...]
    finish_reason: FinishReason | None


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Two models, one of which ends its texts."""
    folder = tmp_path_factory.mktemp("mixes")
    write_letters(folder / "models" / "letters" / "1")
    write_words(folder / "models" / "words" / "1")
    with serving(folder / "models", folder / "log") as process:
        yield process


def requests(count: int) -> list[Asked]:
    """Random requests of every kind, each with its number as the seed."""
    chance, decodings = random.Random(3), list(DECODINGS.values())
    return [
        Asked(
            model="words" if seed % 4 == 0 else "letters",
            prompt="the cat" if seed % 4 == 0 else "".join(chance.choices("abcdef", k=chance.randint(1, 70))),
            decoding={**decodings[seed % len(decodings)], "max_tokens": chance.randint(1, 60)},
            seed=seed,
            num_sequences=chance.choice([1, 1, 2]),
        )
        for seed in range(count)
    ]


async def read(client: AsyncClient, asked: Asked, most_pieces: float = float("inf")) -> list[Written] | None:
    """Read a text to its end; None: after so many pieces it was left."""
    stream = client.generate(
        asked.model,
        asked.prompt,
        seed=asked.seed,
        num_sequences=asked.num_sequences,
        log_probabilities=True,
        **asked.decoding,
    )
    ids: list[list[int]] = [[] for _ in range(asked.num_sequences)]
    logs: list[list[float]] = [[] for _ in range(asked.num_sequences)]
    async with aclosing(aiter(stream)) as pieces:
        num_pieces = 0
        async for piece in pieces:
            ids[piece.sequence] += piece.token_ids
            logs[piece.sequence] += piece.log_probabilities or ()
            num_pieces += 1
            if num_pieces >= most_pieces:
                return None
    columns = zip(stream.texts, ids, logs, stream.finish_reasons, strict=True)
    return [Written(text, tuple(own), tuple(values), why) for text, own, values, why in columns]


async def in_a_mix(
    client: AsyncClient, mixed: list[Asked], callers: int, chance: random.Random
) -> list[list[Written] | None]:
    """Have so many callers ask in random order; some leave, before the first word or after a piece or two."""
    order = chance.sample(range(len(mixed)), len(mixed))
    texts: list[list[Written] | None] = [None] * len(mixed)
    waiting = iter(order)

    async def caller() -> None:
        for number in waiting:
            if chance.random() < 1 / 6:
                with_patience = asyncio.create_task(read(client, mixed[number]))
                await asyncio.sleep(0)
                with_patience.cancel()
                await asyncio.gather(with_patience, return_exceptions=True)
            else:
                leaves = chance.random() < 1 / 5
                texts[number] = await read(client, mixed[number], chance.randint(1, 2) if leaves else float("inf"))

    await asyncio.gather(*(caller() for _ in range(callers)))
    return texts


async def check(server: ServerProcess, count: int, mixes: list[int]) -> int:
    """Compare requests alone with themselves in mixes of so many callers; give how many were compared."""
    mixed, chance, compared = requests(count), random.Random(5), 0
    async with AsyncClient(server.addresses.grpc) as client:
        alone = [await read(client, asked) for asked in mixed]
        assert all(alone)
        for callers in mixes:
            for asked, text, expected in zip(mixed, await in_a_mix(client, mixed, callers, chance), alone, strict=True):
                assert text is None or text == expected, asked
                compared += text is not None
        again = [await read(client, asked) for asked in mixed[:6]]
    assert again == alone[:6]
    return compared


async def test_texts_are_the_same_bytes_alone_and_in_a_mix(server: ServerProcess) -> None:
    """Each decoding, with callers who join, leave and cancel: tokens, log-probabilities, texts and reasons."""
    assert await check(server, 60, [16, MOST_CALLERS]) > 60


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_two_thousand_texts_are_the_same_bytes_alone_and_in_every_mix(server: ServerProcess) -> None:
    """The same of 2,000 requests, with 1 to 64 callers at once."""
    chance = random.Random(7)
    compared = await check(server, 2000, [1, chance.randint(2, 15), chance.randint(16, 48), MOST_CALLERS])
    assert compared > 4000
