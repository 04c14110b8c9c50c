"""`Sample` over the wire: pictures follow from seed and index alone."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from podium.v1 import image_service_pb2 as wire
from podium.v1 import image_service_pb2_grpc as stubs
from podium_server.philox import normals, uniforms
from podium_server.pictures.grid import LINE

from tests.server.pictures.wires import GRID, PNG, TENSOR, by_index, by_name, bytes_of, latents, pixels, values


def sample(stub: stubs.ImageServiceStub, model: str = "painter", **fields: object) -> wire.SampleResponse:
    """Call the server."""
    return stub.Sample(wire.SampleRequest(model=model, **fields), timeout=60)  # type: ignore[arg-type]


def test_latents_are_the_numbers_of_seed_and_index(stub: stubs.ImageServiceStub) -> None:
    """Part 0 from stream 0, in single precision; this decoder's picture is its latent."""
    answer = sample(stub, "gan", seed=2**64 - 1, count=5, format=TENSOR)
    expected = normals(2**64 - 1, 0, np.arange(5, dtype=np.uint64), 4).astype(np.float32)
    np.testing.assert_array_equal(latents(answer.pictures), expected)
    assert [values(picture) for picture in answer.pictures] == expected.tolist()
    assert list(answer.pictures[0].tensor.shape) == [1, 2, 2]


def test_a_png_is_the_rounded_and_clamped_output(stub: stubs.ImageServiceStub) -> None:
    """Pixel = 255 · value here, 0 and 255 at the ends."""
    (picture,) = sample(stub, "gan", seed=5).pictures
    expected = np.rint(np.clip(latents([picture]), 0, 1) * 255).reshape(2, 2)
    np.testing.assert_array_equal(pixels(picture.png), expected)


@pytest.mark.parametrize("picture_format", [PNG, TENSOR])
def test_picture_7_of_64_is_picture_7_of_8(stub: stubs.ImageServiceStub, picture_format: int) -> None:
    """And the first of those from index 7 on, and alone; byte for byte with latent and class."""
    many = bytes_of(sample(stub, seed=1, count=64, format=picture_format).pictures)
    few = bytes_of(sample(stub, seed=1, count=8, format=picture_format).pictures)
    later = bytes_of(sample(stub, seed=1, count=20, first_index=7, format=picture_format).pictures)
    alone = bytes_of(sample(stub, seed=1, first_index=7, format=picture_format).pictures)
    assert many[:8] == few
    assert many[7:27] == later
    assert [many[7]] == alone
    assert len(set(many)) == 64


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(stub: stubs.ImageServiceStub) -> None:
    """Any answer can be made again from what it says of itself."""
    first = sample(stub, count=3)
    again = sample(stub, count=3, seed=first.metadata.seed)
    other = sample(stub, count=3, seed=first.metadata.seed + 1)
    assert bytes_of(first.pictures) == bytes_of(again.pictures)
    assert not set(bytes_of(first.pictures)) & set(bytes_of(other.pictures))


def test_a_call_without_a_seed_gets_one_and_is_told(stub: stubs.ImageServiceStub) -> None:
    """A new one each time; a seed of 0 is a seed."""
    seeds = {sample(stub).metadata.seed for _ in range(5)}
    assert len(seeds) > 1
    metadata = sample(stub, seed=0).metadata
    assert metadata.HasField("seed")
    assert metadata.seed == 0
    assert (metadata.model, metadata.version, metadata.execution_provider) == ("painter", 1, "CPUExecutionProvider")
    timings = metadata.timings
    assert timings.run_ms > 0
    assert timings.preprocess_ms + timings.queue_ms + timings.run_ms <= timings.total_ms


def test_32_callers_at_once_get_the_bytes_of_one_alone(stub: stubs.ImageServiceStub) -> None:
    """However their rows are batched; the 16 rows of a run are shared by several of them."""
    calls = [(seed, count) for seed in range(8) for count in (1, 3, 5, 40)]
    alone = [bytes_of(sample(stub, seed=seed, count=count).pictures) for seed, count in calls]
    with ThreadPoolExecutor(32) as threads:
        for _ in range(3):
            asked = [threads.submit(sample, stub, seed=seed, count=count) for seed, count in calls]
            assert [bytes_of(each.result().pictures) for each in asked] == alone


