"""The calls that draw pictures from a model's prior, against a real gRPC server."""

import asyncio
import math
from collections.abc import Iterator
from contextlib import aclosing
from typing import assert_type

import numpy as np
import pytest
from grpc import StatusCode
from podium.v1 import image_service_pb2 as wire
from podium_client import (
    AsyncClient,
    Client,
    DeadlineError,
    InternalError,
    InvalidArgumentError,
    OverloadedError,
    Picture,
    Pictures,
    PodiumError,
    RetryPolicy,
)

from tests.client.fake_images import CHOSEN_SEED, SIDE, png, serving_images
from tests.client.fake_server import OVERLOADED, FakeServer, Refusal, in_a_thread, reason


async def test_samples_are_pictures_latents_and_classes() -> None:
    """For Pillow, for numpy, with what they were made of and who made them."""
    async with serving_images() as server, AsyncClient(server.address) as client:
        samples = await client.sample("gan", 4, seed=9, temperature=0.5, truncation=2)
        assert_type(samples, Pictures)

    (request,) = server.image_requests
    assert (request.count, request.seed, request.temperature, request.truncation) == (4, 9, 0.5, 2)
    assert not request.HasField("class_condition")
    assert [image.size for image in samples.images] == [(SIDE, SIDE)] * 4
    assert samples.arrays.shape == (4, SIDE, SIDE)
    assert samples.arrays.dtype.name == "uint8"
    assert samples.arrays[:, 0, 0].tolist() == [0, 1, 2, 3]
    assert samples.latents is not None
    assert samples.latents.dtype == np.float32
    assert samples.latents.tolist() == [[0, 9, 0, 0], [1, 9, 1, 0], [2, 9, 2, 0], [3, 9, 0, 0]]
    assert samples.classes == (0, 1, 2, 0)
    assert (samples.metadata.seed, samples.metadata.version) == (9, 2)
    assert samples[1].png == png(1)
    assert len(samples[1:]) == 3


async def test_an_unset_seed_is_chosen_by_the_server_and_told() -> None:
    """A model without classes has none."""
    async with serving_images() as server, AsyncClient(server.address) as client:
        samples = await client.sample("plain")

    assert not server.image_requests[0].HasField("seed")
    assert (len(samples), samples.metadata.seed, samples.classes) == (1, CHOSEN_SEED, None)


async def test_the_priors_own_temperature_is_not_sent() -> None:
    """So that models whose prior is not normal, and has no temperature, are sampled with the default."""
    async with serving_images() as server, AsyncClient(server.address) as client:
        await client.sample("gan", temperature=1.0)

    assert server.image_requests[0].temperature == 0


@pytest.mark.parametrize(
    ("condition", "sent"), [(2, ("index", 2)), (np.int64(1), ("index", 1)), ("two", ("name", "two"))]
)
async def test_a_class_is_asked_for_by_index_or_name(condition: int | str, sent: tuple[str, int | str]) -> None:
    """Numpy's numbers are numbers too."""
    async with serving_images() as server, AsyncClient(server.address) as client:
        await client.sample("gan", condition=condition)

    asked = server.image_requests[0].class_condition
    assert (asked.WhichOneof("condition"), getattr(asked, sent[0])) == sent


async def test_the_networks_own_output_comes_as_floats() -> None:
    """It is no picture yet, and says so."""
    async with serving_images() as server, AsyncClient(server.address) as client:
        samples = await client.sample("gan", 3, raw=True)

    assert server.image_requests[0].format == wire.PICTURE_FORMAT_TENSOR
    assert (samples.arrays.shape, samples.arrays.dtype.name) == ((3, 1, SIDE, SIDE), "float32")
    assert samples.arrays[:, 0, 0, 0].tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="raw=True"):
        _ = samples.images


async def test_a_stream_gives_the_pictures_that_a_call_gives() -> None:
    """One by one, in order, each with who answered."""
    async with serving_images() as server, AsyncClient(server.address) as client:
        called = await client.sample("gan", 8, seed=5, first_index=2)
        streamed = [picture async for picture in client.stream_sample("gan", 8, seed=5, first_index=2)]

    assert [picture.png for picture in streamed] == [picture.png for picture in called]
    assert [picture.class_index for picture in streamed] == list(called.classes or ())
    assert streamed[7].metadata.seed == 5


