"""`ClassificationService` over a real gRPC server; only the graphs are fakes, whose scores the caller chooses."""

import gc
import weakref
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import torch
from google.rpc import error_details_pb2, status_pb2
from numpy.typing import NDArray
from podium.v1 import classification_service_pb2 as wire
from podium.v1 import classification_service_pb2_grpc as stubs
from podium.v1 import image_pb2, tensor_pb2
from podium.v1 import model_manifest_pb2 as pb
from podium_server.batching.batcher import Batcher
from podium_server.catalogue import Catalogue
from podium_server.elements import BY_OIP
from podium_server.gate import Gate
from podium_server.imaging.pool import ImagePool
from podium_server.metrics import Metrics
from podium_server.plan import Layout, Plan
from podium_server.rpc import handlers
from podium_server.servable import Servable
from podium_server.services.classification import ClassificationService
from podium_server.settings import Settings
from podium_server.signature import Signature, TensorSpec
from podium_server.status import DETAILS_KEY
from podium_server.usage import Usage
from podium_server.versions.policy import Policy

from tests.server.imaging.pictures import photo, png

LABELS = ("north", "east", "south", "west")
INF, NAN = float("inf"), float("nan")
SERVICE = wire.DESCRIPTOR.services_by_name["ClassificationService"]


class Identity:
    """The graph y = x, flattened: four pixels in, the scores of four classes out. Keeps its batch sizes.

    Attributes:
        added: what is added to its output, for a graph that diverges.
    """

    def __init__(self) -> None:
        self.batch_sizes: list[int] = []
        self.added: NDArray[Any] | None = None

    def run(self, inputs: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        """Run at once."""
        self.batch_sizes.append(len(inputs[0]))
        x = inputs[0] if self.added is None else inputs[0] + self.added
        return (x.reshape(len(x), -1),)


def manifest(**changes: Any) -> pb.ModelManifest:
    """Describe a classifier of 2×2 grey pictures."""
    fields: dict[str, Any] = {
        "task": pb.TASK_IMAGE_CLASSIFICATION,
        "graphs": [pb.Graph(name="model", file="model.onnx")],
        "image_preprocessing": image_pb2.ImagePreprocessing(
            height=2,
            width=2,
            color_mode=image_pb2.COLOR_MODE_GRAY,
            resize_mode=image_pb2.RESIZE_MODE_EXACT,
            rescale=1 / 255,
            layout=image_pb2.IMAGE_LAYOUT_NCHW,
        ),
        "classification": pb.Classification(labels=LABELS, score_kind=pb.SCORE_KIND_LOGITS),
    }
    return pb.ModelManifest(**(fields | changes))


def signature(oip: str = "FP32", *, batched: bool = True) -> Signature:
    """Describe the graph of `manifest`."""
    element, rows = BY_OIP[oip], "batch" if batched else 1
    image, scores = TensorSpec("image", element, (rows, 1, 2, 2)), TensorSpec("scores", element, (rows, 4))
    return Signature((image,), (scores,), batched=batched)


class Desk:
    """A server with the models that a test puts in, and a client for it."""

    def __init__(self, folder: Path) -> None:
        self.metrics = Metrics()
        self.graphs: dict[str, Identity] = {}
        self._made: dict[str, Callable[[], Servable]] = {}
        self._folder = folder
        self.catalogue = Catalogue(folder, Policy(), self._load, self.metrics)
        settings = Settings(repository=folder, cores=1, max_images_per_request=100, max_image_bytes=2000)
        self.pool = ImagePool(1, settings.queue_rows)
        self.service = ClassificationService(self.catalogue, settings, self.pool)
        self.stub: stubs.ClassificationServiceAsyncStub

    async def add(self, name: str, described: pb.ModelManifest, of: Signature | None = None) -> None:
        """Serve a model."""
        graph, of = Identity(), of or signature()
        self.graphs[name] = graph
        rows = 64 if of.batched else 1  # as the loader plans
        usage = Usage(self.metrics.version(name, 1))

        def make() -> Servable:
            batcher = Batcher(
                graph,
                of,
                max_batch_rows=rows,
                num_sessions=1,
                max_waiting_rows=1000,
                observer=usage,
            )
            plans = {"model": Plan(Layout(1, 1), rows, 0.0, "configured")}
            return Servable(name, 1, Path(), described, "CPUExecutionProvider", {"model": batcher}, plans, usage)

        self._made[name] = make
        (self._folder / name / "1").mkdir(parents=True)
        await self.catalogue.load(name)

    async def _load(self, name: str, version: int, path: Path) -> Servable:
        del version, path
        return self._made[name]()

    async def classify(self, model: str, *images: image_pb2.Image, **fields: Any) -> wire.ClassifyResponse:
        """Call the server."""
        return await self.stub.Classify(wire.ClassifyRequest(model=model, images=images, **fields), timeout=30)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A server on a free port with one model, "compass"."""
    desk = Desk(tmp_path)
    await desk.add("compass", manifest())
    server = grpc.aio.server()
    server.add_generic_rpc_handlers([handlers(SERVICE, desk.service, metrics=desk.metrics, gate=Gate())])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        desk.stub = stubs.ClassificationServiceStub(channel)
        yield desk
    await server.stop(None)
    await desk.catalogue.close()
    desk.pool.close()


def tensor(scores: Sequence[float], oip: str = "FP32", shape: Sequence[int] = (1, 2, 2)) -> image_pb2.Image:
    """Make a tensor whose scores are these."""
    element = BY_OIP[oip]
    data = np.array(scores, element.dtype).tobytes()
    return image_pb2.Image(tensor=tensor_pb2.Tensor(element_type=element.proto, shape=shape, data=data))


def encoded(*pixels: int) -> image_pb2.Image:
    """Encode a 2×2 grey picture."""
    return image_pb2.Image(encoded=png(np.array(pixels, np.uint8).reshape(2, 2), 8, 0))


def bytes_of(result: wire.ClassificationResult) -> bytes:
    """Return what a result is on the wire."""
    return result.SerializeToString(deterministic=True)


async def test_classes_come_best_first_with_labels_and_softmax_probabilities(desk: Desk) -> None:
    """Probabilities are PyTorch's softmax."""
    scores = [0.5, -1.0, 3.0, 2.0]
    response = await desk.classify("compass", tensor(scores))
    (result,) = response.results
    expected = torch.softmax(torch.tensor(scores, dtype=torch.float64), 0)
    assert [(each.index, each.label) for each in result.classes] == [
        (2, "south"),
        (3, "west"),
        (0, "north"),
        (1, "east"),
    ]
    for each in result.classes:
        assert each.probability == pytest.approx(float(expected[each.index]), rel=1e-6)
    assert not result.logits


async def test_an_encoded_picture_is_what_its_tensor_is(desk: Desk) -> None:
    """Pixels of 0 … 255, times 1/255, are the network's input; both forms may share a call."""
    pixels = (255, 0, 51, 102)
    response = await desk.classify("compass", encoded(*pixels), tensor([value / 255 for value in pixels]))
    first, second = response.results
    assert [each.label for each in first.classes] == ["north", "west", "south", "east"]
    for a, b in zip(first.classes, second.classes, strict=True):
        assert a.index == b.index
        assert a.probability == pytest.approx(b.probability, abs=1e-6)


@pytest.mark.parametrize(
    "scores", [[1.0, 1.0, 1.0, 1.0], [-INF, 0.0, -INF, -INF], [1e4, -1e4, 3e38, -3e38]], ids=["equal", "sure", "large"]
)
async def test_softmax_is_stable_and_equals_come_by_the_lower_index(desk: Desk, scores: list[float]) -> None:
    """Large scores overflow nothing; minus infinity is a probability of 0."""
    (result,) = (await desk.classify("compass", tensor(scores))).results
    expected = torch.softmax(torch.tensor(scores, dtype=torch.float64), 0)
    np.testing.assert_allclose([c.probability for c in result.classes], [expected[c.index] for c in result.classes])
    assert [c.index for c in result.classes] == sorted(range(4), key=lambda i: (-scores[i], i))


@pytest.mark.parametrize(("top_k", "named"), [(0, 4), (1, 1), (2, 2), (100, 4), (2**32 - 1, 4)])
async def test_top_k_is_capped_by_the_number_of_classes(desk: Desk, top_k: int, named: int) -> None:
    """0 asks for 5; this model has 4."""
    (result,) = (await desk.classify("compass", tensor([4, 3, 2, 1]), top_k=top_k)).results
    assert [each.index for each in result.classes] == list(range(named))


async def test_logits_are_the_raw_output_when_asked_for(desk: Desk) -> None:
    """In the order of the classes, not of the ranking."""
    (result,) = (await desk.classify("compass", tensor([0.25, 4, -3, 2]), return_logits=True)).results
    assert list(result.logits) == [0.25, 4, -3, 2]


async def test_the_answer_says_who_answered_and_where_the_time_went(desk: Desk) -> None:
    """Model and version without alias, the provider, and parts that fit into the whole."""
    metadata = (await desk.classify("compass/1", tensor([1, 2, 3, 4]))).metadata
    assert (metadata.model, metadata.version) == ("compass", 1)
    assert metadata.execution_provider == "CPUExecutionProvider"
    timings = metadata.timings
    assert timings.total_ms > 0
    assert timings.preprocess_ms + timings.queue_ms + timings.run_ms <= timings.total_ms


async def test_one_call_of_many_and_many_calls_of_one_give_the_same_bytes(desk: Desk) -> None:
    """What shares a call, and a run, changes nothing."""
    numbers = np.random.default_rng(0).normal(0, 5, (100, 4))
    images = [tensor(row) for row in numbers.tolist()]
    together = (await desk.classify("compass", *images, return_logits=True)).results
    alone = [(await desk.classify("compass", image, return_logits=True)).results[0] for image in images]
    assert [bytes_of(result) for result in together] == [bytes_of(result) for result in alone]


async def test_a_leading_axis_of_one_is_taken(desk: Desk) -> None:
    """Clients often keep the batch axis."""
    with_axis = await desk.classify("compass", tensor([1, 2, 3, 4], shape=(1, 1, 2, 2)))
    without = await desk.classify("compass", tensor([1, 2, 3, 4]))
    assert bytes_of(with_axis.results[0]) == bytes_of(without.results[0])


GOOD = tensor([1, 2, 3, 4])


@pytest.mark.parametrize(
    ("images", "field", "message"),
    [
        ([], "images", "images: has 0 pictures; a call must have 1 … 100"),
        ([GOOD] * 101, "images", "images: has 101 pictures; a call must have 1 … 100"),
        ([GOOD, image_pb2.Image()], "images[1]", "images[1]: is empty; it must have encoded or tensor"),
        (
            [GOOD, GOOD, image_pb2.Image(encoded=b"GIF89a")],
            "images[2].encoded",
            "images[2].encoded: is GIF, which is not accepted: send PNG, JPEG or WebP",
        ),
        (
            [image_pb2.Image(encoded=png(np.zeros((3, 2), np.uint8), 8, 0))],
            "images[0].encoded",
            "images[0].encoded: is 2×3 pixels (width × height); this model takes exactly 2×2",
        ),
        (
            [image_pb2.Image(encoded=png(photo(), 8, 2))],
            "images[0].encoded",
            f"images[0].encoded: is {len(png(photo(), 8, 2))} bytes long; at most 2000 are taken",
        ),
        (
            [tensor([1, 2, 3, 4], "FP64")],
            "images[0].tensor.element_type",
            "images[0].tensor.element_type: is FP64; this model takes FP32",
        ),
        (
            [image_pb2.Image(tensor=tensor_pb2.Tensor(shape=[1, 2, 2], data=b"0123456789abcdef"))],
            "images[0].tensor.element_type",
            "images[0].tensor.element_type: is element type 0; this model takes FP32",
        ),
        (
            [tensor([1, 2, 3, 4], shape=(2, 2))],
            "images[0].tensor.shape",
            "images[0].tensor.shape: is [2, 2]; this model takes [1, 2, 2], or the same with a leading 1",
        ),
        (
            [tensor([1, 2, 3, 4], shape=(-1, 2, 2))],
            "images[0].tensor.shape",
            "images[0].tensor.shape: is [-1, 2, 2]; this model takes [1, 2, 2], or the same with a leading 1",
        ),
        (
            [tensor([1, 2, 3, 4], shape=(2**62, 2**62, 2**62))],
            "images[0].tensor.shape",
            f"images[0].tensor.shape: is {[2**62] * 3}; this model takes [1, 2, 2], or the same with a leading 1",
        ),
        (
            [tensor([1, 2, 3])],
            "images[0].tensor.data",
            "images[0].tensor.data: has 12 bytes; its shape and element type take 16",
        ),
    ],
)
async def test_a_bad_picture_is_named_by_its_path(
    desk: Desk, images: list[image_pb2.Image], field: str, message: str
) -> None:
    """INVALID_ARGUMENT, a message for people and the field's path for programs; nothing is run."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await desk.classify("compass", *images)
    error = raised.value
    assert (error.code(), error.details()) == (grpc.StatusCode.INVALID_ARGUMENT, message)
    assert violation(error) == field
    assert desk.graphs["compass"].batch_sizes == []


def violation(error: grpc.aio.AioRpcError) -> str:
    """Return the field that an error's `google.rpc.BadRequest` names."""
    trailer = dict(error.trailing_metadata())[DETAILS_KEY]
    assert isinstance(trailer, bytes)
    bad = error_details_pb2.BadRequest()
    for detail in status_pb2.Status.FromString(trailer).details:
        detail.Unpack(bad)
    return str(bad.field_violations[0].field)


async def refusal(desk: Desk, model: str, *images: image_pb2.Image) -> tuple[grpc.StatusCode, str]:
    """Return the status that a call ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await desk.classify(model, *images)
    return raised.value.code(), raised.value.details() or ""


async def test_a_model_of_another_task_says_what_it_is_for(desk: Desk) -> None:
    """FAILED_PRECONDITION: the model is there, and another service has it."""
    await desk.add("sums", manifest(task=pb.TASK_TENSOR))
    assert await refusal(desk, "sums", GOOD) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "model: 'sums' is for tensors, through the Open Inference Protocol; Classify takes models for image "
        "classification",
    )


@pytest.mark.parametrize(
    ("changes", "of", "message"),
    [
        ({"image_preprocessing": image_pb2.ImagePreprocessing()}, signature(), "image_preprocessing: height is 0;"),
        ({"classification": pb.Classification()}, signature(), "classification.score_kind must be LOGITS or"),
        (
            {"classification": pb.Classification(labels=["a"], score_kind=pb.SCORE_KIND_LOGITS)},
            signature(),
            "classification.labels has 1 names; output 'scores' is ['batch', 4]",
        ),
        ({}, signature("INT64"), "image_preprocessing: the graph's input is INT64"),
        (
            {},
            Signature((TensorSpec("image", BY_OIP["FP32"], ("batch", 3, 2, 2)),), signature().outputs, batched=True),
            "image_preprocessing makes rows of [1, 2, 2]; input 'image' is ['batch', 3, 2, 2]",
        ),
    ],
)
async def test_a_manifest_that_makes_no_classifier_is_explained(
    desk: Desk, changes: dict[str, Any], of: Signature, message: str
) -> None:
    """Whoever made the package learns which field is wrong."""
    await desk.add("broken", manifest(**changes), of)
    code, text = await refusal(desk, "broken", GOOD)
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert text.startswith("model: 'broken' version 1 cannot classify: " + message)


async def test_a_model_that_is_not_there_is_not_found(desk: Desk) -> None:
    """NOT_FOUND, before anything is decoded."""
    code, text = await refusal(desk, "nowhere", image_pb2.Image(encoded=b"no picture"))
    assert code is grpc.StatusCode.NOT_FOUND
    assert "nowhere" in text


@pytest.mark.parametrize("scores", [[NAN, 0.0, 0.0, 0.0], [INF, 0.0, 0.0, 0.0], [-INF] * 4])
async def test_scores_that_are_not_finite_are_an_error_and_not_an_answer(desk: Desk, scores: list[float]) -> None:
    """A diverging network is reported, with the picture that made it diverge."""
    await desk.add("diverging", manifest())
    desk.graphs["diverging"].added = np.array([[[0, 0], [0, 0]], np.reshape(scores, (2, 2))], np.float32)[:, None]
    code, text = await refusal(desk, "diverging", GOOD, GOOD)
    assert code is grpc.StatusCode.INTERNAL
    assert text.startswith("images[1]: the model's scores are not finite")


@pytest.mark.parametrize("numbers", [[NAN, 0.0, 0.0, 0.0], [INF, 0.0, 0.0, 0.0], [-INF] * 4])
async def test_a_tensor_that_is_not_finite_is_the_callers_error(desk: Desk, numbers: list[float]) -> None:
    """The operator is not woken for what a caller sent."""
    code, text = await refusal(desk, "compass", GOOD, tensor(numbers))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert text == "images[1].tensor: holds NaN or infinity; a picture's numbers must all be finite"


async def test_probabilities_stay_as_they_are(desk: Desk) -> None:
    """A network that ends in softmax is not put through another."""
    kind = pb.Classification(score_kind=pb.SCORE_KIND_PROBABILITIES)
    await desk.add("sure", manifest(classification=kind))
    (result,) = (await desk.classify("sure", tensor([0.125, 0.5, 0.25, 0.125]))).results
    assert [(c.index, c.label, c.probability) for c in result.classes] == [
        (1, "", 0.5),
        (2, "", 0.25),
        (0, "", 0.125),
        (3, "", 0.125),
    ]


async def test_a_graph_of_one_row_at_a_time_gets_a_calls_pictures_one_by_one(desk: Desk) -> None:
    """Imported files often have a batch of 1."""
    await desk.add("single", manifest(), signature(batched=False))
    images = [tensor([0, 0, i, 0]) for i in range(5)]
    response = await desk.classify("single", *images, return_logits=True)
    assert [list(result.logits) for result in response.results] == [[0, 0, i, 0] for i in range(5)]
    assert desk.graphs["single"].batch_sizes == [1] * 5


async def test_half_precision_networks_get_half_precision(desk: Desk) -> None:
    """Encoded pictures are prepared in single precision, then rounded; tensors come as FP16."""
    await desk.add("half", manifest(), signature("FP16"))
    response = await desk.classify(
        "half", encoded(255, 0, 51, 102), tensor([1, 0, 0.5, 0.25], "FP16"), return_logits=True
    )
    np.testing.assert_allclose(response.results[0].logits, [1, 0, 0.2, 0.4], atol=5e-4)
    assert list(response.results[1].logits) == [1, 0, 0.5, 0.25]


async def test_an_unloaded_version_leaves_nothing_behind(desk: Desk) -> None:
    """What was compiled for it goes with it."""
    await desk.classify("compass", GOOD)
    servable = weakref.ref(desk.catalogue.resolve("compass"))
    assert servable() is not None
    await desk.catalogue.unload("compass")
    gc.collect()
    assert servable() is None


async def test_a_full_queue_refuses_before_pictures_are_decoded(desk: Desk) -> None:
    """Not even that one is no picture is found out; who comes when there is room again is told."""
    junk = image_pb2.Image(encoded=b"no picture")
    with desk.catalogue.resolve("compass").batchers["model"].reserve(1000):
        code, message = await refusal(desk, "compass", junk)
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "1000 rows are waiting of at most 1000" in message
    code, _ = await refusal(desk, "compass", junk)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
