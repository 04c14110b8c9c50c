"""Constant load of every task on a server: callers who call again as soon as they are answered."""

import asyncio
import io
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import PIL.Image
from google.protobuf.message import Message
from grpc import aio
from onnx.reference import ReferenceEvaluator
from podium.v1 import (
    captioning_service_pb2,
    captioning_service_pb2_grpc,
    classification_service_pb2,
    classification_service_pb2_grpc,
    decoding_pb2,
    image_pb2,
    image_service_pb2,
    image_service_pb2_grpc,
    tensor_pb2,
    text_service_pb2,
    text_service_pb2_grpc,
)
from podium.v1 import model_manifest_pb2 as pb
from podium_server.oip.messages import ModelInferRequest, ModelInferResponse, ModelStreamInferResponse

from tests.server.packages import small_lenet, write_package
from tests.server.pictures import models as pictures
from tests.server.publishing import publish
from tests.server.services import networks

MODELS = ("classifier", "captioner", "double", "letters", "painter", "translator")
_PROTOCOL = "/inference.GRPCInferenceService/"


def write_all(repository: Path) -> None:
    """Write version 1 of a model of each task."""
    write_classifier(repository / "classifier" / "1")
    networks.write_captioner(repository / "captioner" / "1")
    publish(repository, "double", 1)
    networks.write_letters(repository / "letters" / "1")
    space = pb.LatentSpace(parts=[pictures.normal(16)])
    pictures.write_model(repository / "painter" / "1", {"decoder": pictures.painter()}, latent_space=space)
    networks.write_translator(repository / "translator" / "1")


def write_classifier(folder: Path) -> None:
    """Write a classifier of 12×12 grey pictures, whose golden answers are those of ONNX's reference evaluator."""
    model = small_lenet()
    x = np.random.default_rng(0).random((2, 1, 12, 12), np.float32)
    y = ReferenceEvaluator(onnx.load_from_string(model)).run(None, {"x": x})[0]  # type: ignore[index]
    image = image_pb2.ImagePreprocessing(
        height=12,
        width=12,
        color_mode=image_pb2.COLOR_MODE_GRAY,
        resize_mode=image_pb2.RESIZE_MODE_STRETCH,
        interpolation=image_pb2.INTERPOLATION_BILINEAR,
        rescale=1 / 255,
        layout=image_pb2.IMAGE_LAYOUT_NCHW,
    )
    graph = pb.Graph(name="model", file="model.onnx", batch_axis="batch")
    graph.inputs.append(_spec("x", 1, 12, 12))
    graph.outputs.append(_spec("y", 10))
    labels = [f"class {number}" for number in range(10)]
    manifest = {
        "task": pb.TASK_IMAGE_CLASSIFICATION,
        "graphs": [graph],
        "image_preprocessing": image,
        "classification": pb.Classification(labels=labels, score_kind=pb.SCORE_KIND_LOGITS),
    }
    write_package(folder, model, golden={"0/model/inputs/x": x, "0/model/outputs/y": y}, manifest=manifest)


def _spec(name: str, *shape: int) -> tensor_pb2.TensorSpec:
    axes = [tensor_pb2.Dimension(axis="batch"), *(tensor_pb2.Dimension(size=size) for size in shape)]
    return tensor_pb2.TensorSpec(name=name, element_type=tensor_pb2.ELEMENT_TYPE_FLOAT32, shape=axes)


def small_png() -> bytes:
    """A small grey picture."""
    file = io.BytesIO()
    PIL.Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(file, "PNG")
    return file.getvalue()


