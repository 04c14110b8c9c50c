"""`podium.v1.ClassificationService`: pictures and clips in, labels out."""

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from podium.v1 import classification_service_pb2 as wire
from podium.v1 import model_manifest_pb2 as pb

from podium_server.batching.batcher import Batcher
from podium_server.batching.run_rows import run_rows
from podium_server.call import Call
from podium_server.catalogue import Catalogue
from podium_server.imaging.decode import ImageLimits
from podium_server.imaging.pool import ImagePool
from podium_server.pictures.limits import check_count
from podium_server.servable import Servable
from podium_server.services import frame_stream, whole_clip
from podium_server.services.answered import answered
from podium_server.services.classifier import Classifier
from podium_server.services.clip_call import check_options, next_message
from podium_server.services.clip_models import ClipModels
from podium_server.services.compiled import Compiled
from podium_server.services.tasks import check_task
from podium_server.settings import Settings
from podium_server.spent import Spent
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
        self._classifiers = Compiled(self._compile, "cannot classify")

    async def Classify(self, request: wire.ClassifyRequest, call: Call) -> wire.ClassifyResponse:
        """Classify one picture or many."""
        began = time.monotonic()
        servable = await self._catalogue.serve(request.model, call)
        check_task(servable, "Classify", pb.TASK_IMAGE_CLASSIFICATION)
        classifier, batcher = self._classifiers.of(servable)
        check_count("images", "pictures", len(request.images), self._max_images)
        with batcher.reserve(len(request.images)):
            rows = await self._pool.read(classifier.reader, request.images, deadline=call.deadline)
        read = time.monotonic()
        run = await run_rows(batcher, (rows,), deadline=call.deadline)
        ran = time.monotonic()
        results = classifier.results(rows, run.outputs[0], request.top_k, return_logits=request.return_logits)
        spent = Spent(read - began, run.queue_s, run.run_s, time.monotonic() - ran)
        return wire.ClassifyResponse(metadata=answered(call, servable, spent), results=results)

    async def ClassifyVideo(
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

    async def ClassifyFrames(
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
        batcher = servable.batchers[servable.manifest.graphs[0].name]
        return Classifier(servable.manifest, batcher.signature, self._limits), batcher
