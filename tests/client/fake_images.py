"""An image service whose pictures and latents say what they were made of."""

import io
from collections.abc import AsyncGenerator, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Any

import grpc.aio
import numpy as np
from grpc import StatusCode
from PIL import Image
from podium.v1 import image_service_pb2 as wire
from podium.v1 import image_service_pb2_grpc, model_manifest_pb2, response_metadata_pb2, tensor_pb2

from tests.client.fake_server import FakeServer, Refusal, reason, serving

SIDE = 6
CLASSES = ("zero", "one", "two")
CHOSEN_SEED = 77
LATENT_SIZE = 4
NO_ENCODER = Refusal(
    StatusCode.FAILED_PRECONDITION, "gan has no encoder: it can sample and decode", (reason("NO_ENCODER"),)
)


class FakeImages(image_service_pb2_grpc.ImageServiceServicer):
    """Draws grey squares: a picture's brightness is the first number of its latent, in 255ths.

    Latent i of seed s is (i, s, class, 0), and an encoder answers with the picture's mean brightness, 1, 2, 3.
    The model "gan" has no encoder, "plain" no classes, "whole" shows no latents.
    """

    def __init__(self, fake: FakeServer) -> None:
        self._fake = fake

    async def Sample(self, request: wire.SampleRequest, context: Any) -> wire.SampleResponse:
        await self._admit(request, context)
        return wire.SampleResponse(metadata=_metadata(request), pictures=list(_samples(request)))

    async def StreamSample(
        self, request: wire.StreamSampleRequest, context: Any
    ) -> AsyncGenerator[wire.StreamSampleResponse, None]:
        await self._admit(request, context)
        pictures = list(_samples(request))
        for start in range(0, len(pictures), 3):
            if start:
                await self._fake.go_on(context)
            chunk = pictures[start : start + 3]
            yield wire.StreamSampleResponse(metadata=_metadata(request), pictures=chunk)

    async def Encode(self, request: wire.EncodeRequest, context: Any) -> wire.EncodeResponse:
        await self._admit(request, context)
        if request.model == "gan":
            await NO_ENCODER.abort(context)
        posteriors = [
            wire.Posterior(mean=wire.Latent(values=_encoded(image.encoded)), log_variance=[0.5] * 4, kl_nats=2.5)
            for image in request.images
        ]
        return wire.EncodeResponse(metadata=_metadata(request), posteriors=posteriors)

    async def Decode(self, request: wire.DecodeRequest, context: Any) -> wire.DecodeResponse:
        await self._admit(request, context)
        pictures = [picture(latent.values, request.format) for latent in request.latents]
        return wire.DecodeResponse(metadata=_metadata(request), pictures=pictures)

    async def Reconstruct(self, request: wire.ReconstructRequest, context: Any) -> wire.ReconstructResponse:
        await self._admit(request, context)
        pictures = [picture(_encoded(image.encoded), request.format) for image in request.images]
        if request.model == "whole":
            for each in pictures:
                each.ClearField("latent")
        errors = [index / 8 for index in range(len(pictures))]
        return wire.ReconstructResponse(metadata=_metadata(request), pictures=pictures, mean_squared_errors=errors)

    async def Interpolate(self, request: wire.InterpolateRequest, context: Any) -> wire.InterpolateResponse:
        await self._admit(request, context)
        ways = np.linspace(_latent(request.start), _latent(request.end), request.steps)
        pictures = [picture(way, request.format) for way in ways]
        return wire.InterpolateResponse(metadata=_metadata(request), pictures=pictures)

    async def Traverse(self, request: wire.TraverseRequest, context: Any) -> wire.TraverseResponse:
        await self._admit(request, context)
        origin = _latent(request.origin) if request.HasField("origin") else np.zeros(LATENT_SIZE)
        low, high = (request.low, request.high) if request.low != request.high else (-3, 3)
        values = np.linspace(low, high, request.steps)
        rows = [
            wire.TraverseRow(
                dimension=dimension,
                values=values,
                pictures=[picture(_moved(origin, dimension, value), request.format) for value in values],
            )
            for dimension in request.dimensions or range(LATENT_SIZE)
        ]
        return wire.TraverseResponse(metadata=_metadata(request), rows=rows)

    async def Edit(self, request: wire.EditRequest, context: Any) -> wire.EditResponse:
        await self._admit(request, context)
        if request.direction != "smile":
            text = f"direction: there is no {request.direction!r}; the directions are smile"
            await Refusal(StatusCode.INVALID_ARGUMENT, text, (reason("INVALID_ARGUMENT"),)).abort(context)
        pictures = [
            picture(_moved(_latent(source), 0, strength), request.format)
            for source in request.sources
            for strength in request.strengths or [1.0]
        ]
        return wire.EditResponse(metadata=_metadata(request), pictures=pictures)

    async def _admit(self, request: Any, context: Any) -> None:
        self._fake.image_requests.append(request)
        await self._fake.admit(context)


