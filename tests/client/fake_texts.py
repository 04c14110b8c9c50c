"""Services of texts and captions whose answers say what they were asked."""

import math
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeAlias

import grpc.aio
from grpc import StatusCode
from podium.v1 import captioning_service_pb2 as captions
from podium.v1 import captioning_service_pb2_grpc as captions_grpc
from podium.v1 import decoding_pb2, model_manifest_pb2, response_metadata_pb2
from podium.v1 import text_service_pb2 as wire
from podium.v1 import text_service_pb2_grpc as wire_grpc

from tests.client.fake_server import FakeServer, Refusal, reason, serving

CHOSEN_SEED = 77
MOST_TOKENS = 40
LOG_PROBABILITY = -0.25  # of every token
UNKNOWN = Refusal(StatusCode.INVALID_ARGUMENT, "prompt: 'ß' is not in the vocabulary", (reason("INVALID_ARGUMENT"),))

Writing: TypeAlias = wire.GenerateRequest | wire.StreamGenerateRequest
Request: TypeAlias = Writing | wire.TranslateRequest | captions.CaptionRequest | captions.StreamCaptionRequest


class FakeTexts(wire_grpc.TextServiceServicer):
    """Writes "<prompt in capitals> <seed>.<sequence> ÄÖÜ …", a character a token, up to 40 of them.

    Translations are the text backwards, ending in as many dots as they are behind the best. Each token has the
    log-probability -1/4, and "ß" is in no vocabulary.
    """

    def __init__(self, fake: FakeServer) -> None:
        self._fake = fake

    async def Generate(self, request: wire.GenerateRequest, context: Any) -> wire.GenerateResponse:
        await self._admit(request, context, request.prompt)
        sequences = [_sequence(text, request, number) for number, text in enumerate(_texts(request))]
        return wire.GenerateResponse(metadata=_metadata(request), sequences=sequences, usage=_usage(sequences))

    async def StreamGenerate(
        self, request: wire.StreamGenerateRequest, context: Any
    ) -> AsyncGenerator[wire.StreamGenerateResponse, None]:
        await self._admit(request, context, request.prompt)
        sequences = [_sequence(text, request, number) for number, text in enumerate(_texts(request))]
        async for pieces, last in _streamed(self._fake, context, sequences):
            response = wire.StreamGenerateResponse(pieces=pieces)
            if last is not None:
                response.metadata.CopyFrom(_metadata(request, total_ms=9 if last else 0))
            if last:
                response.usage.CopyFrom(_usage(sequences))
            yield response

    async def Translate(self, request: wire.TranslateRequest, context: Any) -> wire.TranslateResponse:
        await self._admit(request, context, "".join(request.texts))
        results = [
            wire.TranslationResult(
                translations=[_sequence(text[::-1] + "." * n, request, n) for n in range(request.num_best or 1)]
            )
            for text in request.texts
        ]
        return wire.TranslateResponse(metadata=_metadata(request), results=results, usage=_usage([]))

    async def Score(self, request: wire.ScoreRequest, context: Any) -> wire.ScoreResponse:
        await self._admit(request, context, "".join(request.texts))
        results = [_score(text, with_tokens=request.return_tokens) for text in request.texts]
        metadata = response_metadata_pb2.ResponseMetadata(model=request.model, version=2)
        return wire.ScoreResponse(metadata=metadata, results=results, usage=_usage([]))

    async def _admit(self, request: Any, context: Any, text: str) -> None:
        self._fake.image_requests.append(request)
        await self._fake.admit(context)
        if "ß" in text and not request.replace_unknown:
            await UNKNOWN.abort(context)


class FakeCaptions(captions_grpc.CaptioningServiceServicer):
    """Says "a picture of <n> bytes", with as many dots at the end as a caption is behind the best."""

    def __init__(self, fake: FakeServer) -> None:
        self._fake = fake

    async def Caption(self, request: captions.CaptionRequest, context: Any) -> captions.CaptionResponse:
        self._fake.image_requests.append(request)
        await self._fake.admit(context)
        results = [
            captions.CaptionResult(
                captions=[_sequence(_said(image) + "." * n, request, n) for n in range(request.num_best or 1)]
            )
            for image in request.images
        ]
        return captions.CaptionResponse(metadata=_metadata(request), results=results, usage=_usage([]))

    async def StreamCaption(
        self, request: captions.StreamCaptionRequest, context: Any
    ) -> AsyncGenerator[captions.StreamCaptionResponse, None]:
        self._fake.image_requests.append(request)
        await self._fake.admit(context)
        said = [_said(request.image) + "." * n for n in range(request.num_captions or 1)]
        sequences = [_sequence(text, request, n) for n, text in enumerate(said)]
        async for pieces, last in _streamed(self._fake, context, sequences):
            response = captions.StreamCaptionResponse(pieces=pieces)
            if last is not None:
                response.metadata.CopyFrom(_metadata(request, total_ms=9 if last else 0))
            if last:
                response.usage.CopyFrom(_usage(sequences))
            yield response


