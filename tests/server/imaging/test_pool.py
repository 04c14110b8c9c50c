"""Pictures are read on threads within bounds, and no longer than somebody waits for them."""

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from podium.v1 import image_pb2 as pb
from podium_server.elements import BY_OIP
from podium_server.errors import DeadlineExceeded, InvalidArgument, Overloaded
from podium_server.imaging.decode import ImageLimits
from podium_server.imaging.pool import INLINE_EFFORT, ImagePool
from podium_server.imaging.reader import ImageReader

from tests.server.imaging.pictures import png

PATIENCE_S = 30.0
SPEC = pb.ImagePreprocessing(
    height=1,
    width=1,
    color_mode=pb.COLOR_MODE_GRAY,
    resize_mode=pb.RESIZE_MODE_EXACT,
    rescale=1.0,
    layout=pb.IMAGE_LAYOUT_NCHW,
)


def dot(value: int) -> pb.Image:
    """Encode one grey pixel."""
    return pb.Image(encoded=png(np.array([[value]], np.uint8), 8, 0))


class Reader(ImageReader):
    """Reads 1×1 grey pictures that are said to cost `cost` each, and keeps which thread read what."""

    def __init__(self, cost: int) -> None:
        super().__init__(SPEC, BY_OIP["FP32"], ImageLimits(max_bytes=10_000, max_pixels=100))
        self._cost = cost
        self.threads: list[str] = []

    def effort(self, image: pb.Image) -> int:
        """Return what the test says."""
        del image
        return self._cost

    def read(self, image: pb.Image, field: str, row: NDArray[Any]) -> None:
        """Read, and note who did."""
        super().read(image, field, row)
        self.threads.append(threading.current_thread().name)


class HeldReader(Reader):
    """Reads a large picture only when the test says so."""

    def __init__(self) -> None:
        super().__init__(cost=10 * INLINE_EFFORT)
        self._begun = threading.Semaphore(0)
        self._go = threading.Semaphore(0)

    def read(self, image: pb.Image, field: str, row: NDArray[Any]) -> None:
        """Wait, then read."""
        self._begun.release()
        assert self._go.acquire(timeout=PATIENCE_S), "the test never let this picture go"
        super().read(image, field, row)

    async def begun(self) -> None:
        """Wait until one more picture is being read."""
        assert await asyncio.to_thread(self._begun.acquire, timeout=PATIENCE_S), "nothing was read"

    def let_go(self, pictures: int = 1_000_000) -> None:
        """Let so many pictures be read."""
        self._go.release(pictures)


@pytest.fixture
def pool() -> Iterator[ImagePool]:
    """One thread, for four pictures."""
    pool = ImagePool(num_threads=1, max_waiting=4)
    yield pool
    pool.close()


async def test_small_pictures_are_read_in_the_event_loop(pool: ImagePool) -> None:
    """Handing them to a thread would cost more than reading them."""
    reader = Reader(cost=INLINE_EFFORT // 2)
    rows = await pool.read(reader, [dot(7), dot(9)])
    np.testing.assert_array_equal(rows.ravel(), [7, 9])
    assert set(reader.threads) == {threading.current_thread().name}


async def test_large_pictures_are_read_on_threads_in_their_order(pool: ImagePool) -> None:
    """Each row is its own picture's, and the event loop is free meanwhile."""
    reader = Reader(cost=INLINE_EFFORT)
    rows = await pool.read(reader, [dot(value) for value in range(100)])
    np.testing.assert_array_equal(rows.ravel(), range(100))
    assert all(name.startswith("images") for name in reader.threads)
    assert pool.waiting == 0


@pytest.mark.parametrize("cost", [1, 10 * INLINE_EFFORT], ids=["in the loop", "on threads"])
async def test_the_first_bad_picture_is_named_and_the_others_are_not_read(pool: ImagePool, cost: int) -> None:
    """The same error every time, whatever threads do."""
    reader = Reader(cost)
    bad = pb.Image(encoded=b"no picture")
    with pytest.raises(InvalidArgument) as raised:
        await pool.read(reader, [dot(1), bad, dot(2), bad])
    assert raised.value.field_path == "images[1].encoded"
    assert pool.waiting == 0


async def test_pictures_of_a_caller_who_left_are_skipped(pool: ImagePool) -> None:
    """What no thread had begun is never decoded, and the next caller is served at once."""
    left, stays = HeldReader(), Reader(cost=10 * INLINE_EFFORT)
    leaving = asyncio.ensure_future(pool.read(left, [dot(1), dot(2), dot(3)]))
    await left.begun()
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert pool.waiting == 0
    left.let_go()
    rows = await pool.read(stays, [dot(5)])
    assert rows.ravel().tolist() == [5]
    assert len(left.threads) == 1


async def test_a_full_pool_refuses_at_once_and_serves_again(pool: ImagePool) -> None:
    """Three wait; two more are too many for four, one is not."""
    held = HeldReader()
    waiting = asyncio.ensure_future(pool.read(held, [dot(1), dot(2), dot(3)]))
    await held.begun()
    with pytest.raises(Overloaded, match="3 pictures wait to be decoded, of at most 4, and this call has 2"):
        await pool.read(held, [dot(4), dot(5)])
    admitted = asyncio.ensure_future(pool.read(held, [dot(4)]))
    held.let_go()
    assert (await waiting).ravel().tolist() == [1, 2, 3]
    assert (await admitted).ravel().tolist() == [4]


async def test_who_is_refused_is_told_when_to_come_back(pool: ImagePool) -> None:
    """As long as those who wait will take, at the pace of those before them."""
    before, held = HeldReader(), HeldReader()
    before.let_go()
    await pool.read(before, [dot(1)])
    waiting = asyncio.ensure_future(pool.read(held, [dot(1), dot(2), dot(3)]))
    await held.begun()
    with pytest.raises(Overloaded) as refusal:
        await pool.read(held, [dot(4), dot(5)])
    assert refusal.value.retry_after_s > 0
    held.let_go()
    await waiting


async def test_no_picture_is_decoded_after_its_deadline(pool: ImagePool) -> None:
    """The caller has gone; reading on would keep those who have not."""
    reader = Reader(cost=10 * INLINE_EFFORT)
    with pytest.raises(DeadlineExceeded):
        await pool.read(reader, [dot(1)], deadline=time.monotonic())
    assert reader.threads == []
