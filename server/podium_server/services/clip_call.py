"""What both calls of clips do: find who answers, look at frames, name what they show, and keep where the time went."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from podium.v1 import classification_service_pb2 as wire
from podium.v1 import image_pb2, response_metadata_pb2
from podium.v1 import model_manifest_pb2 as pb

from podium_server.batching.batcher import Run
from podium_server.call import Call
from podium_server.catalogue import Catalogue
from podium_server.errors import DeadlineExceeded, InvalidArgument, LoadFailed, RunFailed, Unsupported, WrongTask
from podium_server.generation.described import ENCODER
from podium_server.generation.job import FeedJob
from podium_server.imaging.decode import ImageLimits
from podium_server.imaging.pool import ImagePool
from podium_server.servable import Servable
from podium_server.services.ranking import NotFinite
from podium_server.services.spent import Spent
from podium_server.services.tasks import purpose
from podium_server.settings import Settings
from podium_server.signature_match import from_proto
from podium_server.video.clip_model import MODEL, ClipModel, Steps, Windows
from podium_server.video.step_viewer import StepViewer
from podium_server.video.viewer import Seen, Viewer, view
from podium_server.video.window_viewer import WindowViewer
from podium_server.video.windows import LabellingWindows, SlidingWindows, WholeClip

M = TypeVar("M")

_NOT_FINITE = "the model's scores are not finite; it cannot classify this clip"


class ClipModels:
    """The classifiers of clips: each version compiled once, on the first of its calls.

    Args:
        catalogue: the models.
        settings: limits of pictures.
        pool: reads pictures.
    """

    def __init__(self, catalogue: Catalogue, settings: Settings, pool: ImagePool) -> None:
        self._catalogue = catalogue
        self._limits = ImageLimits(settings.max_image_bytes, settings.max_image_pixels)
        self._pool = pool
        # Weak: a version that is unloaded takes what was compiled for it along.
        self._models: WeakKeyDictionary[Servable, ClipModel] = WeakKeyDictionary()

    async def begin(self, ref: str, call: Call, method: str) -> "ClipCall":
        """Find who answers.

        Args:
            ref: the request's `model`.
            call: the call.
            method: the call's, for messages.

        Raises:
            PodiumError: no such model, it is not ready, or it is for something else.
        """
        servable = await self._catalogue.serve(ref, call)
        if servable.manifest.task != pb.TASK_VIDEO_CLASSIFICATION:
            raise WrongTask(
                f"model: '{servable.name}' is for {purpose(servable.manifest.task)}; {method} takes models for video "
                "classification"
            )
        return ClipCall(call, servable, self._models.get(servable) or self._compile(servable), self._pool)

    def _compile(self, servable: Servable) -> ClipModel:
        manifest = servable.manifest
        signatures = {graph.name: from_proto(graph) for graph in manifest.graphs}
        try:
            model = ClipModel(manifest, signatures, self._limits)
        except ValueError as error:
            reason = f"model: '{servable.name}' version {servable.version} cannot classify clips: {error}"
            raise LoadFailed(reason) from error
        self._models[servable] = model
        return model


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
        self._call.answered(self._servable, preprocess_s=self.spent.preprocess_s, run=self._run())

    def metadata(self) -> response_metadata_pb2.ResponseMetadata:
        """Who answers, and where the time went so far."""
        run = self._run()
        timings = response_metadata_pb2.Timings(
            total_ms=(time.monotonic() - self._call.began) * 1e3,
            preprocess_ms=self.spent.preprocess_s * 1e3,
            queue_ms=run.queue_s * 1e3,
            run_ms=run.run_s * 1e3,
        )
        return response_metadata_pb2.ResponseMetadata(
            model=self._servable.name,
            version=self._servable.version,
            execution_provider=self._servable.provider,
            timings=timings,
        )

    def _run(self) -> Run:
        spent = self._viewer.spent if self._viewer is not None else Spent()
        return Run((), spent.queue_s, spent.run_s)

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