def _manifest(task: model_manifest_pb2.Task, num_beams: int) -> model_manifest_pb2.ModelManifest:
    generation = model_manifest_pb2.Generation(defaults=decoding_pb2.Decoding(num_beams=num_beams))
    return model_manifest_pb2.ModelManifest(task=task, description="Writes.", generation=generation)


MANIFESTS = {
    "captioner": _manifest(model_manifest_pb2.TASK_IMAGE_CAPTIONING, 4),
    "translator": _manifest(model_manifest_pb2.TASK_TRANSLATION, 1),
    "shakespeare": _manifest(model_manifest_pb2.TASK_TEXT_GENERATION, 1),
}


def serving_texts(*refusals: Refusal, closed: bool = False) -> AbstractAsyncContextManager[FakeServer]:
    """Serve texts and captions until the block is left; see `fake_server.serving`."""

    def add(fake: FakeServer, server: grpc.aio.Server) -> None:
        fake.manifests |= MANIFESTS
        wire_grpc.add_TextServiceServicer_to_server(FakeTexts(fake), server)
        captions_grpc.add_CaptioningServiceServicer_to_server(FakeCaptions(fake), server)

    return serving(*refusals, closed=closed, add=add)


def written(prompt: str, seed: int = CHOSEN_SEED, sequence: int = 0) -> str:
    """What the fake writes without limits."""
    return (f"{prompt.upper()} {seed}.{sequence} ÄÖÜ " + "la " * MOST_TOKENS)[:MOST_TOKENS]


def _texts(request: Writing) -> Iterable[str]:
    seed = request.seed if request.HasField("seed") else CHOSEN_SEED
    return (written(request.prompt, seed, number) for number in range(request.num_sequences or 1))


def _said(image: Any) -> str:
    return f"a picture of {len(image.encoded)} bytes"


def _sequence(text: str, request: Request, number: int) -> decoding_pb2.GeneratedSequence:
    decoding, finish = request.decoding, decoding_pb2.FINISH_REASON_END
    for stop in decoding.stop:
        if stop in text:
            text, finish = text.partition(stop)[0], decoding_pb2.FINISH_REASON_STOP
    if decoding.HasField("max_tokens") and decoding.max_tokens < len(text):
        text, finish = text[: decoding.max_tokens], decoding_pb2.FINISH_REASON_LENGTH
    log_probabilities = [LOG_PROBABILITY] * len(text)
    return decoding_pb2.GeneratedSequence(
        text=text,
        token_ids=[ord(character) for character in text],
        log_probabilities=log_probabilities if request.return_log_probabilities else [],
        log_probability=-math.log(2) * (number + 1),
        score=-float(number),
        finish_reason=finish,
    )


async def _streamed(
    fake: FakeServer, context: Any, sequences: Sequence[decoding_pb2.GeneratedSequence]
) -> AsyncGenerator[tuple[list[decoding_pb2.SequencePiece], bool | None], None]:
    """Cut sequences into pieces of five tokens; the flag is False for the first message, True for the last."""
    longest = max(len(sequence.text) for sequence in sequences)
    starts = range(0, max(longest, 1), 5)
    for start in starts:
        if start:
            await fake.go_on(context)
        pieces = [
            decoding_pb2.SequencePiece(
                sequence=number,
                text=sequence.text[start : start + 5],
                token_ids=sequence.token_ids[start : start + 5],
                log_probabilities=sequence.log_probabilities[start : start + 5],
            )
            for number, sequence in enumerate(sequences)
            if start < len(sequence.text)
        ]
        last = start == starts[-1]
        if last:
            for piece in pieces:
                piece.finish_reason = sequences[piece.sequence].finish_reason
                piece.log_probability = sequences[piece.sequence].log_probability
        yield pieces, True if last else False if not start else None


def _score(text: str, *, with_tokens: bool) -> wire.ScoreResult:
    """Of all tokens but the first, a vowel is as likely as not, everything else a quarter as likely."""
    logs = [math.log(0.5 if character in "aeiou" else 0.125) for character in text[1:]]
    tokens = [
        wire.ScoredToken(id=ord(character), text=character, log_probability=log)
        for character, log in zip(text[1:], logs, strict=True)
    ]
    return wire.ScoreResult(
        log_likelihood=sum(logs),
        num_tokens=len(logs),
        perplexity=math.exp(-sum(logs) / len(logs)),
        tokens=tokens if with_tokens else [],
    )


def _metadata(request: Request, total_ms: float = 9) -> response_metadata_pb2.ResponseMetadata:
    return response_metadata_pb2.ResponseMetadata(
        model=request.model,
        version=2,
        seed=request.seed if request.HasField("seed") else CHOSEN_SEED,
        execution_provider="CPUExecutionProvider",
        timings=response_metadata_pb2.Timings(total_ms=total_ms),
    )


def _usage(sequences: Sequence[decoding_pb2.GeneratedSequence]) -> decoding_pb2.GenerationUsage:
    num_output_tokens = sum(len(sequence.token_ids) for sequence in sequences)
    return decoding_pb2.GenerationUsage(
        num_prompt_tokens=6, num_output_tokens=num_output_tokens, queue_ms=1, prefill_ms=4, decode_ms=16
    )
