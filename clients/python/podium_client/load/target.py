"""The request that a load repeats, made for one model from what the server says of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from grpc import ChannelCredentials
from podium.v1 import classification_service_pb2, image_pb2, model_manifest_pb2

from podium_client.catalogue import ModelDescription
from podium_client.errors import WrongTaskError
from podium_client.images import encode_images
from podium_client.load.infer_request import PATH, infer_request
from podium_client.load.random_inputs import random_inputs
from podium_client.model_calls import ModelCalls

_CLASSIFY = "/podium.v1.ClassificationService/Classify"


@dataclass(frozen=True, slots=True)
class Payload:
    """What the request carries: the network's own input, random, unless a picture is asked for.

    Attributes:
        image: a picture's file, for Classify.
        typed: Classify a random picture.
        axes: lengths of dynamic axes of the network's own input; 1 where not given.
        seed: of what is random.
    """

    image: Path | None = None
    typed: bool = False
    axes: Mapping[str, int] = field(default_factory=dict[str, int])
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Target:
    """What is sent where.

    Attributes:
        description: the version that is measured.
        path: the RPC.
        request: its serialised request.
        what: the request in words.
    """

    description: ModelDescription
    path: str
    request: bytes
    what: str


class _Trial(ModelCalls):
    """Describes a model, and sends a request once."""

    async def send(self, target: Target) -> None:
        """Send a request, and pass over the answer.

        Raises:
            PodiumError: the call fails.
        """
        rpc = self._channel.unary_unary(target.path, _as_is, _as_is)
        await self._caller.call(rpc, target.request, self._limit_s(None))


async def prepare(
    address: str,
    model: str,
    payload: Payload,
    *,
    credentials: ChannelCredentials | None = None,
    token: str | None = None,
) -> Target:
    """Describe a model, make a request for it, and send it once.

    Sent once, what is wrong with it is said in the server's words before there is any load.

    Args:
        address: HOST:PORT of the server.
        model: "name", "name/version" or "name@alias".
        payload: what the request carries.
        credentials: for TLS; None: without.
        token: says who calls; None: nothing does.

    Raises:
        PodiumError: there is no such server or model, it cannot be called like this, or the call fails.
    """
    async with _Trial(address, credentials=credentials, token=token) as trial:
        description = await trial.model(model)
        typed = payload.typed or payload.image is not None
        target = _classify(description, model, payload) if typed else _infer(description, payload)
        await trial.send(target)
    return target


def _infer(description: ModelDescription, payload: Payload) -> Target:
    graphs = description.manifest.graphs
    if description.manifest.task == model_manifest_pb2.TASK_TEXT_GENERATION:
        raise WrongTaskError(f"model: {description.name!r} writes texts; give --prompt TEXT to have it continued")
    if len(graphs) != 1:
        names = ", ".join(graph.name for graph in graphs)
        raise WrongTaskError(f"model: {description.name!r} has {len(graphs)} graphs ({names}); only one can be called")
    inputs = random_inputs(graphs[0], payload.axes, payload.seed)
    shapes = ", ".join(f"{x.name} {x.datatype} {'×'.join(map(str, x.shape)) or 'scalar'}" for x in inputs)
    request = infer_request(description.name, description.version.version, inputs)
    return Target(description, PATH, request, f"ModelInfer, {shapes}")


def _classify(description: ModelDescription, model: str, payload: Payload) -> Target:
    task = description.manifest.task
    if task != model_manifest_pb2.TASK_IMAGE_CLASSIFICATION:
        raise WrongTaskError(f"model: {model!r} classifies no pictures; leave out --image and --typed")
    wanted = description.manifest.image_preprocessing
    channels = () if wanted.color_mode == image_pb2.COLOR_MODE_GRAY else (3,)
    pixels = np.random.default_rng(payload.seed).integers(
        0, 256, (wanted.height, wanted.width, *channels), dtype=np.uint8
    )
    picture = encode_images([payload.image or pixels])
    request = classification_service_pb2.ClassifyRequest(model=model, images=picture)
    what = (
        f"Classify, {payload.image.name}"
        if payload.image
        else f"Classify, a random picture of {wanted.width}×{wanted.height}"
    )
    return Target(description, _CLASSIFY, request.SerializeToString(), what)


def _as_is(message: bytes) -> bytes:
    return message
