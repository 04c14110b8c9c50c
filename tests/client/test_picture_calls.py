"""The calls of latent space, against a real gRPC server."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import assert_type

import numpy as np
import pytest
from podium.v1 import image_service_pb2 as wire
from podium_client import (
    AsyncClient,
    Client,
    InvalidArgumentError,
    PodiumError,
    Posterior,
    RequestError,
    Tensor,
)

from tests.client.fake_images import png, serving_images
from tests.client.fake_server import FakeServer, in_a_thread


async def test_pictures_are_encoded_one_or_many() -> None:
    """One posterior for one picture, a list for a list."""
    async with serving_images() as server, AsyncClient(server.address) as client:
        one = await client.encode("vae", np.full((4, 4), 50, np.uint8))
        many = await client.encode("vae", [png(1), png(2)], condition=1)
        assert_type(one, Posterior)
        assert_type(many, list[Posterior])

    assert one.mean.tolist() == [50, 1, 2, 3]
    assert one.log_variance is not None
    assert (one.log_variance.tolist(), one.kl_nats) == ([0.5] * 4, 2.5)
    assert [posterior.mean[0] for posterior in many] == [1, 2]
    assert server.image_requests[1].class_condition.index == 1


@pytest.mark.parametrize(
    ("latents", "brightness"),
    [
        (np.array([5, 0, 0, 0]), [5]),
        (np.eye(4, dtype=np.float64)[:2] * 9, [9, 0]),
        ([np.array([3.0, 0, 0, 0]), [4.0, 0, 0, 0]], [3, 4]),
    ],
)
async def test_latents_are_vectors(latents: object, brightness: list[int]) -> None:
    """One, an array of them, or a list of them, of any type of number."""
    async with serving_images() as server, AsyncClient(server.address) as client:
        pictures = await client.decode("vae", latents)  # type: ignore[arg-type]

    assert pictures.arrays[:, 0, 0].tolist() == brightness


@pytest.mark.parametrize("latents", [np.zeros((2, 2, 2)), [], ["a"], np.zeros(0), [[]], np.float32(3)])
async def test_what_is_no_latent_is_refused_before_it_is_sent(latents: object) -> None:
    """With what a latent is."""
    async with serving_images() as server, AsyncClient(server.address) as client:
        with pytest.raises(InvalidArgumentError, match="vector") as refused:
            await client.decode("vae", latents)  # type: ignore[arg-type]

    assert refused.value.field.startswith("latents")
    assert not server.image_requests


async def test_reconstructions_come_with_their_errors() -> None:
    """Of each picture, in order; a network in one piece shows no latents."""
    async with serving_images() as server, AsyncClient(server.address) as client:
        pictures = await client.reconstruct("vae", [png(10), png(20)])
        whole = await client.reconstruct("whole", png(10))

    assert pictures.arrays[:, 0, 0].tolist() == [10, 20]
    assert pictures.mean_squared_errors == (0, 0.125)
    assert (len(whole), whole.latents) == (1, None)


async def test_the_way_between_pictures_and_latents() -> None:
    """A vector is a latent, everything else a picture."""
    async with serving_images() as server, AsyncClient(server.address) as client:
        way = await client.interpolate("vae", png(10), np.array([40.0, 1, 2, 3]), steps=4, path="linear")
        await client.interpolate("vae", np.full((4, 4), 9, np.uint8), png(3))

    assert way.arrays[:, 0, 0].tolist() == [10, 20, 30, 40]
    first, second = server.image_requests
    assert first.path == wire.INTERPOLATION_PATH_LINEAR
    assert second.start.HasField("image")
    assert (second.steps, second.path) == (8, wire.INTERPOLATION_PATH_UNSPECIFIED)


async def test_a_tensor_is_a_picture_with_one_axis_too() -> None:
    """It is sent as it is, to a network that takes vectors."""
    async with serving_images() as server, AsyncClient(server.address) as client:
        with pytest.raises(PodiumError):  # the fake reads files alone
            await client.interpolate("vae", Tensor(np.zeros(4, np.float32)), png(3))

    assert server.image_requests[0].start.image.tensor.shape == [4]


async def test_dimensions_are_varied_row_by_row() -> None:
    """Each row names its dimension and values."""
    async with serving_images() as server, AsyncClient(server.address) as client:
        chosen = await client.traverse("vae", png(100), dimensions=[3, 0], low=-1, high=1, steps=3)
        everything = await client.traverse("vae")

    assert [row.dimension for row in chosen.rows] == [3, 0]
    assert chosen.rows[1].arrays[:, 0, 0].tolist() == [99, 100, 101]
    assert chosen.rows[0].values.tolist() == [-1, 0, 1]
    assert [row.dimension for row in everything.rows] == [0, 1, 2, 3]
    assert not server.image_requests[1].HasField("origin")


@pytest.mark.parametrize(
    ("given", "sent"),
    [({}, (0, 0)), ({"low": -2}, (-2, 2)), ({"high": 2.5}, (-2.5, 2.5)), ({"low": 1, "high": 2}, (1, 2))],
)
async def test_an_interval_is_completed_by_its_middle(given: dict[str, float], sent: tuple[float, float]) -> None:
    """The server, which knows the prior, chooses one of which nothing is given."""
    async with serving_images() as server, AsyncClient(server.address) as client:
        await client.traverse("vae", **given)  # type: ignore[arg-type]

    assert (server.image_requests[0].low, server.image_requests[0].high) == sent


@pytest.mark.parametrize(
    ("sources", "brightness"),
    [
        (png(10), [9, 12]),
        ([png(10), np.array([50.0, 0, 0, 0])], [9, 12, 49, 52]),
        (np.array([[20.0, 0, 0, 0], [30, 0, 0, 0]]), [19, 22, 29, 32]),
    ],
)
async def test_edits_have_a_row_a_source(sources: object, brightness: list[int]) -> None:
    """With a picture a strength."""
    async with serving_images() as server, AsyncClient(server.address) as client:
        edits = await client.edit("vae", sources, "smile", strengths=[-1, 2])  # type: ignore[arg-type]

    assert edits.arrays[:, 0, 0].tolist() == brightness
    assert edits.strengths == (-1, 2)
    assert [len(row) for row in edits.rows] == [2] * (len(brightness) // 2)


async def test_an_edit_by_one_strength_is_one_picture_a_source() -> None:
    """1 unless told otherwise."""
    async with serving_images() as server, AsyncClient(server.address) as client:
        edits = await client.edit("vae", png(10), "smile")

    assert edits.arrays[:, 0, 0].tolist() == [11]
    assert edits.strengths == (1.0,)


WRONG: list[tuple[str, str, dict[str, object]]] = [
    ("sample", "count", {"count": 0}),
    ("sample", "count", {"count": 2.5}),
    ("sample", "seed", {"seed": -1}),
    ("sample", "seed", {"seed": 1 << 64}),
    ("sample", "temperature", {"temperature": 0}),
    ("sample", "temperature", {"temperature": math.nan}),
    ("sample", "truncation", {"truncation": -1}),
    ("sample", "condition", {"condition": -1}),
    ("interpolate", "steps", {"start": b"x", "end": b"y", "steps": 1}),
    ("interpolate", "path", {"start": b"x", "end": b"y", "path": "winding"}),
    ("interpolate", "end", {"start": b"x", "end": 3}),
    ("traverse", "dimensions[1]", {"dimensions": [0, -1]}),
    ("traverse", "low", {"low": 1.0, "high": 1.0}),
    ("edit", "sources", {"sources": [], "direction": "smile"}),
    ("edit", "sources[1]", {"sources": [b"x", 3], "direction": "smile"}),
    ("encode", "images", {"images": []}),
]


@pytest.mark.parametrize(("call", "field", "arguments"), WRONG)
async def test_what_is_plainly_wrong_is_refused_by_field(call: str, field: str, arguments: dict[str, object]) -> None:
    """Before anything is sent."""
    async with serving_images() as server, AsyncClient(server.address) as client:
        with pytest.raises(InvalidArgumentError) as refused:
            await getattr(client, call)("vae", **arguments)

    assert refused.value.field == field
    assert not server.image_requests


async def test_a_model_that_cannot_says_what_it_can() -> None:
    """The server's words, as a mistake of the caller."""
    async with serving_images() as server, AsyncClient(server.address) as client:
        with pytest.raises(RequestError, match="it can sample and decode") as refused:
            await client.encode("gan", png(1))

    assert refused.value.reason == "NO_ENCODER"


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A server whose event loop is another thread's."""
    with in_a_thread(serving_images()) as server:
        yield server


def test_files_go_in_by_path(server: FakeServer, tmp_path: Path) -> None:
    """As in a classification."""
    file = tmp_path / "grey.png"
    file.write_bytes(png(33))
    with Client(server.address) as client:
        assert client.encode("vae", str(file)).mean[0] == 33
        assert client.edit("vae", [file], "smile").arrays[0, 0, 0] == 34
        with pytest.raises(FileNotFoundError):
            client.interpolate("vae", file, tmp_path / "nowhere.png")
