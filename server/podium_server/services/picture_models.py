"""The models of the image service: each version compiled once, on the first of its calls."""

from podium_server.call import Call
from podium_server.catalogue import Catalogue
from podium_server.imaging.decode import ImageLimits
from podium_server.imaging.pool import ImagePool
from podium_server.pictures.painter import Painter
from podium_server.pictures.picture_model import TASKS, PictureModel
from podium_server.servable import Servable
from podium_server.services.compiled import Compiled
from podium_server.services.picture_call import PictureCall
from podium_server.services.tasks import check_task
from podium_server.settings import Settings


class PictureModels:
    """Finds who answers a call, and gives the call what it works with.

    Args:
        catalogue: the models.
        settings: limits of pictures and calls.
        pool: reads and writes pictures.
    """

    def __init__(self, catalogue: Catalogue, settings: Settings, pool: ImagePool) -> None:
        self._catalogue = catalogue
        self._settings = settings
        self._limits = ImageLimits(settings.max_image_bytes, settings.max_image_pixels)
        self._pool = pool
        self._models = Compiled(self._compile, "makes no pictures")

    async def begin(self, ref: str, call: Call) -> PictureCall:
        """Find who answers, by "name", "name/version" or "name@alias".

        Raises:
            PodiumError: no such model, it is not ready, or it is for something else.
        """
        servable = await self._catalogue.serve(ref, call)
        check_task(servable, "this call", *TASKS)
        return self.continue_with(servable, call)

    def continue_with(self, servable: Servable, call: Call) -> PictureCall:
        """Make one more part of a call whose version is known."""
        return PictureCall(call, servable, self._models.of(servable), self._pool)

    def painter(self, model: PictureModel, picture_format: int) -> Painter:
        """Make what paints one answer.

        Raises:
            InvalidArgument: the format is not one.
        """
        return Painter(
            self._pool,
            model.pixel_map,
            picture_format,
            max_bytes=self._settings.max_message_bytes,
            max_grid_pixels=self._settings.max_image_pixels,
        )

    def _compile(self, servable: Servable) -> PictureModel:
        signatures = {key: batcher.signature for key, batcher in servable.batchers.items()}
        return PictureModel(servable.name, servable.manifest, signatures, self._limits)