async def test_the_first_pictures_of_a_stream_do_not_wait_for_later_ones() -> None:
    """They are here while the server still works on the others."""
    async with serving_images() as server, AsyncClient(server.address) as client:
        server.stream_gate.clear()
        async with aclosing(client.stream_sample("gan", 1000)) as pictures:
            first = [await anext(pictures) for _ in range(3)]

    assert len(first) == 3


async def test_leaving_a_stream_cancels_it_at_the_server() -> None:
    """A caller who has seen enough costs nothing any more."""
    async with serving_images() as server, AsyncClient(server.address) as client:
        server.stream_gate.clear()
        async with aclosing(client.stream_sample("gan", 1000)) as pictures:
            async for _ in pictures:
                break
        await server.left.wait()


async def test_a_stream_is_sent_again_before_its_first_picture() -> None:
    """A full queue ran nothing; the caller sees the pictures alone."""
    async with serving_images(OVERLOADED, OVERLOADED) as server, AsyncClient(server.address) as client:
        pictures = [picture async for picture in client.stream_sample("gan", 4)]

    assert (len(pictures), server.num_calls) == (4, 3)


async def test_a_stream_that_broke_off_is_not_sent_again() -> None:
    """Its first pictures were answered: whatever the reason, the rest is the caller's to ask for."""
    async with serving_images() as server, AsyncClient(server.address) as client:
        server.stream_refusal = OVERLOADED
        pictures = client.stream_sample("gan", 9)
        first = [await anext(pictures) for _ in range(3)]
        with pytest.raises(OverloadedError):
            await anext(pictures)

    assert (len(first), server.num_calls) == (3, 1)


async def test_a_stream_has_a_deadline_for_all_of_it() -> None:
    """It travels to the server, and names itself when it passes."""
    async with serving_images() as server, AsyncClient(server.address) as client:
        server.stream_gate.clear()
        pictures = client.stream_sample("gan", 9, timeout=0.2)
        first = [await anext(pictures) for _ in range(3)]
        with pytest.raises(DeadlineError, match=r"within 0\.2 s"):
            await anext(pictures)
        async for _ in client.stream_sample("gan", 1, timeout=math.inf):
            pass

    assert len(first) == 3
    assert (server.deadlines[0] or 1) < 0.25
    assert server.deadlines[1] is None


async def test_every_call_is_sent_again_when_nothing_was_run() -> None:
    """As a classification is, and only then."""
    broke = Refusal(StatusCode.INTERNAL, "broke", (reason("INTERNAL"),))
    async with serving_images(OVERLOADED, broke) as server, AsyncClient(server.address) as client:
        with pytest.raises(InternalError):
            await client.sample("gan")

    assert server.num_calls == 2


def test_retries_can_be_forgone_for_streams_too() -> None:
    """The policy is the client's."""

    async def run() -> int:
        async with serving_images(OVERLOADED) as server:
            async with AsyncClient(server.address, retries=RetryPolicy(max_attempts=1)) as client:
                with pytest.raises(PodiumError):
                    await anext(client.stream_sample("gan"))
            return server.num_calls

    assert asyncio.run(run()) == 1


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A server whose event loop is another thread's."""
    with in_a_thread(serving_images()) as server:
        yield server


def test_a_stream_is_an_iteration_for_programs_without_an_event_loop(server: FakeServer) -> None:
    """All of it, or as much as is wanted."""
    with Client(server.address) as client:
        everything = [picture.latent[0] for picture in client.stream_sample("gan", 7) if picture.latent is not None]
        server.stream_gate.clear()
        for picture in client.stream_sample("gan", 1000):
            assert_type(picture, Picture)
            break
        while not server.left.is_set():
            pass

    assert everything == list(range(7))


def test_a_wrong_stream_is_refused_when_it_is_asked_for(server: FakeServer) -> None:
    """Not when its first picture is."""
    with Client(server.address) as client, pytest.raises(InvalidArgumentError, match="count"):
        client.stream_sample("gan", 0)