@dataclass(slots=True)
class Load:
    """What callers saw.

    Attributes:
        seconds: of each answered call, by the name of its kind.
        failures: of the calls that were not answered.
        versions: that answered, by the name of the kind.
        stopping: whether callers call no more.
        stopping_after: calls of each caller; None for any number.
    """

    seconds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    failures: list[str] = field(default_factory=list[str])
    versions: dict[str, set[int]] = field(default_factory=dict[str, set[int]])
    stopping: bool = False
    stopping_after: int | None = None

    async def go_on(self, name: str, call: Callable[[], Awaitable[int]]) -> None:
        """Call until told to stop."""
        seconds = self.seconds.setdefault(name, [])
        while not self.stopping and (self.stopping_after is None or len(seconds) < self.stopping_after):
            began = time.monotonic()
            try:
                version = await call()
            except aio.AioRpcError as error:
                self.failures.append(f"{name}: {error.code().name}: {error.details()}")
                if self.stopping_after is not None:
                    return
                await asyncio.sleep(0)
                continue
            seconds.append(time.monotonic() - began)
            self.versions.setdefault(name, set()).add(version)

    async def go_on_streaming(self, channel: aio.Channel) -> None:
        """Ask again and again on one stream, which must not end."""
        open_stream: Any = channel.stream_stream(
            _PROTOCOL + "ModelStreamInfer",
            request_serializer=ModelInferRequest.SerializeToString,
            response_deserializer=ModelStreamInferResponse.FromString,
        )
        stream = open_stream()

        async def ask() -> int:
            await stream.write(tensor_request())
            answer = await stream.read()
            if answer.error_message:
                self.failures.append(f"stream: {answer.error_message}")
            return int(answer.infer_response.model_version or 0)

        await self.go_on("stream", ask)
        await stream.done_writing()


def tensor_request() -> Any:
    """One row for y = factor · x."""
    tensor = ModelInferRequest.InferInputTensor(name="x", datatype="FP32", shape=[1, 3])
    return ModelInferRequest(model_name="double", inputs=[tensor], raw_input_contents=[np.ones(3, "<f4").tobytes()])


def callers(channel: aio.Channel, load: Load) -> Sequence[Awaitable[None]]:
    """One caller of each kind of call."""
    classifier: Any = classification_service_pb2_grpc.ClassificationServiceStub(channel)
    captioner: Any = captioning_service_pb2_grpc.CaptioningServiceStub(channel)
    painter: Any = image_service_pb2_grpc.ImageServiceStub(channel)
    writer: Any = text_service_pb2_grpc.TextServiceStub(channel)
    infer: Any = channel.unary_unary(
        _PROTOCOL + "ModelInfer",
        request_serializer=ModelInferRequest.SerializeToString,
        response_deserializer=ModelInferResponse.FromString,
    )
    picture = image_pb2.Image(encoded=small_png())
    written = decoding_pb2.Decoding(max_tokens=40)

    def unary(method: Any, request: Message) -> Callable[[], Awaitable[int]]:
        async def call() -> int:
            answer = await method(request, timeout=60)
            return int(answer.metadata.version)

        return call

    async def tensors() -> int:
        return int((await infer(tensor_request(), timeout=60)).model_version)

    async def stream() -> int:
        version = 0
        request = text_service_pb2.StreamGenerateRequest(model="letters", prompt="ab", decoding=written, seed=1)
        answers: AsyncIterator[text_service_pb2.StreamGenerateResponse] = writer.StreamGenerate(request, timeout=60)
        async for answer in answers:
            version = answer.metadata.version or version
        return version

    kinds: dict[str, Callable[[], Awaitable[int]]] = {
        "classify": unary(
            classifier.Classify, classification_service_pb2.ClassifyRequest(model="classifier", images=[picture])
        ),
        "caption": unary(
            captioner.Caption,
            captioning_service_pb2.CaptionRequest(model="captioner", images=[networks.picture(0.1, 0.9, 0.3, 0.5)]),
        ),
        "sample": unary(painter.Sample, image_service_pb2.SampleRequest(model="painter", count=4, seed=1)),
        "generate": unary(
            writer.Generate,
            text_service_pb2.GenerateRequest(model="letters", prompt="ab", decoding=written, seed=1),
        ),
        "translate": unary(
            writer.Translate, text_service_pb2.TranslateRequest(model="translator", texts=["eine katze sitzt"])
        ),
        "infer": tensors,
        "stream text": stream,
    }
    return [load.go_on(name, call) for name, call in kinds.items()] + [load.go_on_streaming(channel)]
