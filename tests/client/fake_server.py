"""A real gRPC server around services that answer what a test wants."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode
from grpc_health.v1 import _async as _health  # pyright: ignore[reportAttributeAccessIssue]
from grpc_health.v1 import health_pb2, health_pb2_grpc
from podium.v1 import (
    classification_service_pb2,
    classification_service_pb2_grpc,
    image_pb2,
    model_manifest_pb2,
    model_service_pb2,
    model_service_pb2_grpc,
    response_metadata_pb2,
)
from podium_client.event_loop_thread import EventLoopThread

DETAILS_KEY = "grpc-status-details-bin"


@dataclass(frozen=True, slots=True)
class Refusal:
    """How a server refuses a call."""

    code: StatusCode
    message: str = "no"
    details: tuple[Message, ...] = ()

    def status(self) -> status_pb2.Status:
        """As it stands in the trailing metadata."""
        status = status_pb2.Status(code=self.code.value[0], message=self.message)
        for detail in self.details:
            packed = any_pb2.Any()
            packed.Pack(detail)
            status.details.append(packed)
        return status

    async def abort(self, context: Any) -> None:
        metadata = ((DETAILS_KEY, self.status().SerializeToString()),) if self.details else ()
        await context.abort(self.code, self.message, metadata)


def reason(name: str, **metadata: str) -> error_details_pb2.ErrorInfo:
    """The detail that every error of a podium server carries."""
    return error_details_pb2.ErrorInfo(reason=name, domain="podium", metadata=metadata)


def retry_in(seconds: float) -> error_details_pb2.RetryInfo:
    """The detail that says when to come back."""
    delay = duration_pb2.Duration()
    delay.FromNanoseconds(round(seconds * 1e9))
    return error_details_pb2.RetryInfo(retry_delay=delay)


OVERLOADED = Refusal(StatusCode.RESOURCE_EXHAUSTED, "the queue is full", (reason("QUEUE_FULL"), retry_in(0.001)))
NOT_READY = Refusal(StatusCode.UNAVAILABLE, "the model is loading", (reason("NOT_READY"),))


@dataclass
class FakeServer:
    """Answers every picture with the class of its first byte, after refusing as often as it was told to.

    Attributes:
        refusals: how the first calls are refused, one each.
        requests: every Classify request that came, in order.
        image_requests: every call of the services of pictures and texts, in order.
        gate: calls wait for it.
        stream_gate: every answer of a stream but the first waits for it.
        manifests: of the models that can be described.
        models: what it lists.
        aliases: of the model "digits", by name.
        stream_refusal: how a stream ends after its first answer; None: as it should.
        arrived: set when a call has come.
        left: set when a caller left at the gate.
        num_calls: calls that came.
        most_inside: the most calls that were at the gate at once.
        request_ids: the id that each call brought.
        deadlines: seconds that each call had left when it came; None: no limit.
        port: where it listens.
        health: what it says of its own health.
    """

    refusals: list[Refusal] = field(default_factory=list[Refusal])
    requests: list[classification_service_pb2.ClassifyRequest] = field(
        default_factory=list[classification_service_pb2.ClassifyRequest]
    )
    image_requests: list[Any] = field(default_factory=list[Any])
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    stream_gate: asyncio.Event = field(default_factory=asyncio.Event)
    manifests: dict[str, model_manifest_pb2.ModelManifest] = field(
        default_factory=lambda: {"digits": model_manifest_pb2.ModelManifest(description="Handwritten digits.")}
    )
    models: list[model_service_pb2.Model] = field(default_factory=lambda: [DIGITS])
    aliases: dict[str, model_service_pb2.Alias] = field(default_factory=dict[str, model_service_pb2.Alias])
    stream_refusal: Refusal | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    num_calls: int = 0
    most_inside: int = 0
    _inside: int = 0
    request_ids: list[str] = field(default_factory=list[str])
    deadlines: list[float | None] = field(default_factory=list[float | None])
    port: int = 0
    health: _health.HealthServicer = field(default_factory=_health.HealthServicer)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def admit(self, context: Any) -> None:
        self.num_calls += 1
        self.deadlines.append(context.time_remaining())
        self.request_ids.append(dict(context.invocation_metadata())["x-request-id"])
        self.arrived.set()
        if self.refusals:
            await self.refusals.pop(0).abort(context)
        self._inside += 1
        self.most_inside = max(self.most_inside, self._inside)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.left.set()
            raise
        finally:
            self._inside -= 1

    async def go_on(self, context: Any) -> None:
        """Stand between two answers of a stream."""
        if self.stream_refusal:
            await self.stream_refusal.abort(context)
        try:
            await self.stream_gate.wait()
        except asyncio.CancelledError:
            self.left.set()
            raise


class FakeClassification(classification_service_pb2_grpc.ClassificationServiceServicer):
    """The classifier of a fake server."""

    def __init__(self, fake: FakeServer) -> None:
        self._fake = fake

    async def Classify(
        self, request: classification_service_pb2.ClassifyRequest, context: Any
    ) -> classification_service_pb2.ClassifyResponse:
        self._fake.requests.append(request)
        await self._fake.admit(context)
        return classification_service_pb2.ClassifyResponse(
            metadata=response_metadata_pb2.ResponseMetadata(
                model=request.model,
                version=3,
                execution_provider="CPUExecutionProvider",
                timings=response_metadata_pb2.Timings(total_ms=4, preprocess_ms=1, queue_ms=0.5, run_ms=2),
            ),
            results=[_result(image, request) for image in request.images],
        )

    async def ClassifyVideo(
        self, request_iterator: Any, context: Any
    ) -> classification_service_pb2.ClassifyVideoResponse:
        async for _ in request_iterator:
            pass
        await self._fake.admit(context)
        return classification_service_pb2.ClassifyVideoResponse(
            metadata=response_metadata_pb2.ResponseMetadata(version=3),
            result=classification_service_pb2.ClassificationResult(),
        )

    def ClassifyFrames(self, request_iterator: Any, context: Any) -> Any:
        raise NotImplementedError


def _result(
    image: image_pb2.Image, request: classification_service_pb2.ClassifyRequest
) -> classification_service_pb2.ClassificationResult:
    first_byte = image.encoded[0] if image.encoded else 0
    classes = [
        classification_service_pb2.ClassScore(index=first_byte, label=f"byte {first_byte}", probability=0.75),
        classification_service_pb2.ClassScore(index=7, label="", probability=0.25),
    ]
    return classification_service_pb2.ClassificationResult(
        classes=classes[: request.top_k], logits=[0.5] * 256 if request.return_logits else []
    )


PLAN = model_service_pb2.ExecutionPlan(
    graph="model", max_batch_rows=4, num_sessions=2, num_threads=1, rows_per_second=430.5, source="measured"
)
DIGITS: model_service_pb2.Model = model_service_pb2.Model(
    name="digits",
    default_version=2,
    versions=[
        model_service_pb2.ModelVersion(
            version=2,
            state=model_service_pb2.VERSION_STATE_READY,
            task=model_manifest_pb2.TASK_IMAGE_CLASSIFICATION,
            execution_provider="CPUExecutionProvider",
            plans=[PLAN],
            load_s=0.25,
        ),
        model_service_pb2.ModelVersion(
            version=3,
            state=model_service_pb2.VERSION_STATE_UNAVAILABLE,
            reason="model.onnx: its digest is not the manifest's",
        ),
    ],
)


class FakeModels(model_service_pb2_grpc.ModelServiceServicer):
    """The catalogue of a fake server, which has the model "digits" unless told otherwise."""

    def __init__(self, fake: FakeServer) -> None:
        self._fake = fake

    async def ListModels(self, request: Any, context: Any) -> Any:
        await self._fake.admit(context)
        return model_service_pb2.ListModelsResponse(models=self._fake.models)

    async def GetModel(self, request: Any, context: Any) -> Any:
        await self._check(request.model, context)
        name = request.model.partition("/")[0]
        manifest = self._fake.manifests[name]
        return model_service_pb2.GetModelResponse(name=name, version=DIGITS.versions[0], manifest=manifest)

    async def LoadModel(self, request: Any, context: Any) -> Any:
        await self._check(request.model, context)
        return model_service_pb2.LoadModelResponse(model=DIGITS)

    async def UnloadModel(self, request: Any, context: Any) -> Any:
        await self._check(request.model, context)
        return model_service_pb2.UnloadModelResponse(model=DIGITS)

    async def SetAlias(self, request: Any, context: Any) -> Any:
        await self._check(request.model, context)
        self._fake.aliases[request.alias.name] = request.alias
        return model_service_pb2.SetAliasResponse(model=self._with_aliases())

    async def DeleteAlias(self, request: Any, context: Any) -> Any:
        await self._check(request.model, context)
        del self._fake.aliases[request.alias]
        return model_service_pb2.DeleteAliasResponse(model=self._with_aliases())

    def _with_aliases(self) -> model_service_pb2.Model:
        """The model "digits" as it is now; listed so from then on."""
        model = model_service_pb2.Model()
        model.CopyFrom(DIGITS)
        model.aliases.extend(self._fake.aliases.values())
        self._fake.models = [model]
        return model

    async def _check(self, name: str, context: Any) -> None:
        await self._fake.admit(context)
        if name.partition("/")[0] not in self._fake.manifests:
            message = f"no model {name!r}"
            await Refusal(StatusCode.NOT_FOUND, message, (reason("MODEL_NOT_FOUND"),)).abort(context)


@asynccontextmanager
async def serving(
    *refusals: Refusal,
    port: int = 0,
    closed: bool = False,
    max_request_bytes: int = -1,
    add: Callable[[FakeServer, grpc.aio.Server], None] = lambda _fake, _server: None,
) -> AsyncGenerator[FakeServer, None]:
    """Serve until the block is left.

    Args:
        refusals: how the first calls are refused.
        port: where; 0: a free one.
        closed: calls wait for the gate to be set.
        max_request_bytes: larger requests are refused by gRPC itself; -1: none.
        add: adds one more service.
    """
    fake = FakeServer(list(refusals))
    if not closed:
        fake.gate.set()
        fake.stream_gate.set()
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", max_request_bytes)])
    classification_service_pb2_grpc.add_ClassificationServiceServicer_to_server(FakeClassification(fake), server)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(FakeModels(fake), server)
    health_pb2_grpc.add_HealthServicer_to_server(fake.health, server)
    add(fake, server)
    await fake.health.set("", health_pb2.HealthCheckResponse.SERVING)
    fake.port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield fake
    finally:
        await server.stop(None)


@contextmanager
def in_a_thread(serving: AbstractAsyncContextManager[FakeServer]) -> Generator[FakeServer]:
    """Serve in another thread's event loop, for programs that have none."""
    with closing(EventLoopThread("server")) as thread:
        fake = thread.run(serving.__aenter__())
        try:
            yield fake
        finally:
            thread.run(serving.__aexit__(None, None, None))
