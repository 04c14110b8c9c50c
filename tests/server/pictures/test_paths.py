"""Ways through latent space keep to their formulas, also where the formulas have nothing to say."""

import numpy as np
import pytest
from numpy.typing import NDArray
from podium.v1 import image_service_pb2 as wire
from podium_server.errors import InvalidArgument
from podium_server.pictures.paths import between, linear, spherical, turning


def point(*values: float) -> NDArray[np.float64]:
    """Make a point."""
    return np.array(values, np.float64)


def shoemake(a: NDArray[np.float64], b: NDArray[np.float64], t: float) -> NDArray[np.float64]:
    """Slerp of unit vectors as printed in the paper: sin((1 - t)θ)/sin θ · a + sin(tθ)/sin θ · b."""
    theta = np.arccos(a @ b)
    return np.asarray((np.sin((1 - t) * theta) * a + np.sin(t * theta) * b) / np.sin(theta))


def test_the_straight_way_is_even_and_its_ends_exact() -> None:
    """Also where 1 - t and t do not add up in floating point."""
    start, end = point(0.1, -3.0), point(0.7, 1e-9)
    way = linear(start, end, 7)
    assert (way[0].tobytes(), way[-1].tobytes()) == (start.tobytes(), end.tobytes())
    np.testing.assert_allclose(np.diff(way, axis=0), np.tile((end - start) / 6, (6, 1)), atol=1e-12)


def test_the_spherical_way_is_shoemakes_with_the_length_going_linearly() -> None:
    """Direction by slerp, length by its share of the way; both ends exact."""
    start, end = np.random.default_rng(3).standard_normal((2, 20))
    way = spherical(start, end, 9)
    lengths = np.linalg.norm(start), np.linalg.norm(end)
    for t, actual in zip(np.linspace(0, 1, 9), way, strict=True):
        direction = shoemake(start / lengths[0], end / lengths[1], float(t))
        np.testing.assert_allclose(actual, direction * ((1 - t) * lengths[0] + t * lengths[1]), atol=1e-12)
    assert (way[0].tobytes(), way[-1].tobytes()) == (start.tobytes(), end.tobytes())


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (point(1, 2, 3), point(2, 4, 6)),
        (point(0, 0, 0), point(1, 2, 3)),
        (point(0, 0, 0), point(0, 0, 0)),
        (point(2.0), point(-4.0)),
    ],
    ids=["same direction", "from zero", "nowhere", "one dimension"],
)
def test_where_there_is_nothing_to_turn_the_way_is_straight(
    start: NDArray[np.float64], end: NDArray[np.float64]
) -> None:
    """No division by zero."""
    np.testing.assert_allclose(spherical(start, end, 5), linear(start, end, 5), atol=1e-12)


def test_opposite_points_are_joined_by_a_half_circle_and_not_through_zero() -> None:
    """Every step keeps its length, and turns as far as the last."""
    way = spherical(point(1, 1, 0, 0), point(-1, -1, 0, 0), 7)
    np.testing.assert_allclose(np.linalg.norm(way, axis=1), np.sqrt(2))
    units = way / np.linalg.norm(way, axis=1, keepdims=True)
    np.testing.assert_allclose((units[1:] * units[:-1]).sum(axis=1), np.cos(np.pi / 6))


def test_dimensions_that_do_not_turn_go_straight() -> None:
    """A one-hot part fades from one class to the other beside normal dimensions that turn."""
    start, end = point(1, 0, 1, 0), point(0, 1, 0, 1)
    way = between(start, end, 3, np.array([True, True, False, False]))
    np.testing.assert_allclose(way[1], [np.sqrt(0.5), np.sqrt(0.5), 0.5, 0.5])


@pytest.mark.parametrize(
    ("path", "normal", "expected"),
    [
        (wire.INTERPOLATION_PATH_UNSPECIFIED, [True, False], [True, False]),
        (wire.INTERPOLATION_PATH_UNSPECIFIED, [False, False], [False, False]),
        (wire.INTERPOLATION_PATH_UNSPECIFIED, None, [False, False]),
        (wire.INTERPOLATION_PATH_LINEAR, [True, False], [False, False]),
        (wire.INTERPOLATION_PATH_SPHERICAL, [True, False], [True, False]),
        (wire.INTERPOLATION_PATH_SPHERICAL, [False, False], [True, True]),
        (wire.INTERPOLATION_PATH_SPHERICAL, None, [True, True]),
    ],
)
def test_normal_dimensions_turn_unless_asked_otherwise(
    path: int, normal: list[bool] | None, expected: list[bool]
) -> None:
    """And others only when asked, where none is normal."""
    mask = None if normal is None else np.array(normal)
    assert turning(path, mask, 2).tolist() == expected


def test_an_unknown_path_is_refused() -> None:
    """By its number, for it has no name here."""
    with pytest.raises(InvalidArgument, match="path: is 7; it must be LINEAR or SPHERICAL"):
        turning(7, None, 2)
