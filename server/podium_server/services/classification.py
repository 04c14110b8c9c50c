"""`podium.v1.ClassificationService`: pictures and clips in, labels out."""

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from weakref import WeakKeyDictionary

from podium.v1 import classification_service_pb2 as wire
from podium.v1 import model_manifest_pb2 as pb
from podium.v1 import response_metadata_pb2

from podium_server.batching.batcher import Batcher
from podium_server.batching.run_rows import run_rows
from podium_server.call import Call
from podium_server.catalogue import Catalogue
from podium_server.errors import InvalidArgument, LoadFailed, WrongTask
from podium_server.imaging.decode import ImageLimits
from podium_server.imaging.pool import ImagePool
from podium_server.servable import Servable
from podium_server.services import frame_stream, whole_clip
from podium_server.services.classifier import Classifier
from podium_server.services.clip_call import ClipModels, check_options, next_message
from podium_server.services.tasks import purpose
from podium_server.settings import Settings
from podium_server.video.decoding import VideoLimits


class ClassificationService:
    """Implements the service.

    Args:
        catalogue: the models.
        settings: limits of pictures and calls.
        pool: reads pictures.
    """

    def __init__(self, catalogue: Catalogue, settings: Settings, pool: ImagePool) -> None:
        self._catalogue = catalogue
        self._max_images = settings.max_images_per_request
        self._limits = ImageLimits(settings.max_image_bytes, settings.max_image_pixels)
        self._pool = pool
        self._settings = settings
        self._video_limits = VideoLimits(settings.max_video_bytes, settings.max_video_frames, settings.max_video_pixels)
        self._clips = ClipModels(catalogue, settings, pool)
        # Weak: a version that is unloaded takes what was compiled for it along.
        self._classifiers: WeakKeyDictionary[Servable, tuple[Classifier, Batcher]] = WeakKeyDictionary()

    async def Classify(self, request: wire.ClassifyRequest, call: Call) -> wire.ClassifyResponse:  # noqa: N802
        """Classify one picture or many."""
        began = time.monotonic()
        servable = await self._catalogue.serve(request.model, call)
        classifier, batcher = self._classifiers.get(servable) or self._compile(servable)
        if not 1 <= len(request.images) <= self._max_images:
            message = f"images: has {len(request.images)} pictures; a call must have 1 … {self._max_images}"
            raise InvalidArgument(message, "images")
        rows = await self._pool.read(classifier.reader, request.images, deadline=call.deadline)
        read = time.monotonic()
        run = await run_rows(batcher, (rows,), deadline=call.deadline)
        ran = time.monotonic()
        results = classifier.results(rows, run.outputs[0], request.top_k, return_logits=request.return_logits)
        ended = time.monotonic()
        call.answered(servable, preprocess_s=read - began, run=run, encode_s=ended - ran)
        timings = response_metadata_pb2.Timings(
            total_ms=(ended - began) * 1e3,
            preprocess_ms=(read - began) * 1e3,
            queue_ms=run.queue_s * 1e3,
            run_ms=run.run_s * 1e3,
        )
        metadata = response_metadata_pb2.ResponseMetadata(
            model=servable.name,
            version=servable.version,
            execution_provider=servable.provider,
            timings=timings,
        )
        return wire.ClassifyResponse(metadata=metadata, results=results)

    async def ClassifyVideo(  # noqa: N802
        self, requests: AsyncIterator[wire.ClassifyVideoRequest], call: Call
    ) -> wire.ClassifyVideoResponse:
        """Classify one clip."""
        silence_s = self._settings.max_silence_s
        first = await next_message(requests, silence_s)
        check_options(first=True, given=first is not None and first.HasField("options"))
        assert first is not None, "that is what was checked"
        work = await self._clips.begin(first.options.model, call, "ClassifyVideo")
        upload = await whole_clip.receive(requests, first, call, self._video_limits, max_silence_s=silence_s)
        clip = await whole_clip.open_clip(work, upload, first.options, self._pool, self._video_limits)
        response = await whole_clip.classify(work, clip, first.options)
        work.answered()
        return response

    async def ClassifyFrames(  # noqa: N802
        self, requests: AsyncIterator[wire.ClassifyFramesRequest], call: Call
    ) -> AsyncGenerator[wire.ClassifyFramesResponse, None]:
        """Classify frames as they come."""
        silence_s = self._settings.max_silence_s
        first = await next_message(requests, silence_s)
        check_options(first=True, given=first is not None and first.HasField("options"))
        assert first is not None, "that is what was checked"
        work = await self._clips.begin(first.options.model, call, "ClassifyFrames")
        rows = frame_stream.rows_of(requests, first, call, work, max_silence_s=silence_s)
        async with aclosing(frame_stream.answers(work, rows, first.options)) as answers:
            async for answer in answers:
                yield answer
        work.answered()

    def _compile(self, servable: Servable) -> tuple[Classifier, Batcher]:
        """Make what a version's calls need, on the first of them.

        Raises:
            WrongTask: the model is for something else.
            LoadFailed: its manifest makes no classifier.
        """
        manifest = servable.manifest
        if manifest.task != pb.TASK_IMAGE_CLASSIFICATION:
            raise WrongTask(
                f"model: '{servable.name}' is for {purpose(manifest.task)}; Classify takes models for image "
                "classification"
            )
        batcher = servable.batchers[manifest.graphs[0].name]
        try:
            classifier = Classifier(manifest, batcher.signature, self._limits)
        except ValueError as error:
            raise LoadFailed(f"model: '{servable.name}' version {servable.version} cannot classify: {error}") from error
        self._classifiers[servable] = classifier, batcher
        return classifier, batcher
