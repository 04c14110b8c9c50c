"""What clips cost and what becomes of them when a server ends: a network of one node, whose scores are the frames."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from grpc import StatusCode, aio
from podium.v1 import classification_service_pb2 as wire
from podium.v1 import classification_service_pb2_grpc as stubs

from tests.oip.running import Running, serve
from tests.server.video.asking import tensor
from tests.server.video.models import write_frames

FRAMES = np.array([[0, 0, 9], [0, 9, 0], [9, 0, 0], [0, 9, 0], [0, 0, 9]], np.float32)
OPTIONS = wire.ClassifyVideoOptions(model="frames", top_k=1)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A server that holds no more than 20,000 bytes of requests."""
    repository = tmp_path / "models"
    write_frames(repository / "frames" / "1")
    with serve(repository, cores=1, sessions=1, threads=1, max_request_memory_bytes=20_000) as server:
        yield server


async def requests(count: int = 5) -> AsyncIterator[wire.ClassifyVideoRequest]:
    """A clip in messages of one frame."""
    yield wire.ClassifyVideoRequest(options=OPTIONS)
    for number in range(count):
        yield wire.ClassifyVideoRequest(frames=[tensor(FRAMES[number % 5])])


def labels(answer: wire.ClassifyVideoResponse) -> str:
    """The best class of each frame."""
    return "".join(frame.result.classes[0].label for frame in answer.frames)


async def test_each_frame_of_a_window_gets_its_own_scores(running: Running) -> None:
    """The label is that of the frame's largest number; a clip shorter than a window has answers, too."""
    async with aio.insecure_channel(running.address) as channel:
        stub = stubs.ClassificationServiceStub(channel)
        assert labels(await stub.ClassifyVideo(requests())) == "cbabc"
        assert labels(await stub.ClassifyVideo(requests(1))) == "c"


def test_a_clip_beyond_the_memory_for_requests_is_refused_and_gives_it_back(running: Running) -> None:
    """As it comes, before all of it is there."""
    memory = running.server.guard.memory
    assert memory is not None
    pieces = [wire.ClassifyVideoRequest(options=OPTIONS)]
    pieces += [wire.ClassifyVideoRequest(frames=[tensor(frame)]) for frame in FRAMES]
    with grpc.insecure_channel(running.address) as channel:
        stub = stubs.ClassificationServiceStub(channel)
        with pytest.raises(grpc.RpcError) as refusal:
            stub.ClassifyVideo(iter([*pieces, *pieces[1:] * 1000]))
        error: Any = refusal.value
        assert error.code() is StatusCode.RESOURCE_EXHAUSTED
        assert labels(stub.ClassifyVideo(iter(pieces))) == "cbabc"
    assert memory.used_bytes == 0


async def test_a_draining_server_finishes_a_clip_that_is_on_its_way(running: Running) -> None:
    """And takes no new one, nor the next frame of a stream."""
    async with aio.insecure_channel(running.address) as channel:
        stub = stubs.ClassificationServiceStub(channel)
        clip, stream = stub.ClassifyVideo(), stub.ClassifyFrames()
        await clip.write(wire.ClassifyVideoRequest(options=OPTIONS, frames=[tensor(FRAMES[0])]))
        await stream.write(wire.ClassifyFramesRequest(options=wire.ClassifyFramesOptions(model="frames")))
        for frame in FRAMES[:3]:
            await stream.write(wire.ClassifyFramesRequest(frame=tensor(frame)))
        for _ in range(2):  # frames 0 and 1 have their window
            assert isinstance(await stream.read(), wire.ClassifyFramesResponse)
        stopping = asyncio.run_coroutine_threadsafe(running.server.stop(), running.loop)
        await asyncio.to_thread(_wait_until_shut, running)
        with pytest.raises(aio.AioRpcError) as refusal:
            await stub.ClassifyVideo(requests())
        assert refusal.value.code() is StatusCode.UNAVAILABLE
        await stream.write(wire.ClassifyFramesRequest(frame=tensor(FRAMES[3])))
        with pytest.raises(aio.AioRpcError) as ended:
            await stream.read()
        assert ended.value.code() is StatusCode.UNAVAILABLE
        await clip.write(wire.ClassifyVideoRequest(frames=[tensor(FRAMES[1])]))
        await clip.done_writing()
        assert labels(await clip) == "cb"
        await asyncio.wrap_future(stopping)


def _wait_until_shut(running: Running) -> None:
    async def shut() -> None:
        while running.server.gate.open:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0)

    running.call(shut())
