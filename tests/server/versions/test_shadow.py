"""Copies of live traffic: a candidate is asked what callers asked, and nobody notices."""

import asyncio
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from podium.v1 import classification_service_pb2 as classification
from podium.v1 import classification_service_pb2_grpc, decoding_pb2, image_pb2, text_service_pb2, text_service_pb2_grpc
from podium.v1 import model_service_pb2 as pb
from podium_server.metrics import Metrics
from podium_server.oip.messages import ModelInferResponse
from podium_server.shadowing.comparison import compare_classifications, compare_tensors, compare_texts
from podium_server.shadowing.edit_distance import edit_distance

from tests.server.publishing import publish
from tests.server.services import networks
from tests.server.versions.conftest import Running, Serve
from tests.server.versions.every_task import write_classifier
from tests.server.versions.questions import small_png

Result = classification.ClassificationResult
Text = decoding_pb2.GeneratedSequence


def plain_distance(first: str, second: str) -> int:
    """The table of Wagner and Fischer, row by row."""
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        above, row[0] = row[0], i
        for j, b in enumerate(second, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (a != b))
    return row[-1]


def test_edit_distance_is_that_of_the_plain_table() -> None:
    """Of random texts of few letters, which have much in common, and of the textbook's."""
    assert edit_distance("kitten", "sitting") == 3
    draw = random.Random(3)
    for _ in range(500):
        first, second = ("".join(draw.choices("abc", k=draw.randrange(70))) for _ in range(2))
        assert edit_distance(first, second) == plain_distance(first, second), (first, second)


def scores(*classes: tuple[int, float]) -> Result:
    """What a picture was taken for."""
    return Result(classes=[classification.ClassScore(index=index, probability=p) for index, p in classes])


def test_pictures_are_compared_by_their_best_class() -> None:
    """And the probabilities of the classes that both name."""
    given = [scores((3, 0.5), (1, 0.25)), scores((2, 0.75))]
    candidate = [scores((3, 0.75), (2, 0.125)), scores((4, 0.5), (2, 0.25))]
    compared = compare_classifications(given, candidate)
    assert (compared.num_agreed, compared.num_differed, compared.largest_difference) == (1, 1, 0.5)


def test_texts_are_compared_by_what_must_change() -> None:
    """Over the longer one's length; a text that only one side has is all change."""
    compared = compare_texts(
        [Text(text="same"), Text(text="kitten"), Text(text="one")], [Text(text="same"), Text(text="sitting")]
    )
    assert (compared.num_agreed, compared.num_differed) == (1, 2)
    assert compared.edit_distances == (0, 3 / 7, 1)


def tensors(*outputs: tuple[str, str, NDArray[Any]]) -> Any:
    """An answer of the inference protocol, raw."""
    response = ModelInferResponse()
    for name, datatype, x in outputs:
        response.outputs.add(name=name, datatype=datatype, shape=x.shape)
        response.raw_output_contents.append(x.tobytes())
    return response


def test_tensors_are_compared_by_number_and_by_the_largest_of_a_row() -> None:
    """Outputs by name; another shape, a missing one, or a NaN is a difference."""
    x = np.array([[1, 2, 3], [3, 2, 1]], np.float32)
    y = np.array([[1, 2.5, 3], [1, 2, 3]], np.float32)
    same = compare_tensors(tensors(("x", "FP32", x)), tensors(("x", "FP32", x)))
    assert (same.num_agreed, same.num_differed, same.largest_difference) == (2, 0, 0)
    other = compare_tensors(tensors(("x", "FP32", x)), tensors(("x", "FP32", y)))
    assert (other.num_agreed, other.num_differed, other.largest_difference) == (1, 1, 2)
    for odd in (tensors(("y", "FP32", x)), tensors(("x", "FP32", x[:1])), tensors(("x", "INT32", x.astype(np.int32)))):
        assert compare_tensors(tensors(("x", "FP32", x)), odd).num_differed == 1
    broken = compare_tensors(tensors(("x", "FP32", x)), tensors(("x", "FP32", np.full_like(x, np.nan))))
    assert broken.largest_difference == np.inf


def test_typed_answers_are_compared_as_raw_ones() -> None:
    """Clients that send typed contents are answered so."""
    response = ModelInferResponse()
    output = response.outputs.add(name="x", datatype="FP32", shape=[2, 2])
    output.contents.fp32_contents.extend([1, 2, 4, 3])
    compared = compare_tensors(response, response)
    assert (compared.num_agreed, compared.num_differed, compared.largest_difference) == (2, 0, 0)


def counted(metrics: Metrics, name: str, **labels: str) -> float:
    """One sample of the page."""
    return metrics.registry.get_sample_value(f"podium_shadow_{name}", labels) or 0


