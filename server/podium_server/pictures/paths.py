"""Ways through latent space: from one point to another, and along single dimensions.

Shapes: D dimensions, S steps.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from podium.v1 import image_service_pb2 as wire

from podium_server.errors import InvalidArgument

Point: TypeAlias = NDArray[np.float64]

# Sines below this leave no direction to turn in.
_PARALLEL = 1e-9


def linear(start: Point, end: Point, steps: int) -> Point:
    """Divide the straight way: (S, D), both ends exact."""
    t = np.linspace(0.0, 1.0, steps)[:, None]
    way = (1.0 - t) * start + t * end
    way[0], way[-1] = start, end
    return way


def spherical(start: Point, end: Point, steps: int) -> Point:
    """Turn from one direction into the other at an even pace, the length going linearly.

    Source: Shoemake, "Animating rotation with quaternion curves", SIGGRAPH 1985, section 3.3; White, "Sampling
    generative networks", arXiv:1609.04468, section 2.1. Of the many great circles between opposite points the one
    towards the first axis that is neither is taken. Where an end is 0 there is no direction, and the way is straight.

    Returns:
        (S, D), both ends exact.
    """
    lengths = np.linalg.norm(start), np.linalg.norm(end)
    if min(lengths) == 0.0 or len(start) == 1:
        return linear(start, end, steps)
    a, b = start / lengths[0], end / lengths[1]
    cosine = float(np.clip(a @ b, -1.0, 1.0))
    side = b - cosine * a  # at a right angle to a
    sine = float(np.linalg.norm(side))
    if sine < _PARALLEL:
        if cosine > 0.0:
            return linear(start, end, steps)
        axis = np.zeros_like(a)
        axis[np.argmin(np.abs(a))] = 1.0
        side = axis - (axis @ a) * a
    side /= np.linalg.norm(side)
    t = np.linspace(0.0, 1.0, steps)[:, None]
    angle = t * np.arctan2(sine, cosine)
    way: Point = ((1.0 - t) * lengths[0] + t * lengths[1]) * (np.cos(angle) * a + np.sin(angle) * side)
    way[0], way[-1] = start, end
    return way


def turning(path: int, normal: NDArray[np.bool_] | None, size: int) -> NDArray[np.bool_]:
    """The dimensions in which a way turns rather than go straight: (D,).

    Args:
        path: the request's value of `InterpolationPath`.
        normal: the dimensions whose prior is normal; None of models without a prior.
        size: D.

    Raises:
        InvalidArgument: there is no such path.
    """
    if path not in wire.InterpolationPath.values():
        raise InvalidArgument(f"path: is {path}; it must be LINEAR or SPHERICAL", "path")
    if path == wire.INTERPOLATION_PATH_LINEAR:
        return np.zeros(size, np.bool_)
    if normal is not None and (normal.any() or path == wire.INTERPOLATION_PATH_UNSPECIFIED):
        return normal
    return np.full(size, path == wire.INTERPOLATION_PATH_SPHERICAL)


def between(start: Point, end: Point, steps: int, turns: NDArray[np.bool_]) -> Point:
    """Go from one point to another, turning in some dimensions and straight in the others.

    Args:
        start: (D,).
        end: (D,).
        steps: S, both ends included, 2 or more.
        turns: the dimensions in which the way is `spherical`, (D,).
    """
    way = linear(start, end, steps)
    if turns.any():
        way[:, turns] = spherical(start[turns], end[turns], steps)
    return way


def along(origin: Point, dimension: int, values: Point) -> Point:
    """Set one dimension to each value in turn: (S, D)."""
    points = np.repeat(origin[None], len(values), axis=0)
    points[:, dimension] = values
    return points
