"""A question for each RPC that runs a model, by hand: each is answered by a model of `every_task`."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc import aio
from podium.v1 import captioning_service_pb2 as captioning
from podium.v1 import classification_service_pb2 as classification
from podium.v1 import decoding_pb2, image_pb2
from podium.v1 import forecast_service_pb2 as forecasting
from podium.v1 import image_service_pb2 as images
from podium.v1 import text_service_pb2 as texts
from podium_server.oip.messages import DESCRIPTOR as OPEN_INFERENCE
from podium_server.oip.messages import ModelInferRequest

from tests.server.forecasting.asking import series, vector
from tests.server.pictures.wires import latent, point
from tests.server.services import networks
from tests.server.video.asking import clip, stream, tensor

FILES = (captioning, classification, forecasting, images, texts)
METHODS: Mapping[str, MethodDescriptor] = {
    method.name: method for file in FILES for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
} | {
    method.name: method for method in OPEN_INFERENCE.services_by_name["GRPCInferenceService"].methods
    if method.name in ("ModelInfer", "ModelStreamInfer")
}  # fmt: skip
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of one RPC.

    Attributes:
        method: the RPC.
        requests: one, or those of a stream.
    """

    method: MethodDescriptor
    requests: Sequence[Message]

    def begin(self, channel: aio.Channel) -> Any:
        """Begin the call; requests of a stream are still to be written."""
        method = self.method
        kind = f"{'stream' if method.client_streaming else 'unary'}_{'stream' if method.server_streaming else 'unary'}"
        call = getattr(channel, kind)(
            f"/{method.containing_service.full_name}/{method.name}",
            request_serializer=GetMessageClass(method.input_type).SerializeToString,
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )
        if method.client_streaming:
            return call(iter(self.requests), timeout=PATIENCE_S)
        return call(self.requests[0], timeout=PATIENCE_S)

    async def ask(self, channel: aio.Channel) -> int:
        """Ask, and give the version that answered.

        Raises:
            AioRpcError: it was not answered.
        """
        call = self.begin(channel)
        answers = [each async for each in call] if self.method.server_streaming else [await call]
        (version,) = {version for version in map(_version, answers) if version}
        return version


def _version(answer: Any) -> int:
    """The version that an answer names; 0: none, as those of a stream after the first."""
    return int(answer.metadata.version if hasattr(answer, "metadata") else answer.model_version)


def small_png() -> bytes:
    """A small grey picture."""
    file = io.BytesIO()
    PIL.Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(file, "PNG")
    return file.getvalue()


def tensor_request() -> Any:
    """One row for y = factor · x."""
    row = ModelInferRequest.InferInputTensor(name="x", datatype="FP32", shape=[1, 3])
    return ModelInferRequest(model_name="double", inputs=[row], raw_input_contents=[np.ones(3, "<f4").tobytes()])


def questions() -> Mapping[str, Question]:
    """All of them, by a name each; those of `ModelStreamInfer` are asked on one stream, and are not here."""
    seen, grey = networks.picture(0.1, 0.9, 0.3, 0.5), networks.picture(0, 0.25, 0.5, 1)
    frames = [tensor(np.eye(3, dtype=np.float32)[number % 3]) for number in range(8)]
    decoding = decoding_pb2.Decoding(max_tokens=40)
    text: Any = {"model": "letters", "prompt": "ab", "decoding": decoding, "seed": 1}
    observed = series(vector(0, 1, 2), vector(1.5, 3, 4), times=[0, 2, 5])
    alone: Mapping[str, Message] = {
        "Classify": classification.ClassifyRequest(
            model="classifier", images=[image_pb2.Image(encoded=small_png())]
        ),
        "Caption": captioning.CaptionRequest(model="captioner", images=[seen]),
        "StreamCaption": captioning.StreamCaptionRequest(model="captioner", image=seen),
        "Generate": texts.GenerateRequest(**text),
        "StreamGenerate": texts.StreamGenerateRequest(**text),
        "Score": texts.ScoreRequest(model="letters", texts=["abcdefgh"]),
        "Translate": texts.TranslateRequest(model="translator", texts=["eine katze sitzt"]),
        "Sample": images.SampleRequest(model="painter", count=4, seed=1),
        "StreamSample": images.StreamSampleRequest(model="painter", count=20, seed=1),
        "Encode": images.EncodeRequest(model="faces", images=[grey]),
        "Decode": images.DecodeRequest(model="faces", latents=[latent(0, 0.25, 0.5, 1)]),
        "Reconstruct": images.ReconstructRequest(model="faces", images=[grey]),
        "Interpolate": images.InterpolateRequest(
            model="faces", start=point(0, 0, 0, 1), end=images.PictureOrLatent(image=grey), steps=4
        ),
        "Traverse": images.TraverseRequest(
            model="faces", origin=point(0, 0, 0, 1), dimensions=[0, 3], low=-1, high=1, steps=3
        ),
        "Edit": images.EditRequest(model="faces", sources=[point(0, 0, 0, 1)], direction="smile", strengths=[-1, 1]),
        "Forecast": forecasting.ForecastRequest(model="forecaster", series=[observed], num_samples=3, seed=1),
        "ModelInfer": tensor_request(),
    }  # fmt: skip
    streamed: Mapping[str, Sequence[Message]] = {
        "ClassifyVideo": [*clip("frames", frames)],
        "ClassifyVideo in steps": [*clip("sums", frames)],
        "ClassifyFrames": [*stream("frames", frames)],
        "ClassifyFrames in steps": [*stream("sums", frames)],
    }
    requests = {**{name: [request] for name, request in alone.items()}, **streamed}
    return {name: Question(METHODS[name.split()[0]], each) for name, each in requests.items()}
