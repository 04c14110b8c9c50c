"""Reads the pictures of many calls on a few threads, small ones at once in the event loop."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from numpy.typing import NDArray
from podium.v1 import image_pb2 as pb

from podium_server.errors import DeadlineExceeded, Overloaded, PodiumError
from podium_server.imaging.reader import RowReader

T = TypeVar("T")

# Pixels (decoded and prepared) up to which a call is read in the event loop itself. Measured on two cores, in
# microseconds of processor time a picture, in the loop and on a thread: a digit's PNG of 28×28 34 and 78, a colour
# PNG of 32×32 64 and 116, a JPEG of 64×64 made 32×32 150 and 240, one of 96×96 206 and 273. The hand-over costs 50
# to 90; this many pixels hold the loop for no more than 0.3 ms.
INLINE_EFFORT = 8192
# Pixels of one piece of work for a thread: small pictures share a hand-over.
PIECE_EFFORT = 4 * INLINE_EFFORT
# How much of the time a picture takes is that of the last call.
SMOOTHING = 0.1


@dataclass(slots=True, eq=False)
class _Reading:
    """One call's pictures on their way to rows; its threads write to rows of their own.

    Attributes:
        fields: the pictures' paths in the call.
        abandoned: set by the event loop when nobody waits any more; threads look at it between pictures.
        piece_s: seconds that each finished piece took.
    """

    reader: RowReader
    images: Sequence[pb.Image]
    fields: Sequence[str]
    rows: NDArray[Any]
    deadline: float | None
    efforts: list[int] = field(default_factory=list)
    abandoned: bool = False
    piece_s: list[float] = field(default_factory=list[float])

    def pieces(self) -> Iterator[range]:
        """Divide the pictures into pieces of work, in order."""
        start = effort = 0
        for i, each in enumerate(self.efforts):
            effort += each
            if effort >= PIECE_EFFORT:
                yield range(start, i + 1)
                start, effort = i + 1, 0
        if start < len(self.efforts):
            yield range(start, len(self.efforts))

    def read(self, piece: range) -> PodiumError | None:
        """Read some pictures; the first error is returned, and ends the piece."""
        began = time.monotonic()
        try:
            for i in piece:
                if self.abandoned:
                    return None
                if self.deadline is not None and time.monotonic() >= self.deadline:
                    return DeadlineExceeded("the deadline passed before the pictures were decoded; nothing was run")
                self.reader.read(self.images[i], self.fields[i], self.rows[i])
        except PodiumError as error:
            return error
        self.piece_s.append(time.monotonic() - began)
        return None


class ImagePool:
    """Threads that decode pictures, for all models.

    Args:
        num_threads: as many as there are cores.
        max_waiting: pictures that may be on their way at a time; a call that finds more is refused at once.
    """

    def __init__(self, num_threads: int, max_waiting: int) -> None:
        self._threads = ThreadPoolExecutor(num_threads, thread_name_prefix="images")
        self._num_threads = num_threads
        self._max_waiting = max_waiting
        self._picture_s = 0.0  # seconds a picture of late, over all threads: what a refused caller is told to wait
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """Pictures on their way now."""
        return self._waiting

    async def read(
        self,
        reader: RowReader,
        images: Sequence[pb.Image],
        *,
        fields: Sequence[str] | None = None,
        deadline: float | None = None,
    ) -> NDArray[Any]:
        """Read a call's pictures.

        Cancelling the caller's task skips the pictures that no thread has begun.

        Args:
            reader: the network's.
            images: the call's pictures, 1 or more.
            fields: their paths in the call; None for those of its field `images`.
            deadline: the monotonic second after which no further picture is decoded.

        Returns:
            One row a picture, in order.

        Raises:
            InvalidArgument: a picture cannot be used; of several, the first is named.
            Overloaded: too many pictures are on their way.
            DeadlineExceeded: the deadline passed meanwhile.
        """
        efforts = [reader.effort(image) for image in images]
        fields = fields or [f"images[{i}]" for i in range(len(images))]
        reading = _Reading(reader, images, fields, reader.empty(len(images)), deadline, efforts)
        if sum(efforts) <= INLINE_EFFORT:
            error = reading.read(range(len(images)))
            if error is not None:
                raise error
            return reading.rows
        if self._waiting and self._waiting + len(images) > self._max_waiting:
            raise Overloaded(
                f"{self._waiting} pictures wait to be decoded, of at most {self._max_waiting}, and this call has "
                f"{len(images)}; send it again later",
                retry_after_s=self._waiting * self._picture_s,
            )
        self._waiting += len(images)
        try:
            await self._on_threads(reading)
        finally:
            self._waiting -= len(images)
        picture_s = sum(reading.piece_s) / len(images) / self._num_threads
        self._picture_s += (SMOOTHING if self._picture_s else 1.0) * (picture_s - self._picture_s)
        return reading.rows

    async def work(self, pieces: Sequence[Callable[[], T]], effort: int) -> list[T]:
        """Do other work with pictures: in the event loop where it is little, else on the threads.

        Cancelling the caller's task drops the pieces that no thread has begun.

        Args:
            pieces: the work, in pieces that may be done side by side.
            effort: what all of it costs, in pixels.

        Returns:
            What each piece gave, in order.
        """
        if effort <= INLINE_EFFORT:
            return [piece() for piece in pieces]
        loop = asyncio.get_running_loop()
        futures = [loop.run_in_executor(self._threads, piece) for piece in pieces]
        try:
            return [await future for future in futures]
        finally:
            for future in futures:
                future.cancel()

    async def _on_threads(self, reading: _Reading) -> None:
        loop = asyncio.get_running_loop()
        futures = [loop.run_in_executor(self._threads, reading.read, piece) for piece in reading.pieces()]
        try:
            for future in futures:
                error = await future
                if error is not None:
                    raise error
        finally:
            reading.abandoned = True
            for future in futures:
                future.cancel()

    def close(self) -> None:
        """End the threads; what no thread has begun is dropped."""
        self._threads.shutdown(cancel_futures=True)
