"""The spirals of the demo, seen at irregular times through noise: of the kind that `spirals` was trained on."""

import math
from dataclasses import dataclass

import numpy as np

from podium_client.series import Numbers, Series

DURATION = 10.0
"""What a spiral takes; its angle grows by 1 radian a unit of time."""

_RADIUS_BY_ANGLE, _NOISE = 0.15, 0.05


@dataclass(frozen=True, slots=True)
class Spiral:
    """A piece of the Archimedean spiral r = 0.15 θ, or of its mirror image.

    Attributes:
        first_angle: where it begins, in radians.
        clockwise: whether it is the mirror image.
    """

    first_angle: float
    clockwise: bool

    def at(self, times: Numbers) -> Numbers:
        """Give where it is at times (T,): (T, 2)."""
        angle = self.first_angle + times
        sense = -1 if self.clockwise else 1
        places: Numbers = _RADIUS_BY_ANGLE * angle[:, None] * np.stack([np.cos(angle), sense * np.sin(angle)], axis=1)
        return places


def spirals(count: int) -> list[Spiral]:
    """Make spirals that begin all around, in both directions by turns."""
    angles = math.pi * (1 + 2 * (np.arange(count) * 0.618034 % 1))
    return [Spiral(float(angle), bool(i % 2)) for i, angle in enumerate(angles)]


def seen(spiral: Spiral, count: int, until: float, seed: int) -> Series:
    """See a spiral at its beginning and at other times by chance."""
    random = np.random.default_rng(seed)
    times = np.sort(np.concatenate([[0.0], random.uniform(0, until, count - 1)]))
    return Series(times, spiral.at(times) + random.normal(0, _NOISE, (count, 2)), ("x", "y"))
