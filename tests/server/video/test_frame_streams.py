"""`ClassifyFrames` over a real server: in step, with windows, for many at once, and for those who stop."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from grpc import aio
from podium.v1 import classification_service_pb2 as wire
from podium.v1 import classification_service_pb2_grpc as stubs
from podium.v1 import image_pb2
from podium_server.generation.generator import Generator

from tests.clips import frames_of, gesture_data
from tests.oip.running import Running
from tests.server.video.asking import clip, png, stream, tensor
from tests.server.video.conftest import MovingDigits

Stub = stubs.ClassificationServiceStub
PATIENCE_S = 60.0


def generator_of(running: Running, name: str = "motion") -> Generator:
    """The engine of a model's step graph."""
    servable = running.server.catalogue.resolve_ref(name)
    assert isinstance(servable.generator, Generator)
    return servable.generator


def test_in_step_is_the_whole_clip_byte_for_byte(stub: Stub, moving: MovingDigits) -> None:
    """The answer with frame t is that of the clip that ends there, logits and all."""
    frames = [png(frame) for frame in moving.frames[5]]
    answers = list(stub.ClassifyFrames(stream("motion", frames, return_logits=True, top_k=3)))
    assert [answer.frame_index for answer in answers] == list(range(12))
    for length in range(1, 13):
        whole = stub.ClassifyVideo(clip("motion", frames[:length], return_logits=True, top_k=3))
        assert answers[length - 1].result == whole.result


def test_each_frame_is_answered_before_the_next_is_sent(stub: Stub, moving: MovingDigits) -> None:
    """A caller who waits for each answer gets it; the first one says who answers."""
    answered = threading.Semaphore(0)

    def frames() -> Iterator[image_pb2.Image]:
        for number, frame in enumerate(moving.frames[0]):
            if number:
                assert answered.acquire(timeout=PATIENCE_S), "no answer came"
            yield png(frame)

    answers: list[wire.ClassifyFramesResponse] = []
    for answer in stub.ClassifyFrames(stream("motion", frames())):
        answers.append(answer)
        answered.release()
    assert [answer.HasField("metadata") for answer in answers] == [True] + [False] * 11
    assert answers[0].metadata.model == "motion"
    assert answers[-1].result.classes[0].index == moving.labels[0]


async def test_32_streams_at_once_get_their_own_labels(running: Running, moving: MovingDigits) -> None:
    """The same bytes as each alone, and in fewer runs than there are frames: streams share them."""
    clips = [[png(frame) for frame in frames] for frames in moving.frames[:32]]
    usage = running.server.catalogue.resolve_ref("motion").usage
    async with aio.insecure_channel(running.address) as channel:
        stub = stubs.ClassificationServiceStub(channel)

        async def follow(frames: list[image_pb2.Image]) -> list[bytes]:
            answers = stub.ClassifyFrames(_requests("motion", frames))
            return [answer.result.SerializeToString() async for answer in answers]

        alone = [await follow(frames) for frames in clips]
        before = dict(usage.batches)
        together = await asyncio.gather(*(follow(frames) for frames in clips))
    assert list(together) == alone
    assert all(len(answers) == 12 for answers in alone)
    assert max(usage.batches) > 1, f"runs by rows: {before} before, {usage.batches} after"
    await _until_none_is_open(running)


async def _requests(model: str, frames: list[image_pb2.Image]) -> AsyncIterator[wire.ClassifyFramesRequest]:
    for request in stream(model, frames, return_logits=True):
        yield request


async def _until_none_is_open(running: Running) -> None:
    """Wait until the engine holds nobody."""
    generator = generator_of(running)

    async def none() -> None:
        while generator.num_open:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.001)

    await asyncio.wait_for(asyncio.wrap_future(asyncio.run_coroutine_threadsafe(none(), running.loop)), PATIENCE_S)


@pytest.mark.parametrize("how", ["cancel", "disconnect", "silence", "end"])
async def test_a_stream_that_stops_costs_nothing(running: Running, moving: MovingDigits, how: str) -> None:
    """Rows and tasks are as before, however it stops; others are answered meanwhile."""
    tasks = await _num_tasks(running)
    frames = [png(frame) for frame in moving.frames[0]]
    channel = aio.insecure_channel(running.address)
    call = stubs.ClassificationServiceStub(channel).ClassifyFrames()
    await call.write(wire.ClassifyFramesRequest(options=wire.ClassifyFramesOptions(model="motion"), frame=frames[0]))
    first = await call.read()
    assert isinstance(first, wire.ClassifyFramesResponse)
    assert generator_of(running).num_open == 1
    if how == "cancel":
        call.cancel()
    elif how == "disconnect":
        await channel.close()
    elif how == "silence":
        with pytest.raises(grpc.RpcError, match="nothing came for 3 s"):
            await call.read()
        assert await call.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    else:
        await call.done_writing()
        assert await call.read() is aio.EOF
    await _until_none_is_open(running)
    await channel.close()
    generator = generator_of(running)
    assert (generator.num_running, generator.num_waiting, generator.waiting_rows) == (0, 0, 0)
    await _until_tasks_are(running, tasks)


