"""`podium.v1.CaptioningService`: pictures in, sentences out."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from podium.v1 import captioning_service_pb2 as wire
from podium.v1 import model_manifest_pb2 as pb

from podium_server.call import Call
from podium_server.catalogue import Catalogue
from podium_server.imaging.pool import ImagePool
from podium_server.pictures.limits import check_count
from podium_server.services.gathering import Gathering
from podium_server.services.text_call import TextCall, best_first
from podium_server.services.text_models import TextModels
from podium_server.settings import Settings
from podium_server.text.choices import Wanted


class CaptioningService:
    """Implements the service.

    Args:
        catalogue: the models.
        settings: limits of pictures and calls.
        pool: reads pictures.
    """

    def __init__(self, catalogue: Catalogue, settings: Settings, pool: ImagePool) -> None:
        self._models = TextModels(catalogue, settings, pool)
        self._max_images = settings.max_images_per_request

    async def Caption(self, request: wire.CaptionRequest, call: Call) -> wire.CaptionResponse:
        """Describe pictures, each as it would be alone."""
        work = await self._models.begin(request.model, call, pb.TASK_IMAGE_CAPTIONING, "Caption")
        check_count("images", "pictures", len(request.images), self._max_images)
        wanted = Wanted("num_best", request.num_best or 1, ranked=True)
        choices = work.choose(request.decoding, wanted, "images", len(request.images))
        work.start_seeded(request.seed if request.HasField("seed") else None, choices)
        starts = await work.intake.read_pictures(request.images)
        gathering = work.write(starts, choices, with_log_probabilities=request.return_log_probabilities)
        await gathering.all()
        answer = _whole(work, gathering, len(starts))
        work.answered(gathering.writings)
        return answer

    async def StreamCaption(
        self, request: wire.StreamCaptionRequest, call: Call
    ) -> AsyncGenerator[wire.StreamCaptionResponse, None]:
        """Describe a picture, and tell the words as they are written."""
        with call.working():
            work = await self._models.begin(request.model, call, pb.TASK_IMAGE_CAPTIONING, "StreamCaption")
            wanted = Wanted("num_captions", request.num_captions or 1, ranked=True)
            choices = work.choose(request.decoding, wanted, "num_captions", 1)
            work.start_seeded(request.seed if request.HasField("seed") else None, choices)
            starts = await work.intake.read_pictures([request.image], ["image"])
            gathering = work.write(starts, choices, with_log_probabilities=request.return_log_probabilities)
            async with aclosing(work.stream(gathering, wire.StreamCaptionResponse)) as answers:
                async for answer in answers:
                    yield answer
            work.answered(gathering.writings)
            if call.is_kept:
                call.whole = _whole(work, gathering, len(starts))


def _whole(work: TextCall, gathering: Gathering, num_pictures: int) -> wire.CaptionResponse:
    """The answer, once all captions have ended."""
    return wire.CaptionResponse(
        metadata=work.metadata(gathering.writings),
        results=[wire.CaptionResult(captions=best) for best in best_first(gathering, num_pictures)],
        usage=work.usage(gathering.writings),
    )
