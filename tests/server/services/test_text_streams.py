"""Streams of text over a real gRPC server: who leaves, stops reading or waits too long costs the others nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from podium.v1 import decoding_pb2
from podium.v1 import text_service_pb2 as wire
from podium.v1 import text_service_pb2_grpc as stubs
from podium_server.generation.generator import Generator
from podium_server.server import Server
from podium_server.settings import Settings

from tests.server.services import networks

Decoding = decoding_pb2.Decoding
LONG = Decoding(max_tokens=8000)


@pytest.fixture
async def server(tmp_path: Path) -> Server:
    """A server in this event loop, whose engine can be looked at."""
    networks.write_letters(tmp_path / "models" / "letters" / "1")
    return Server(
        Settings(
            repository=tmp_path / "models",
            grpc_port=0,
            http_port=0,
            device="cpu",
            cores=1,
            max_batch_rows=8,
            queue_rows=16,
            max_images_per_request=16,
            cache_dir=tmp_path / "cache",
            drain_s=0,
        )
    )


@pytest.fixture
async def address(server: Server) -> AsyncIterator[str]:
    """Where it listens."""
    ports = await server.start()
    await server.load()
    yield f"127.0.0.1:{ports.grpc}"
    await server.stop()


@pytest.fixture
async def stub(address: str) -> AsyncIterator[stubs.TextServiceAsyncStub]:
    """A client."""
    async with grpc.aio.insecure_channel(address) as channel:
        yield stubs.TextServiceStub(channel)


def engine(server: Server) -> Generator:
    """What writes."""
    generator = server.catalogue.resolve("letters").generator
    assert isinstance(generator, Generator)
    return generator


def stream_request(seed: int = 0, decoding: decoding_pb2.Decoding = LONG, count: int = 1) -> wire.StreamGenerateRequest:
    """A stream of letters."""
    return wire.StreamGenerateRequest(
        model="letters", prompt="ab", decoding=decoding, seed=seed, num_sequences=count, return_log_probabilities=True
    )


async def write_short(stub: stubs.TextServiceAsyncStub, seed: int = 1) -> str:
    """Another caller's text."""
    request = wire.GenerateRequest(model="letters", prompt="abc", decoding=Decoding(max_tokens=50), seed=seed)
    answer: wire.GenerateResponse = await stub.Generate(request)
    return answer.sequences[0].text


async def until_idle(server: Server, stub: stubs.TextServiceAsyncStub) -> None:
    """Write other texts until nothing else is written: each takes its turn behind what runs."""
    while engine(server).num_running + engine(server).num_waiting:
        await write_short(stub)


def followers() -> int:
    """Tasks that follow sequences."""
    return sum("_to_its_end" in repr(task.get_coro()) for task in asyncio.all_tasks())


@pytest.mark.parametrize("count", [1, 4])
async def test_a_caller_who_cancels_frees_its_rows_and_changes_no_other_text(
    server: Server, stub: stubs.TextServiceAsyncStub, count: int
) -> None:
    """Those who write beside it go on to the text that they write alone."""
    alone = [await write_short(stub, seed) for seed in range(6)]
    calls = [stub.StreamGenerate(stream_request(seed, count=count)) for seed in range(3)]
    for call in calls:
        await call.read()
    others = [asyncio.create_task(write_short(stub, seed)) for seed in range(6)]
    for call in calls:
        call.cancel()
    assert await asyncio.gather(*others) == alone
    await until_idle(server, stub)
    assert followers() == 0
    assert engine(server).waiting_rows == 0


async def test_a_connection_that_breaks_frees_its_rows(
    server: Server, address: str, stub: stubs.TextServiceAsyncStub
) -> None:
    """As a caller who cancels."""
    channel = grpc.aio.insecure_channel(address)
    call = stubs.TextServiceStub(channel).StreamGenerate(stream_request(count=3))
    await call.read()
    await channel.close(None)
    await until_idle(server, stub)
    assert followers() == 0


async def test_a_deadline_ends_a_stream_and_frees_its_rows(server: Server, stub: stubs.TextServiceAsyncStub) -> None:
    """The caller hears so from the server or its own clock; what came until then is a beginning of the text."""
    call = stub.StreamGenerate(stream_request(), timeout=0.2)
    text = ""

    async def read() -> None:
        nonlocal text
        async for answer in call:
            text += "".join(piece.text for piece in answer.pieces)

    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await read()
    assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    await until_idle(server, stub)
    request = wire.GenerateRequest(model="letters", prompt="ab", decoding=LONG, seed=0)
    whole: wire.GenerateResponse = await stub.Generate(request)
    assert whole.sequences[0].text.startswith(text)


async def test_a_reader_who_stops_reading_holds_up_nobody_and_misses_nothing(
    server: Server, stub: stubs.TextServiceAsyncStub
) -> None:
    """Its sequences are written and their rows free while it reads nothing; then it gets the rest in a few messages."""
    decoding, count = Decoding(max_tokens=3000), 8
    answers = aiter(stub.StreamGenerate(stream_request(7, decoding, count)))
    read = [await anext(answers)]
    await until_idle(server, stub)
    read += [answer async for answer in answers]
    texts, longest = [""] * count, 0
    for answer in read:
        for piece in answer.pieces:
            texts[piece.sequence] += piece.text
            longest = max(longest, len(piece.token_ids))
    request = wire.GenerateRequest(model="letters", prompt="ab", decoding=decoding, seed=7, num_sequences=count)
    whole: wire.GenerateResponse = await stub.Generate(request)
    assert texts == [sequence.text for sequence in whole.sequences]
    assert len(read) < 3000
    assert longest > 1
    assert followers() == 0


async def test_who_finds_too_many_waiting_is_told_at_once(server: Server, stub: stubs.TextServiceAsyncStub) -> None:
    """All of its sequences or none; those who were there before go on."""
    running = stub.StreamGenerate(stream_request(count=8))
    await running.read()
    waiting = [stub.StreamGenerate(stream_request(seed, Decoding(max_tokens=2), count=8)) for seed in (1, 2)]
    while engine(server).waiting_rows < 16:  # noqa: ASYNC110 - nothing tells when a call has been let in
        await asyncio.sleep(0)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await write_short(stub)
    assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    running.cancel()
    for call in waiting:
        assert len([piece async for answer in call for piece in answer.pieces if piece.finish_reason]) == 8
    await until_idle(server, stub)


async def test_a_server_that_stops_tells_what_was_written_and_why_it_ended(server: Server, address: str) -> None:
    """Once the time to drain is over; nobody is left without an answer."""
    async with grpc.aio.insecure_channel(address) as channel:
        call = stubs.TextServiceStub(channel).StreamGenerate(stream_request())
        answers = aiter(call)
        await anext(answers)
        stopping = asyncio.create_task(server.stop())
        reasons = [piece.finish_reason async for answer in answers for piece in answer.pieces]
        assert reasons[-1] == decoding_pb2.FINISH_REASON_CANCELLED
        assert set(reasons[:-1]) <= {decoding_pb2.FINISH_REASON_UNSPECIFIED}
        await stopping
