"""Cuts a forecast where interpolation turns into extrapolation."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from podium_client.forecasts import Forecast, Reach


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Neighbouring times on one side of the observations' ends.

    Attributes:
        places: which of the forecast's times, with the next stretch's first so that lines meet.
        inside: whether they lie between the observations.
    """

    places: NDArray[np.intp]
    inside: bool


def stretches(forecast: Forecast) -> Iterator[Stretch]:
    """Yield the stretches of a forecast at times that ascend."""
    inside = forecast.reached(Reach.INTERPOLATION).tolist()
    start = 0
    for value, group in groupby(inside):
        end = start + len(list(group))
        yield Stretch(np.arange(start, min(end + 1, len(inside))), value)
        start = end