def test_temperature_and_truncation_shape_normal_latents(stub: stubs.ImageServiceStub) -> None:
    """Truncation redraws what lies beyond; temperature scales what came out."""
    answer = sample(stub, seed=3, count=200, temperature=0.5, truncation=1.0)
    expected = normals(3, 0, np.arange(200, dtype=np.uint64), 16, within=1.0) * 0.5
    np.testing.assert_array_equal(latents(answer.pictures), expected.astype(np.float32))


def test_uniform_latents_and_every_class_in_turn(stub: stubs.ImageServiceStub) -> None:
    """Picture i is of class i modulo their number, by its index and not by its place in the answer."""
    answer = sample(stub, "cgan", seed=9, count=6, first_index=3, format=TENSOR)
    index = np.arange(3, 9, dtype=np.uint64)
    expected = (0.5 * uniforms(9, 0, index, 4)).astype(np.float32)
    np.testing.assert_array_equal(latents(answer.pictures), expected)
    assert [picture.class_index for picture in answer.pictures] == [3, 0, 1, 2, 3, 0]
    for picture, row in zip(answer.pictures, expected, strict=True):
        np.testing.assert_allclose(values(picture), row + picture.class_index / 8, rtol=1e-6)


@pytest.mark.parametrize("condition", [by_index(2), by_name("two")])
def test_a_class_is_asked_for_by_index_or_name(stub: stubs.ImageServiceStub, condition: wire.ClassCondition) -> None:
    """Every picture is of it, and its latents are those that another class would have had."""
    answer = sample(stub, "cgan", seed=9, count=5, class_condition=condition)
    assert [picture.class_index for picture in answer.pictures] == [2] * 5
    np.testing.assert_array_equal(latents(answer.pictures), latents(sample(stub, "cgan", seed=9, count=5).pictures))


def test_a_class_sets_the_one_hot_part(stub: stubs.ImageServiceStub) -> None:
    """The others are drawn as before."""
    answer = sample(stub, "joint", seed=4, count=4)
    assert latents(answer.pictures)[:, 2:].tolist() == [[1, 0], [0, 1], [1, 0], [0, 1]]
    asked = sample(stub, "joint", seed=4, count=4, class_condition=by_index(1))
    assert latents(asked.pictures)[:, 2:].tolist() == [[0, 1]] * 4
    np.testing.assert_array_equal(latents(asked.pictures)[:, :2], latents(answer.pictures)[:, :2])
    assert [picture.class_index for picture in asked.pictures] == [1] * 4


def test_a_grid_holds_the_pictures_in_order(stub: stubs.ImageServiceStub) -> None:
    """As square as can be; pixel for pixel the single files."""
    singles = [pixels(picture.png) for picture in sample(stub, seed=2, count=7).pictures]
    (picture,) = sample(stub, seed=2, count=7, format=GRID).pictures
    sheet = pixels(picture.png)
    step = 28 + LINE
    assert sheet.shape == (3 * step + LINE, 3 * step + LINE)
    for i, single in enumerate(singles):
        y, x = LINE + i // 3 * step, LINE + i % 3 * step
        np.testing.assert_array_equal(sheet[y : y + 28, x : x + 28], single)
    assert not picture.latent.values


def test_a_grid_of_every_class_has_one_column_each(stub: stubs.ImageServiceStub) -> None:
    """Four classes, ten pictures: three rows of four."""
    (picture,) = sample(stub, "cgan", count=10, format=GRID).pictures
    assert pixels(picture.png).shape == (3 * (2 + LINE) + LINE, 4 * (2 + LINE) + LINE)


def test_the_largest_call_is_answered_whole(stub: stubs.ImageServiceStub) -> None:
    """1,024 pictures, in one message and in order."""
    answer = sample(stub, seed=6, count=1024)
    np.testing.assert_array_equal(
        latents(answer.pictures), normals(6, 0, np.arange(1024, dtype=np.uint64), 16).astype(np.float32)
    )
