"""The client for programs with an event loop, against a real gRPC server."""

import asyncio
from typing import assert_type

import numpy as np
import pytest
from grpc_health.v1 import health_pb2
from podium_client import (
    AsyncClient,
    Classification,
    DeadlineError,
    ModelNotFoundError,
    VersionState,
)

from tests.client.fake_server import serving


async def test_one_picture_has_one_answer() -> None:
    """Labels, probabilities, and who answered, as typed values."""
    async with serving() as server, AsyncClient(server.address) as client:
        answer = await client.classify("digits", b"\x05")
        assert_type(answer, Classification)

    assert [(c.index, c.name, c.probability) for c in answer.classes] == [(5, "byte 5", 0.75), (7, "class 7", 0.25)]
    assert answer.best is answer.classes[0]
    assert answer.logits is None
    metadata = answer.metadata
    assert (metadata.model, metadata.version, metadata.seed) == ("digits", 3, None)
    assert (metadata.timings.total_ms, metadata.timings.queue_ms) == (4, 0.5)


@pytest.mark.parametrize("kind", [list, tuple])
async def test_a_list_has_a_list_of_answers_in_its_order(kind: type) -> None:
    """All pictures travel in one call."""
    async with serving() as server, AsyncClient(server.address) as client:
        answers = await client.classify("digits", kind([b"\x05", b"\x09"]), top_k=1, return_logits=True)
        assert_type(await client.classify("digits", [b"\x05"]), list[Classification])

    assert [answer.best.index for answer in answers] == [5, 9]
    assert [len(answer.classes) for answer in answers] == [1, 1]
    assert [answer.logits.shape for answer in answers if answer.logits is not None] == [(256,), (256,)]
    assert answers[0].logits is not None
    assert answers[0].logits.dtype == np.float32
    assert server.requests[0].top_k == 1


async def test_many_callers_get_each_their_own_answer() -> None:
    """Two hundred calls at once over one connection."""
    async with serving() as server, AsyncClient(server.address) as client:
        answers = await asyncio.gather(*(client.classify("digits", bytes([n])) for n in range(200)))

    assert [answer.best.index for answer in answers] == list(range(200))


async def test_a_cancelled_call_is_cancelled_at_the_server() -> None:
    """A caller who leaves costs nothing any more."""
    async with serving(closed=True) as server, AsyncClient(server.address) as client:
        call = asyncio.create_task(client.classify("digits", b"x"))
        await server.arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await server.left.wait()


async def test_models_are_listed_with_every_versions_state() -> None:
    """The broken version says why; the bare name means the ready one."""
    async with serving() as server, AsyncClient(server.address) as client:
        (digits,) = await client.models()

    ready, broken = digits.versions
    assert (digits.name, digits.default_version) == ("digits", 2)
    assert (ready.state, ready.task) == (VersionState.READY, "image-classification")
    assert (ready.plans[0].max_batch_rows, ready.plans[0].num_sessions) == (4, 2)
    assert (broken.state, broken.reason) == (VersionState.UNAVAILABLE, "model.onnx: its digest is not the manifest's")


async def test_a_model_is_described_loaded_and_unloaded() -> None:
    """Each call answers with the model; one that is not there is not found."""
    async with serving() as server, AsyncClient(server.address) as client:
        described = await client.model("digits/2")
        loaded = await client.load("digits")
        unloaded = await client.unload("digits")
        with pytest.raises(ModelNotFoundError, match="no model 'letters'"):
            await client.load("letters")

    assert described.manifest.description == "Handwritten digits."
    assert described.version.version == 2
    assert loaded == unloaded


async def test_ready_is_the_servers_health() -> None:
    """Serving is ready; draining is not; nobody there is not."""
    async with serving() as server, AsyncClient(server.address) as client:
        serves = await client.ready()
        await server.health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
        drains = await client.ready()
    async with AsyncClient(server.address) as client:
        gone = await client.ready()

    assert (serves, drains, gone) == (True, False, False)


async def test_waiting_for_a_server_ends_when_it_serves() -> None:
    """A server that is there and still loads is waited for."""
    async with serving() as server, AsyncClient(server.address) as client:
        await server.health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
        waiting = asyncio.create_task(client.wait_until_ready())
        await client.models()
        still_waits = not waiting.done()
        await server.health.set("", health_pb2.HealthCheckResponse.SERVING)
        await waiting

    assert still_waits


async def test_waiting_for_a_server_that_is_not_there_yet() -> None:
    """It may start after its clients."""
    async with serving() as before:
        port = before.port
    async with AsyncClient(before.address) as client:
        waiting = asyncio.create_task(client.wait_until_ready(timeout=60))
        assert not await client.ready()
        async with serving(port=port):
            await waiting


async def test_waiting_for_a_server_has_an_end() -> None:
    """The error says who was waited for and how long."""
    async with serving() as server:
        pass
    async with AsyncClient(server.address) as client:
        with pytest.raises(DeadlineError, match=r"was not ready within 0\.05 s"):
            await client.wait_until_ready(timeout=0.05)


async def test_closing_twice_is_closing_once() -> None:
    """And a call afterwards says so."""
    async with serving() as server:
        client = AsyncClient(server.address)
        await client.close()
        await client.close()
        with pytest.raises(Exception, match="closed"):
            await client.models()
