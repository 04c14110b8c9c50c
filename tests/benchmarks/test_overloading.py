"""What overload and observability are measured with does what it should; how quick anything is, is not asserted."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from grpc import aio
from podium_client.load.infer_request import PATH, RawInput, infer_request

from tests.benchmarks.offering import Manner, Offer, Offering, Taken
from tests.benchmarks.unobserved import WITHOUT
from tests.oip.running import Running, serve
from tests.security.slow_model import NAME, SIZE, write_slow
from tests.server.packages import write_package
from tests.server.versions.questions import METHODS, Question, tensor_request

QUEUE = 2
SLOW = infer_request(NAME, None, [RawInput("x", "FP32", (SIZE, SIZE), bytes(SIZE * SIZE * 4))])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server of a slow model with a short queue, and of y = 2x."""
    repository = tmp_path_factory.mktemp("models")
    write_slow(repository)
    write_package(repository / "double" / "1")
    with serve(
        repository, cores=1, sessions=1, threads=1, queue_rows=QUEUE, max_images_per_request=QUEUE, max_batch_rows=1
    ) as server:
        yield server


async def offered(running: Running, manner: Manner, **much: float) -> Taken:
    """Offer the server more than it can take."""
    port = int(running.address.rpartition(":")[2])
    options: Any = {"warmup_s": 0.1, "seconds": 0.5, **much}
    return await Offering(Offer(port, os.getpid(), PATH, SLOW, manner, **options)).measure()


async def test_requests_at_a_rate_are_answered_or_refused_with_when_to_come_back(running: Running) -> None:
    """They come whatever becomes of those before them; no refusal lacks its hint."""
    taken = await offered(running, Manner.GONE, rate=400)
    assert 0 < taken.accepted_per_s < taken.sent_per_s
    assert taken.refused_per_s > 0
    assert taken.num_failed == 0
    assert 0 < taken.p50_ms <= taken.p99_ms


async def test_who_obeys_is_refused_less_often_than_who_insists(running: Running) -> None:
    """The hint is read and kept to: the same callers, of whom few find room."""
    obeying, insisting = [
        await offered(running, manner, callers=4 * QUEUE) for manner in (Manner.OBEYING, Manner.INSISTING)
    ]
    assert obeying.num_failed == insisting.num_failed == 0
    assert min(obeying.accepted_per_s, insisting.accepted_per_s) > 0
    assert 0 < obeying.refused_per_s < insisting.refused_per_s


async def test_a_server_without_observability_answers_and_counts_nothing(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is taken out fits the server as it is, and is all that a call leaves behind."""
    question = Question(METHODS["ModelInfer"], [tensor_request()])
    async with aio.insecure_channel(running.address) as channel:

        async def told() -> set[str]:
            call = question.begin(channel)
            await call
            return {key for key, _ in await call.trailing_metadata()}

        assert {"server-timing", "x-request-id"} <= await told()
        before = counted(running)
        for (owner, name), method in WITHOUT.items():
            monkeypatch.setattr(owner, name, method)
        assert await told() == set()
        assert counted(running) == before
        monkeypatch.undo()
        await told()
        assert counted(running) == before + 1


def counted(running: Running) -> int:
    """The calls of y = 2x that the server has counted."""
    return running.server.catalogue.resolve("double").usage.success_count
