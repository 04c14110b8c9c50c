"""Latents are drawn from what the manifest says, each from its index alone."""

import numpy as np
import pytest
from numpy.typing import NDArray
from podium.v1 import model_manifest_pb2 as pb
from podium_server.philox import normals, uniforms
from podium_server.pictures.prior import Prior, Variety

from tests.server.pictures.models import normal, one_hot, uniform

PLAIN = Variety()
INDEX = np.arange(400, dtype=np.uint64)


def draw(
    *parts: pb.LatentPart, variety: Variety = PLAIN, classes: NDArray[np.int64] | None = None
) -> NDArray[np.float32]:
    """Draw 400 latents with seed 11."""
    return Prior(parts).draw(11, INDEX, variety, classes)


def test_each_part_has_a_stream_of_its_own() -> None:
    """Part p is drawn from stream p, in single precision."""
    latents = draw(normal(3), uniform(2, -1.0, 3.0), normal(4))
    assert latents.dtype == np.float32
    np.testing.assert_array_equal(latents[:, :3], normals(11, 0, INDEX, 3).astype(np.float32))
    np.testing.assert_array_equal(latents[:, 3:5], (-1.0 + 4.0 * uniforms(11, 1, INDEX, 2)).astype(np.float32))
    np.testing.assert_array_equal(latents[:, 5:], normals(11, 2, INDEX, 4).astype(np.float32))


def test_temperature_widens_after_truncation_has_cut() -> None:
    """Truncation counts standard deviations of the prior, whatever the temperature."""
    cut = draw(normal(8), variety=Variety(1.0, 1.5))
    cooled = draw(normal(8), variety=Variety(0.5, 1.5))
    assert 1.4 < np.abs(cut).max() <= 1.5
    np.testing.assert_array_equal(cooled, cut * np.float32(0.5))


def test_the_upper_bound_is_never_drawn() -> None:
    """Not even where single precision rounds up to it: here half of all numbers between the bounds would be."""
    high = float(np.float32(1.0) + np.finfo(np.float32).eps)
    latents = draw(uniform(50, 1.0, high))
    assert latents.min() == latents.max() == 1.0


def test_a_class_sets_the_one_hot_part_and_a_second_one_is_drawn() -> None:
    """1 at the class and 0 elsewhere; the second takes every value about as often."""
    classes = np.arange(400, dtype=np.int64) % 3
    latents = draw(one_hot(3), one_hot(4), classes=classes)
    np.testing.assert_array_equal(latents[:, :3], np.eye(3, dtype=np.float32)[classes])
    assert set(np.unique(latents[:, 3:])) == {0.0, 1.0}
    np.testing.assert_array_equal(latents[:, 3:].sum(axis=1), np.ones(400))
    assert latents[:, 3:].sum(axis=0).min() > 60  # of 100 expected, with a standard deviation of 9


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (pb.LatentPart(normal=pb.NormalPrior()), r"parts\[1\]\.size is 0"),
        (pb.LatentPart(size=2), r"parts\[1\] has no prior"),
        (uniform(2, 1.0, 1.0), r"parts\[1\]\.uniform has the bounds 1\.0 and 1\.0"),
        (uniform(2, 0.0, float("inf")), r"parts\[1\]\.uniform has the bounds"),
        (uniform(2, float("nan"), 1.0), r"parts\[1\]\.uniform has the bounds"),
    ],
)
def test_a_wrong_part_is_named(part: pb.LatentPart, message: str) -> None:
    """By its place and its field."""
    with pytest.raises(ValueError, match=message):
        Prior([normal(1), part])