async def shadow(running: Running, model: str, candidate: int = 2) -> dict[str, str]:
    """Have all calls of version 1 copied to a candidate; the labels of its series."""
    alias = pb.Alias(name="default", version=1, shadow=pb.Share(version=candidate, percent=100))
    await running.models.SetAlias(pb.SetAliasRequest(model=model, alias=alias))
    return {"model": model, "version": "1", "candidate": str(candidate)}


async def test_tensor_calls_are_copied_and_compared(repository: Path, serve: Serve) -> None:
    """The caller gets version 1's answer, and is counted alone; the candidate's runs show in its own series."""
    for version in (1, 2):
        publish(repository, "double", version, factor=version)
    running = await serve()
    labels, metrics = await shadow(running, "double"), running.server.metrics
    for _ in range(5):
        assert await running.infer("double") == (1, 1.0)
        await running.server.shadow.caught_up()
    assert counted(metrics, "calls_total", outcome="compared", **labels) == 5
    assert counted(metrics, "difference_sum", **labels) == 5, "2x and x differ by 1 at x = 1"
    assert running.catalogue.resolve("double", 2).usage.success_count == 5
    method = "inference.GRPCInferenceService.ModelInfer"
    answered = {"method": method, "model": "double", "code": "OK", "limit": ""}
    assert metrics.registry.get_sample_value("podium_requests_total", {**answered, "version": "1"}) == 5
    assert metrics.registry.get_sample_value("podium_requests_total", {**answered, "version": "2"}) is None


async def test_pictures_and_texts_are_copied_and_compared(repository: Path, serve: Serve) -> None:
    """A copy of the same weights agrees in everything."""
    for version in (1, 2):
        write_classifier(repository / "classifier" / str(version))
        networks.write_letters(repository / "letters" / str(version))
    running = await serve()
    metrics = running.server.metrics
    pictures, texts = await shadow(running, "classifier"), await shadow(running, "letters")
    classifier: Any = classification_service_pb2_grpc.ClassificationServiceStub(running.channel)
    writer: Any = text_service_pb2_grpc.TextServiceStub(running.channel)
    image = image_pb2.Image(encoded=small_png())
    await classifier.Classify(classification.ClassifyRequest(model="classifier", images=[image, image]))
    decoding = decoding_pb2.Decoding(max_tokens=20)
    await writer.Generate(text_service_pb2.GenerateRequest(model="letters", prompt="ab", decoding=decoding, seed=1))
    await running.server.shadow.caught_up()
    assert counted(metrics, "items_total", agreement="agreed", **pictures) == 2
    assert counted(metrics, "difference_sum", **pictures) == 0
    assert counted(metrics, "items_total", agreement="agreed", **texts) == 1
    assert counted(metrics, "edit_distance_count", **texts) == 1


async def test_failing_candidate_is_counted_and_nobody_is_told(repository: Path, serve: Serve) -> None:
    """One that takes other inputs than the version that answers."""
    publish(repository, "double", 1)
    write_classifier(repository / "double" / "2")
    running = await serve()
    labels, metrics = await shadow(running, "double"), running.server.metrics
    assert await running.infer("double") == (1, 2.0)
    await running.server.shadow.caught_up()
    assert counted(metrics, "calls_total", outcome="failed", **labels) == 1


async def test_copies_are_dropped_when_too_many_wait(
    repository: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A candidate that hangs costs callers nothing, and memory no more than the copies that may wait."""
    monkeypatch.setattr("podium_server.shadowing.shadow.MAX_WAITING", 2)
    for version in (1, 2):
        publish(repository, "double", version, factor=version)
    running = await serve()
    labels, metrics = await shadow(running, "double"), running.server.metrics
    candidate = running.catalogue.resolve("double", 2).batchers["model"]

    async def hang(*inputs: object, **options: object) -> None:
        await asyncio.Future()

    monkeypatch.setattr(candidate, "run", hang)
    for _ in range(20):
        assert await running.infer("double") == (1, 1.0)
    assert counted(metrics, "calls_total", outcome="compared", **labels) == 0
    assert counted(metrics, "calls_total", outcome="dropped", **labels) >= 17


async def test_share_of_the_calls_is_copied(repository: Path, serve: Serve) -> None:
    """By request id, as a canary's; a call of another version by its number is not."""
    for version in (1, 2):
        publish(repository, "double", version, factor=version)
    running = await serve()
    labels, metrics = await shadow(running, "double"), running.server.metrics
    await running.infer("double", version="1")
    alias = pb.Alias(name="default", version=1, shadow=pb.Share(version=2, percent=0.001))
    await running.models.SetAlias(pb.SetAliasRequest(model="double", alias=alias))
    for number in range(20):
        await running.infer("double", request_id=str(number))
    assert [counted(metrics, "calls_total", outcome=o, **labels) for o in ("compared", "dropped", "failed")] == [
        0,
        0,
        0,
    ]
