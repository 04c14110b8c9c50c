"""The classifiers of clips: each version compiled once, on the first of its calls."""

from podium.v1 import model_manifest_pb2 as pb

from podium_server.call import Call
from podium_server.catalogue import Catalogue
from podium_server.imaging.decode import ImageLimits
from podium_server.imaging.pool import ImagePool
from podium_server.servable import Servable
from podium_server.services.clip_call import ClipCall
from podium_server.services.compiled import Compiled
from podium_server.services.tasks import check_task
from podium_server.settings import Settings
from podium_server.signature_match import from_proto
from podium_server.video.clip_model import ClipModel


class ClipModels:
    """Finds who answers a call, and gives the call what it works with.

    Args:
        catalogue: the models.
        settings: limits of pictures.
        pool: reads pictures.
    """

    def __init__(self, catalogue: Catalogue, settings: Settings, pool: ImagePool) -> None:
        self._catalogue = catalogue
        self._limits = ImageLimits(settings.max_image_bytes, settings.max_image_pixels)
        self._pool = pool
        self._models = Compiled(self._compile, "cannot classify clips")

    async def begin(self, ref: str, call: Call, method: str) -> ClipCall:
        """Find who answers, by "name", "name/version" or "name@alias".

        Args:
            ref: the request's `model`.
            call: the call.
            method: the call's, for messages.

        Raises:
            PodiumError: no such model, it is not ready, or it is for something else.
        """
        servable = await self._catalogue.serve(ref, call)
        check_task(servable, method, pb.TASK_VIDEO_CLASSIFICATION)
        return ClipCall(call, servable, self._models.of(servable), self._pool)

    def _compile(self, servable: Servable) -> ClipModel:
        signatures = {graph.name: from_proto(graph) for graph in servable.manifest.graphs}
        return ClipModel(servable.manifest, signatures, self._limits)
