"""What both calls of clips do: look at frames, name what they show, and keep where the time went."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from podium.v1 import classification_service_pb2 as wire
from podium.v1 import image_pb2, response_metadata_pb2

from podium_server.call import Call
from podium_server.errors import DeadlineExceeded, InvalidArgument, RunFailed, Unsupported
from podium_server.generation.described import ENCODER
from podium_server.generation.job import FeedJob
from podium_server.imaging.pool import ImagePool
from podium_server.ranking import NotFinite
from podium_server.servable import Servable
from podium_server.services.answered import answered, timed_metadata
from podium_server.spent import Spent
from podium_server.video.clip_model import MODEL, ClipModel, Steps, Windows
from podium_server.video.step_viewer import StepViewer
from podium_server.video.viewer import Seen, Viewer, view
from podium_server.video.window_viewer import WindowViewer
from podium_server.video.windows import LabellingWindows, SlidingWindows, WholeClip

M = TypeVar("M")

_NOT_FINITE = "the model's scores are not finite; it cannot classify this clip"


class ClipCall:
    """One call on its way.

    Args:
        call: the call.
        servable: who answers.
        model: compiled from the version.
        pool: reads pictures.

    Attributes:
        spent: where the time went, runs apart.
    """

    def __init__(self, call: Call, servable: Servable, model: ClipModel, pool: ImagePool) -> None:
        self.model = model
        self.spent = Spent()
        self._call = call
        self._servable = servable
        self._pool = pool
        self._viewer: Viewer | None = None

    @property
    def deadline(self) -> float | None:
        """The monotonic second after which nobody waits."""
        return self._call.deadline

    @property
    def owes(self) -> bool:
        """Whether answers are under way that need no more frames."""
        return self._viewer is not None and self._viewer.owes

    async def read(self, images: list[image_pb2.Image], fields: list[str]) -> NDArray[Any]:
        """Read frames into rows.

        Raises:
            InvalidArgument: one cannot be used.
        """
        began = time.monotonic()
        rows = await self._pool.read(self.model.reader, images, fields=fields, deadline=self.deadline)
        self.spent.preprocess_s += time.monotonic() - began
        return rows

    async def see(self, rows: AsyncGenerator[NDArray[Any], None], *, whole: bool) -> AsyncGenerator[Seen, None]:
        """Look at rows as they come.

        Args:
            rows: the frames, some at a time.
            whole: whether all of a clip is there.

        Raises:
            Unsupported: the network cannot answer frames as they come.
            PodiumError: whatever went wrong.
        """
        self._viewer = self._view(whole=whole)
        answers = view(self._viewer, rows)
        try:
            async for seen in answers:
                if not np.isfinite(seen.scores).all():
                    raise RunFailed(f"frame {seen.place}: {_NOT_FINITE}")
                yield seen
        finally:
            await answers.aclose()

    def name(self, scores: NDArray[Any], top_k: int, *, return_logits: bool) -> wire.ClassificationResult:
        """Name what scores say."""
        try:
            return self.model.names.result(scores, top_k, return_logits=return_logits)
        except NotFinite as error:
            raise RunFailed(_NOT_FINITE) from error

    def answered(self) -> None:
        """Report the answer, once it is made."""
        answered(self._call, self._servable, self._all_spent())

    def metadata(self) -> response_metadata_pb2.ResponseMetadata:
        """Who answers, and where the time went so far."""
        return timed_metadata(self._call, self._servable, self._all_spent())

    def _all_spent(self) -> Spent:
        """Where the time went, runs included."""
        runs = self._viewer.spent if self._viewer is not None else Spent()
        return Spent(self.spent.preprocess_s, runs.queue_s, runs.run_s)

    def _view(self, *, whole: bool) -> Viewer:
        look, servable = self.model.look, self._servable
        if isinstance(look, Steps):
            assert servable.generator is not None, "the loader makes one for each step graph"
            fed = servable.generator.open(FeedJob(self.deadline))
            return StepViewer(fed, servable.batchers[ENCODER] if look.encodes else None, self.deadline)
        batcher = servable.batchers[MODEL]
        if isinstance(look, Windows):
            if look.margin is None:
                return WindowViewer(batcher, SlidingWindows(look.size), self.deadline)
            return WindowViewer(batcher, LabellingWindows(look.size, look.margin), self.deadline)
        if not whole:
            raise Unsupported(f"model: '{servable.name}' reads clips whole; ClassifyVideo takes them")
        return WindowViewer(batcher, WholeClip(), self.deadline)


async def next_message(
    messages: AsyncIterator[M], max_silence_s: float, owed: Callable[[], bool] = lambda: False
) -> M | None:
    """Wait for the next message of a stream; None at its end.

    Args:
        messages: the stream.
        max_silence_s: the longest wait.
        owed: whether the caller waits for an answer, in which case it may be silent.

    Raises:
        DeadlineExceeded: nothing came for so long.
    """
    coming = asyncio.ensure_future(anext(messages))
    try:
        while not (await asyncio.wait({coming}, timeout=max_silence_s))[0]:
            if not owed():
                raise DeadlineExceeded(
                    f"nothing came for {max_silence_s:g} s, the longest that a stream may be silent on this server"
                )
        return coming.result()
    except StopAsyncIteration:
        return None
    finally:
        coming.cancel()


def check_options(*, first: bool, given: bool) -> None:
    """Refuse a message without options where they must be, and with them where they must not.

    Raises:
        InvalidArgument: as said.
    """
    if first and not given:
        raise InvalidArgument("options: missing; the first message of a call must have them", "options")
    if given and not first:
        raise InvalidArgument("options: may be in the first message of a call alone", "options")
