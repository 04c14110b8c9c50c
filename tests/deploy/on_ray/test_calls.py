"""podium's own client behind Ray Serve's proxy: every kind of call, its errors, its deadline, its models."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest
from grpc import StatusCode, aio
from podium_client import (
    AsyncClient,
    DeadlineError,
    InvalidArgumentError,
    ModelNotFoundError,
    PermissionDeniedError,
    VersionState,
    WrongTaskError,
)
from podium_server.oip.messages import ModelInferRequest, ModelInferResponse, ModelStreamInferResponse
from prometheus_client.parser import text_string_to_metric_families

from tests.deploy.on_ray.cluster import PodiumOnRay, podium_on_ray
from tests.oip.running import Running, serve
from tests.server import callers
from tests.server.publishing import publish
from tests.server.services.networks import write_letters

pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.timeout(600)]  # Ray has warnings of its own
STREAM = "/inference.GRPCInferenceService/ModelStreamInfer"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that writes, and y = 2x."""
    models = tmp_path_factory.mktemp("ray") / "models"
    write_letters(models / "letters" / "1")
    publish(models, "double", 1)
    return models


@pytest.fixture(scope="module")
def running(repository: Path) -> Iterator[PodiumOnRay]:
    """Two replicas, on two machines."""
    with podium_on_ray(repository, {"num_replicas": 2}) as running:
        yield running


@pytest.fixture(scope="module")
def alone(repository: Path) -> Iterator[Running]:
    """A podium of its own, of the same repository."""
    with serve(repository, cores=1, sessions=1, threads=1) as alone:
        yield alone


def shown(running: PodiumOnRay) -> list[Any]:
    """The samples of the page."""
    with urlopen(running.page) as page:
        families = text_string_to_metric_families(page.read().decode())
        return [sample for family in families for sample in family.samples]


async def test_the_typed_client_works_unchanged(running: PodiumOnRay, alone: Running) -> None:
    """Through either proxy: readiness, models, texts at once and piece by piece as podium alone gives them."""
    async with AsyncClient(alone.address) as client:
        expected = await client.complete("letters", "a", seed=3, max_tokens=50)
    for address in (running.head, running.worker):
        async with AsyncClient(address) as client:
            await client.wait_until_ready()
            assert sorted(model.name for model in await client.models()) == ["double", "letters"]
            assert (await client.complete("letters", "a", seed=3, max_tokens=50)).text == expected.text
            pieces = [piece.text async for piece in client.generate("letters", "a", seed=3, max_tokens=50)]
            assert "".join(pieces) == expected.text


async def test_errors_are_of_their_own_class_however_a_call_answers(running: PodiumOnRay) -> None:
    """With the details behind them: after one answer, a stream of answers, a stream of requests, and both."""
    picture = np.zeros((8, 8), np.uint8)
    async with AsyncClient(running.head) as client:
        with pytest.raises(ModelNotFoundError, match="the repository has: double, letters"):
            await client.classify("nothing", picture)
        with pytest.raises(InvalidArgumentError) as refusal:
            async for _ in client.generate("letters", "a", max_tokens=10**6):
                pass
        assert refusal.value.field == "decoding.max_tokens"
        with pytest.raises(WrongTaskError, match="double"):
            await client.classify_video("double", [picture, picture])
        with pytest.raises(WrongTaskError, match="double"):
            async for _ in client.classify_frames("double", [picture, picture]):
                pass


async def test_streams_of_requests_are_answered_as_they_come(running: PodiumOnRay) -> None:
    """The next request is sent after the answer to the one before; status and trailing metadata come at the end."""
    answered = asyncio.Event()

    async def requests() -> AsyncIterator[Any]:
        for _ in range(5):
            yield callers.request()
            await answered.wait()
            answered.clear()

    async with aio.insecure_channel(running.head) as channel:
        method: Any = channel.stream_stream(
            STREAM,
            request_serializer=ModelInferRequest.SerializeToString,
            response_deserializer=ModelStreamInferResponse.FromString,
        )
        call = method(requests(), timeout=60, metadata=[("x-request-id", "mine")])
        answers: list[ModelInferResponse] = []
        async for answer in call:
            answers.append(answer.infer_response)
            answered.set()
        assert await call.code() is StatusCode.OK
        assert dict(await call.trailing_metadata())["x-request-id"] == "mine"
    assert [np.frombuffer(each.raw_output_contents[0], "<f4").tolist() for each in answers] == [[2, 4, 6]] * 5


async def test_replicas_know_deadlines(running: PodiumOnRay) -> None:
    """A call that is late is counted as such where it ran, and not as one whose caller has left."""

    def late() -> bool:
        labels = {"method": "podium.v1.TextService.Generate", "code": "DEADLINE_EXCEEDED"}
        samples = [each for each in shown(running) if each.name == "podium_requests_total"]
        return any(each.value for each in samples if each.labels.items() >= labels.items())

    async with AsyncClient(running.head) as client:
        with pytest.raises(DeadlineError):
            await client.complete("letters", "a", max_tokens=8000, num_sequences=8, timeout=0.2)
        await running.until(late)


async def test_a_published_version_is_served_by_all_replicas(running: PodiumOnRay, repository: Path) -> None:
    """It is put into the shared folder, and nobody is told."""
    publish(repository, "double", 2, factor=3)

    def serving() -> int:
        labels = {"model": "double", "version": "2", "state": "READY"}
        samples = [each for each in shown(running) if each.name == "podium_model_state"]
        return len(
            {each.labels["instance"] for each in samples if each.labels.items() >= labels.items() and each.value}
        )

    await running.until(lambda: serving() == 2)
    async with aio.insecure_channel(running.head) as channel:
        answers = await asyncio.gather(*(callers.call(channel, callers.request()) for _ in range(50)))
    assert {np.frombuffer(each.raw_output_contents[0], "<f4").tobytes() for each in answers} == {
        np.array([3, 6, 9], "<f4").tobytes()
    }


async def test_nobody_changes_what_is_served_where_nobody_is_asked_who_he_is(running: PodiumOnRay) -> None:
    """The proxy listens for everybody, so it is as with a podium that does."""
    async with AsyncClient(running.head) as client:
        with pytest.raises(PermissionDeniedError, match="set `tokens`"):
            await client.unload("letters")
        (letters,) = [model for model in await client.models() if model.name == "letters"]
    assert [version.state for version in letters.versions] == [VersionState.READY]
