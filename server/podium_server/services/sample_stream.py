"""Many samples as they are made: each answer is one run's pictures, and a few runs are under way at a time.

Nothing is made ahead of that: the next run begins when an answer is taken, and gRPC takes one when the caller's flow
control has room. So memory does not grow with the number of pictures, and a caller who leaves stops the work within
the runs under way.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from podium.v1 import image_service_pb2 as wire

from podium_server.pictures.painter import Painter
from podium_server.pictures.picture_model import PictureModel
from podium_server.pictures.sampling import Sampling
from podium_server.servable import Servable
from podium_server.services.picture_call import PictureCall, picture_bytes

# Bytes of decoded pictures of one answer: below the 4 MiB that gRPC's clients take by default.
PIECE_BYTES = 3 * 2**20
# Latents drawn together: 32 cost half of what 256 do.
DRAWN_AT_A_TIME = 256


@dataclass(frozen=True, slots=True)
class _Piece:
    """The latents of one answer, (N, D), and their classes, (N,).

    Attributes:
        start: the first one's place among all.
    """

    start: int
    latents: NDArray[np.float32]
    classes: NDArray[np.int64] | None


class SampleStream:
    """The answers of one call.

    Args:
        sampling: what is asked for.
        begin: makes a part of the call for each answer, which then keeps where its time went.
        new_painter: makes a painter for each answer.
        piece_rows: pictures of one answer.
        num_under_way: answers that are made side by side.
    """

    def __init__(
        self,
        sampling: Sampling,
        *,
        begin: Callable[[], PictureCall],
        new_painter: Callable[[], Painter],
        piece_rows: int,
        num_under_way: int,
    ) -> None:
        self._begin = begin
        self._new_painter = new_painter
        self._sampling = sampling
        self._piece_rows = piece_rows
        self._num_under_way = num_under_way
        self.total = begin()

    async def answers(self) -> AsyncGenerator[wire.StreamSampleResponse, None]:
        """Make the answers in order."""
        drawn, more = self._drawn(), True
        under_way: deque[asyncio.Task[wire.StreamSampleResponse]] = deque()
        try:
            while True:
                while more and len(under_way) < self._num_under_way:
                    piece = await anext(drawn, None)
                    more = piece is not None
                    if piece is not None:
                        under_way.append(asyncio.create_task(self._answer(piece)))
                if not under_way:
                    break
                answer = await under_way[0]
                under_way.popleft()
                yield answer
        finally:
            for task in under_way:
                task.cancel()
            await drawn.aclose()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _drawn(self) -> AsyncGenerator[_Piece, None]:
        """Draw the latents of one answer after another, those of several at a time."""
        size, count = self._piece_rows, self._sampling.count
        block = size * max(1, DRAWN_AT_A_TIME // size)
        for start in range(0, count, block):
            num_drawn = min(block, count - start)
            latents, classes = await self.total.sample(self._sampling, start, num_drawn)
            for i in range(0, num_drawn, size):
                yield _Piece(start + i, latents[i : i + size], None if classes is None else classes[i : i + size])

    async def _answer(self, piece: _Piece) -> wire.StreamSampleResponse:
        call = self._begin()
        pictures = await call.paint_all(piece.latents, piece.classes, self._new_painter(), start=piece.start)
        self._add_to_total(call, piece.start)
        return wire.StreamSampleResponse(metadata=call.metadata(self._sampling.seed), pictures=pictures)

    def _add_to_total(self, call: PictureCall, start: int) -> None:
        """Count an answer as part of the call: only the first one's wait was in nobody's shadow."""
        total, spent = self.total.spent, call.spent
        total.ran(spent.run, waited=not start)
        total.encode_s += spent.encode_s


def piece_rows(servable: Servable, model: PictureModel) -> int:
    """The pictures of one answer: one run's, as far as a message carries them."""
    assert model.decoder is not None, "the caller has checked that the model samples"
    batcher = servable.batchers[model.decoder.name]
    rows = batcher.max_batch_rows if batcher.signature.batched else 1
    return max(1, min(rows, PIECE_BYTES // picture_bytes(model.decoder)))


def under_way(servable: Servable, model: PictureModel) -> int:
    """How many answers are made side by side: one for each session, and one that is painted or taken meanwhile."""
    assert model.decoder is not None, "the caller has checked that the model samples"
    plan = servable.plans.get(model.decoder.name)
    return (plan.layout.num_sessions if plan else 1) + 1
