"""`StreamSample`: pictures as they are made, no faster than they are taken, and no longer than the caller stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from podium.v1 import image_service_pb2 as wire
from podium.v1 import image_service_pb2_grpc as stubs
from podium.v1 import model_manifest_pb2 as pb
from podium_server.server import Server
from podium_server.settings import Settings

from tests.server.pictures import models
from tests.server.pictures.wires import PNG, TENSOR, bytes_of


def resident_bytes() -> int:
    """The memory of this process, the server's and the client's."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


@pytest.mark.parametrize("picture_format", [PNG, TENSOR])
def test_a_stream_has_the_pictures_of_the_call(
    stub: stubs.ImageServiceStub, picture_format: wire.PictureFormat
) -> None:
    """The same bytes in the same order, a run's at a time, each answer with version and seed."""
    at_once = stub.Sample(wire.SampleRequest(model="painter", seed=8, count=50, first_index=3, format=picture_format))
    request = wire.StreamSampleRequest(model="painter", seed=8, count=50, first_index=3, format=picture_format)
    answers = list(stub.StreamSample(request))
    assert [len(answer.pictures) for answer in answers] == [16, 16, 16, 2]
    streamed = [picture for answer in answers for picture in answer.pictures]
    assert bytes_of(streamed) == bytes_of(at_once.pictures)
    for answer in answers:
        assert (answer.metadata.model, answer.metadata.version, answer.metadata.seed) == ("painter", 1, 8)


def test_classes_come_in_turn_across_answers(stub: stubs.ImageServiceStub) -> None:
    """And every answer names the seed that was chosen."""
    answers = list(stub.StreamSample(wire.StreamSampleRequest(model="cgan", count=40)))
    classes = [picture.class_index for answer in answers for picture in answer.pictures]
    assert classes == [i % 4 for i in range(40)]
    assert len({answer.metadata.seed for answer in answers}) == 1


def test_ten_thousand_pictures_take_no_more_memory_than_a_few(stub: stubs.ImageServiceStub) -> None:
    """The 31 MB of their numbers are never there at once; the last of them is the picture of its index."""
    # The first hundreds fill pools and arenas.
    for _ in stub.StreamSample(wire.StreamSampleRequest(model="painter", count=1000, format=TENSOR)):
        pass
    before, most, count = resident_bytes(), 0, 0
    last = wire.StreamSampleResponse()
    for answer in stub.StreamSample(wire.StreamSampleRequest(model="painter", seed=1, count=10_000, format=TENSOR)):
        count += len(answer.pictures)
        most = max(most, resident_bytes())
        last = answer
    assert count == 10_000
    assert most - before < 16 * 2**20
    alone = stub.Sample(wire.SampleRequest(model="painter", seed=1, first_index=9_999, format=TENSOR))
    assert bytes_of(last.pictures)[-1] == bytes_of(alone.pictures)[0]


@pytest.fixture
async def own_server(tmp_path: Path) -> AsyncIterator[tuple[Server, stubs.ImageServiceAsyncStub]]:
    """A server in this event loop, whose runs can be counted: one model of large pictures, 8 a run."""
    space = pb.LatentSpace(parts=[models.normal(16)])
    models.write_model(tmp_path / "models" / "large" / "1", {"decoder": models.painter(side=256)}, latent_space=space)
    server = Server(
        Settings(
            repository=tmp_path / "models",
            grpc_port=0,
            http_port=0,
            device="cpu",
            cores=1,
            sessions=1,
            threads=1,
            max_batch_rows=8,
            cache_dir=tmp_path / "cache",
        )
    )
    ports = await server.start()
    await server.load()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{ports.grpc}") as channel:
        yield server, stubs.ImageServiceStub(channel)
    await server.stop()


def num_runs(server: Server) -> int:
    """Runs so far."""
    return server.catalogue.resolve("large").usage.execution_count


async def test_a_stream_waits_for_a_caller_who_takes_his_time(
    own_server: tuple[Server, stubs.ImageServiceAsyncStub],
) -> None:
    """While nothing is read it comes to rest, as far as flow control's windows: others' calls find the model idle."""
    server, stub = own_server
    # 256 × 256 numbers are 256 KiB a picture: 2 MiB an answer, 400 MiB in all.
    stream = stub.StreamSample(wire.StreamSampleRequest(model="large", count=1600, format=TENSOR))
    answers = aiter(stream)
    first = await anext(answers)
    assert len(first.pictures) == 8
    for _ in range(60):  # each waits its turn behind a run of the stream, if one is under way
        await stub.Sample(wire.SampleRequest(model="large"))
    assert num_runs(server) - 60 < 20
    received = 8
    async for answer in answers:
        received += len(answer.pictures)
    assert received == 1600


async def test_a_caller_who_leaves_stops_the_work_within_the_runs_under_way(
    own_server: tuple[Server, stubs.ImageServiceAsyncStub],
) -> None:
    """Nothing of it waits or runs any more once the call has ended; it counts as cancelled."""
    server, stub = own_server
    stream = stub.StreamSample(wire.StreamSampleRequest(model="large", count=1_000_000))
    await stream.read()
    stream.cancel()
    async with asyncio.timeout(30):
        await server.gate.empty()
    runs = num_runs(server)
    assert runs < 20
    await stub.Sample(wire.SampleRequest(model="large"))
    assert num_runs(server) <= runs + 2  # this one, and one that could not be stopped
    assert server.catalogue.resolve("large").waiting_rows == 0
    labels = {"method": "podium.v1.ImageService.StreamSample", "model": "large", "version": "1", "code": "CANCELLED"}
    assert server.metrics.registry.get_sample_value("podium_requests_total", {**labels, "limit": ""}) == 1


async def test_a_draining_server_finishes_a_stream(own_server: tuple[Server, stubs.ImageServiceAsyncStub]) -> None:
    """Nobody loses the rest of what was begun."""
    server, stub = own_server
    stream = stub.StreamSample(wire.StreamSampleRequest(model="large", count=80))
    answers = aiter(stream)
    first = await anext(answers)
    server.gate.open = False
    received = len(first.pictures)
    async for answer in answers:
        received += len(answer.pictures)
    assert received == 80


def test_a_deadline_ends_a_stream(stub: stubs.ImageServiceStub) -> None:
    """What was made until then has arrived."""
    stream = stub.StreamSample(wire.StreamSampleRequest(model="painter", count=1_000_000), timeout=0.5)
    received = [len(next(stream).pictures)]
    with pytest.raises(grpc.RpcError) as raised:
        received.extend(len(answer.pictures) for answer in stream)
    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert sum(received) < 1_000_000
