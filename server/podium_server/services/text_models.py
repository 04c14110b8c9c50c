"""The models that write: each version compiled once, on the first of its calls."""

import asyncio

from podium.v1 import model_manifest_pb2 as pb

from podium_server.call import Call
from podium_server.catalogue import Catalogue
from podium_server.errors import LoadFailed
from podium_server.imaging.decode import ImageLimits
from podium_server.imaging.pool import ImagePool
from podium_server.servable import Servable
from podium_server.services.compiled import Compiled
from podium_server.services.intake import Intake
from podium_server.services.tasks import check_task
from podium_server.services.text_call import TextCall
from podium_server.settings import Settings
from podium_server.signature_match import from_proto
from podium_server.text.text_model import TextModel


class TextModels:
    """Finds who answers a call, and gives the call what it works with.

    Args:
        catalogue: the models.
        settings: limits of pictures and calls.
        pool: reads pictures.
    """

    def __init__(self, catalogue: Catalogue, settings: Settings, pool: ImagePool) -> None:
        self._catalogue = catalogue
        self._settings = settings
        self._limits = ImageLimits(settings.max_image_bytes, settings.max_image_pixels)
        self._pool = pool
        self._models = Compiled(self._compile, "cannot write")

    async def begin(self, ref: str, call: Call, task: pb.Task, method: str) -> TextCall:
        """Find who answers, by "name", "name/version" or "name@alias".

        Args:
            ref: the request's `model`.
            call: the call.
            task: what the model must be for.
            method: the call's, for messages.

        Raises:
            PodiumError: no such model, it is not ready, or it is for something else.
        """
        servable = await self._catalogue.serve(ref, call)
        check_task(servable, method, task)
        if servable.generator is None:
            raise LoadFailed(f"model: '{servable.name}' version {servable.version} has no graph 'step' to write with")
        model = self._models.known(servable)
        if model is None:  # made on a thread, for a tokenizer's file may be large
            model = await asyncio.to_thread(self._models.of, servable)
        intake = Intake(call, servable, model, self._settings.max_prompt_tokens, self._pool)
        return TextCall(call, servable, servable.generator, model=model, settings=self._settings, intake=intake)

    def _compile(self, servable: Servable) -> TextModel:
        signatures = {graph.name: from_proto(graph) for graph in servable.manifest.graphs}
        return TextModel(servable.manifest, signatures, servable.folder, self._limits)
