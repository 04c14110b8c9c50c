"""`podium.v1.TextService`: texts generated, translated, scored."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeAlias

import numpy as np
from podium.v1 import model_manifest_pb2 as pb
from podium.v1 import text_service_pb2 as wire

from podium_server.call import Call
from podium_server.catalogue import Catalogue
from podium_server.generation.job import Start
from podium_server.imaging.pool import ImagePool
from podium_server.pictures.limits import check_count
from podium_server.services.gathering import Gathering, gather_all
from podium_server.services.text_call import TextCall, best_first
from podium_server.services.text_models import TextModels
from podium_server.settings import Settings
from podium_server.text.choices import Wanted

_GenerateRequest: TypeAlias = wire.GenerateRequest | wire.StreamGenerateRequest

MAX_TEXTS = 256


class TextService:
    """Implements the service.

    Args:
        catalogue: the models.
        settings: limits of calls.
        pool: of pictures, which texts have none of.
    """

    def __init__(self, catalogue: Catalogue, settings: Settings, pool: ImagePool) -> None:
        self._models = TextModels(catalogue, settings, pool)

    async def Generate(self, request: wire.GenerateRequest, call: Call) -> wire.GenerateResponse:
        """Continue a text."""
        work = await self._models.begin(request.model, call, pb.TASK_TEXT_GENERATION, "Generate")
        gathering = await _generate(work, request)
        await gathering.all()
        answer = _whole(work, gathering)
        work.answered(gathering.writings)
        return answer

    async def StreamGenerate(
        self, request: wire.StreamGenerateRequest, call: Call
    ) -> AsyncGenerator[wire.StreamGenerateResponse, None]:
        """Continue a text, and tell it as it is written."""
        with call.working():
            work = await self._models.begin(request.model, call, pb.TASK_TEXT_GENERATION, "StreamGenerate")
            gathering = await _generate(work, request)
            async with aclosing(work.stream(gathering, wire.StreamGenerateResponse)) as answers:
                async for answer in answers:
                    yield answer
            work.answered(gathering.writings)
            if call.is_kept:
                call.whole = _whole(work, gathering)

    async def Translate(self, request: wire.TranslateRequest, call: Call) -> wire.TranslateResponse:
        """Translate texts, each as it would be alone."""
        work = await self._models.begin(request.model, call, pb.TASK_TRANSLATION, "Translate")
        check_count("texts", "texts", len(request.texts), MAX_TEXTS)
        wanted = Wanted("num_best", request.num_best or 1, ranked=True)
        choices = work.choose(request.decoding, wanted, "texts", len(request.texts))
        work.start_seeded(request.seed if request.HasField("seed") else None, choices)
        starts = await work.intake.read_sources(request.texts, replace_unknown=request.replace_unknown)
        gathering = work.write(starts, choices, with_log_probabilities=request.return_log_probabilities)
        await gathering.all()
        results = [wire.TranslationResult(translations=best) for best in best_first(gathering, len(starts))]
        work.answered(gathering.writings)
        return wire.TranslateResponse(
            metadata=work.metadata(gathering.writings), results=results, usage=work.usage(gathering.writings)
        )

    async def Score(self, request: wire.ScoreRequest, call: Call) -> wire.ScoreResponse:
        """Tell how probable texts are."""
        work = await self._models.begin(request.model, call, pb.TASK_TEXT_GENERATION, "Score")
        check_count("texts", "texts", len(request.texts), MAX_TEXTS)
        least = max(1, len(work.model.tokenizer.start_ids)) + 1
        texts = [
            await work.intake.read_text(
                text, f"texts[{i}]", least=least, room=0, replace_unknown=request.replace_unknown
            )
            for i, text in enumerate(request.texts)
        ]
        scored = work.score(texts)
        await gather_all(scored)
        results = [text.result(work.model.tokenizer.writer(), return_tokens=request.return_tokens) for text in scored]
        work.answered(scored)
        return wire.ScoreResponse(metadata=work.metadata(scored), results=results, usage=work.usage(scored))


async def _generate(work: TextCall, request: _GenerateRequest) -> Gathering:
    """Start the sequences of a request."""
    wanted = Wanted("num_sequences", request.num_sequences or 1, ranked=False)
    choices = work.choose(request.decoding, wanted, "num_sequences", 1)
    work.start_seeded(request.seed if request.HasField("seed") else None, choices)
    prompt = await work.intake.read_text(
        request.prompt, "prompt", least=1, room=1, replace_unknown=request.replace_unknown
    )
    start = Start(np.array(prompt, np.int64))
    return work.write([start], choices, with_log_probabilities=request.return_log_probabilities)


def _whole(work: TextCall, gathering: Gathering) -> wire.GenerateResponse:
    """The answer, once all sequences have ended."""
    return wire.GenerateResponse(
        metadata=work.metadata(gathering.writings),
        sequences=[sequence for found in gathering.sequences() for sequence in found],
        usage=work.usage(gathering.writings),
    )
