"""Spirals of both directions, seen at irregular times through noise.

After R. T. Q. Chen et al.: Neural Ordinary Differential Equations, 2018, section 5.1: a thousand spirals in the plane,
each with a start of its own, half of them clockwise, a hundred points each, with normal noise.

Shapes: N spirals, P points of time.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

DURATION = 10.0
"""The times of a spiral are 0 … 10, and its angle grows by 1 radian a unit of time."""
NUM_POINTS = 100
NOISE = 0.05
"""Standard deviation of what is seen, in both coordinates; radii are 0.5 … 2.9."""

_RADIUS_BY_ANGLE = 0.15
_FIRST_ANGLES = math.pi, 3 * math.pi


@dataclass(frozen=True, slots=True)
class Spirals:
    """Pieces of the Archimedean spiral r = 0.15 θ, and of its mirror image, which begin somewhere.

    Attributes:
        time: (N, P) in 0 … 10, evenly spaced.
        place: (N, P, 2) where each is.
    """

    time: Tensor
    place: Tensor

    def __len__(self) -> int:
        return len(self.time)


@dataclass(frozen=True, slots=True)
class Readings:
    """Some points of spirals, in the order of time, those of a spiral first and padding behind them.

    Attributes:
        time: (N, P).
        seen: (N, P, 2).
        count: (N,) how many are no padding.
    """

    time: Tensor
    seen: Tensor
    count: Tensor


def spirals(num_spirals: int, chance: torch.Generator) -> Spirals:
    """Draw spirals."""
    low, high = _FIRST_ANGLES
    first = low + (high - low) * torch.rand(num_spirals, 1, generator=chance)
    sense = 2.0 * torch.randint(2, (num_spirals, 1), generator=chance) - 1
    time = torch.linspace(0, DURATION, NUM_POINTS).expand(num_spirals, -1)
    angle = first + time
    place = _RADIUS_BY_ANGLE * angle.unsqueeze(-1) * torch.stack([angle.cos(), sense * angle.sin()], dim=-1)
    return Spirals(time, place)


def seen(place: Tensor, chance: torch.Generator) -> Tensor:
    """See places (…, 2) through noise."""
    return place + NOISE * torch.randn(place.shape, generator=chance)


def readings(time: Tensor, seen: Tensor, num_readings: int, until: Tensor, chance: torch.Generator) -> Readings:
    """Take the first point and others by chance.

    Args:
        time: (N, P).
        seen: (N, P, 2).
        num_readings: points to take of each spiral, fewer where `until` leaves fewer.
        until: (N, 1) the time after which none is taken.
        chance: what is drawn from.
    """
    rank = torch.rand(time.shape, generator=chance).masked_fill(time > until, -1)
    rank[:, 0] = 2
    best, places = rank.topk(num_readings, dim=1)
    ordered = places.masked_fill(best < 0, time.shape[1]).sort(dim=1).values
    places = ordered.clamp(max=time.shape[1] - 1)
    count = (best >= 0).sum(dim=1)
    return Readings(time.gather(1, places), seen.gather(1, places.unsqueeze(-1).expand(-1, -1, 2)), count)