async def _num_tasks(running: Running) -> int:
    async def count() -> int:
        return len(asyncio.all_tasks())

    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(count(), running.loop))


async def _until_tasks_are(running: Running, number: int) -> None:
    async def few() -> None:
        own = 1
        while len(asyncio.all_tasks()) > number + own:  # noqa: ASYNC110 - they tell nobody
            await asyncio.sleep(0.001)

    await asyncio.wait_for(asyncio.wrap_future(asyncio.run_coroutine_threadsafe(few(), running.loop)), PATIENCE_S)


def test_gestures_are_told_from_the_sixteenth_frame_on(stub: Stub, gestures: str) -> None:
    """Each answer is that of the window that ends with the frame."""
    data = gesture_data()
    # One recorded track after another, as if the finger had gone on from where it was.
    path = [place for track in data.tracks[[0, 2000, 4000]] for place in track]
    answers = list(stub.ClassifyFrames(stream(gestures, [tensor(place) for place in path], return_logits=True)))
    assert [answer.frame_index for answer in answers] == list(range(15, 48))
    for answer in answers[::8]:
        window = path[answer.frame_index - 15 : answer.frame_index + 1]
        whole = stub.ClassifyVideo(clip(gestures, [tensor(place) for place in window], return_logits=True))
        assert answer.result == whole.result


def test_transnetv2_finds_cuts_as_frames_come(stub: Stub, cuts: str) -> None:
    """The cuts of the real clip, each frame with its own answer."""
    small = frames_of("bikes.mp4", (48, 27))
    answers = list(stub.ClassifyFrames(stream(cuts, map(png, small))))
    assert [answer.frame_index for answer in answers] == list(range(250))
    found = [answer.frame_index for answer in answers if answer.result.classes[0].label == "cut"]
    assert found == [29, 75, 136, 186, 241]


async def test_windows_are_answered_while_frames_come(running: Running, cuts: str) -> None:
    """With frame 74 the first fifty frames are answered, and none before."""
    frame = png(np.zeros((27, 48, 3), np.uint8))
    async with aio.insecure_channel(running.address) as channel:
        call = stubs.ClassificationServiceStub(channel).ClassifyFrames()
        await call.write(wire.ClassifyFramesRequest(options=wire.ClassifyFramesOptions(model=cuts)))
        for _ in range(75):
            await call.write(wire.ClassifyFramesRequest(frame=frame))
        assert [await _index(call) for _ in range(50)] == list(range(50))
        await call.done_writing()
        assert [await _index(call) for _ in range(25)] == list(range(50, 75))
        assert await call.read() is aio.EOF


async def _index(call: Any) -> int:
    answer = await call.read()
    assert isinstance(answer, wire.ClassifyFramesResponse)
    return answer.frame_index


WRONG = [
    ("options", "missing", []),
    ("options", "missing", [wire.ClassifyFramesRequest(frame=image_pb2.Image(encoded=b"x"))]),
    ("options", "first message of a call alone", [*stream("motion", []), *stream("motion", [])]),
    ("frame", "only the first message", [*stream("motion", []), wire.ClassifyFramesRequest()]),
    ("frame.encoded", r"no image format .*\(frame 1 of the stream\)",
     [*stream("motion", [png(np.zeros((40, 40), np.uint8)), image_pb2.Image(encoded=b"no picture")])]),
    ("frame.tensor.shape", r"this model takes \[1, 40, 40\]", [*stream("motion", [tensor(np.zeros((3, 3)))])]),
]  # fmt: skip


@pytest.mark.parametrize(("field", "message", "requests"), WRONG, ids=[f"{field}: {text}" for field, text, _ in WRONG])
def test_what_is_wrong_ends_the_stream_by_field(
    stub: Stub, field: str, message: str, requests: list[wire.ClassifyFramesRequest]
) -> None:
    """INVALID_ARGUMENT with the field's path."""
    with pytest.raises(grpc.RpcError, match=message) as caught:
        list(stub.ClassifyFrames(iter(requests)))
    error: Any = caught.value
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert field in error.details()


def test_a_stream_of_nothing_ends_well(stub: Stub) -> None:
    """Options alone, and the end."""
    assert list(stub.ClassifyFrames(stream("motion", []))) == []


def test_a_model_of_another_task_is_refused(stub: Stub) -> None:
    """FAILED_PRECONDITION with what the model is for."""
    with pytest.raises(grpc.RpcError, match="ClassifyFrames takes models for video") as caught:
        list(stub.ClassifyFrames(stream("sums", [])))
    error: Any = caught.value
    assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