def _manifest(*classes: str) -> model_manifest_pb2.ModelManifest:
    space = model_manifest_pb2.LatentSpace(
        parts=[model_manifest_pb2.LatentPart(size=LATENT_SIZE, normal=model_manifest_pb2.NormalPrior())],
        directions=[model_manifest_pb2.LatentDirection(name="smile", values=[1, 0, 0, 0])],
        class_names=classes,
    )
    return model_manifest_pb2.ModelManifest(latent_space=space)


MANIFESTS = {"gan": _manifest(*CLASSES), "vae": _manifest(*CLASSES), "plain": _manifest()}


def serving_images(*refusals: Refusal, closed: bool = False) -> AbstractAsyncContextManager[FakeServer]:
    """Serve pictures of latent space until the block is left; see `fake_server.serving`."""

    def add(fake: FakeServer, server: grpc.aio.Server) -> None:
        fake.manifests |= MANIFESTS
        image_service_pb2_grpc.add_ImageServiceServicer_to_server(FakeImages(fake), server)

    return serving(*refusals, closed=closed, add=add)


def picture(latent: Iterable[float], form: Any = wire.PICTURE_FORMAT_PNG, **more: Any) -> wire.Picture:
    """A square whose brightness is the latent's first number."""
    values = [float(value) for value in latent]
    message = wire.Picture(latent=wire.Latent(values=values), **more)
    if form == wire.PICTURE_FORMAT_TENSOR:
        data = np.full((1, SIDE, SIDE), values[0], "<f4")
        message.tensor.CopyFrom(
            tensor_pb2.Tensor(element_type=tensor_pb2.ELEMENT_TYPE_FLOAT32, shape=data.shape, data=data.tobytes())
        )
    else:
        message.png = png(int(np.clip(values[0], 0, 255)))
    return message


def png(brightness: int) -> bytes:
    """A grey square as a file."""
    file = io.BytesIO()
    Image.new("L", (SIDE, SIDE), brightness).save(file, "PNG")
    return file.getvalue()


def _samples(request: wire.SampleRequest | wire.StreamSampleRequest) -> Iterable[wire.Picture]:
    seed = request.seed if request.HasField("seed") else CHOSEN_SEED
    for index in range(request.first_index, request.first_index + request.count):
        if request.model == "plain":
            yield picture((index, seed % 1000, 0, 0), request.format)
            continue
        which = _asked(request.class_condition) if request.HasField("class_condition") else index % len(CLASSES)
        yield picture((index, seed % 1000, which, 0), request.format, class_index=which)


def _asked(condition: wire.ClassCondition) -> int:
    if not condition.HasField("name"):
        return condition.index
    return CLASSES.index(condition.name) if condition.name in CLASSES else int(condition.name)


def _encoded(file: bytes) -> list[float]:
    return [float(np.asarray(Image.open(io.BytesIO(file)).convert("L")).mean()), 1, 2, 3]


def _latent(source: wire.PictureOrLatent) -> Any:
    return np.array(source.latent.values if source.HasField("latent") else _encoded(source.image.encoded))


def _moved(latent: Any, dimension: int, by: float) -> Any:
    moved = np.array(latent, float)
    moved[dimension] += by
    return moved


def _metadata(request: Any) -> response_metadata_pb2.ResponseMetadata:
    metadata = response_metadata_pb2.ResponseMetadata(
        model=request.model, version=2, execution_provider="CPUExecutionProvider"
    )
    if isinstance(request, wire.SampleRequest | wire.StreamSampleRequest):
        metadata.seed = request.seed if request.HasField("seed") else CHOSEN_SEED
    return metadata
