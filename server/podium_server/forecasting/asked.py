"""The times that a series is asked for, as a decoder takes them: forwards and backwards from the latent's.

Shapes: T asked times of the series, A asked times of one way, S steps.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from podium.v1 import forecast_service_pb2 as wire

from podium_server.errors import InvalidArgument
from podium_server.forecasting.clock import Clock
from podium_server.forecasting.observed import Observed
from podium_server.padding import padded_length

MAX_TIMES = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """The asked times on one side of the latent's.

    Attributes:
        places: which of the series' asked times these are.
        time: (A,) the network's times, padded with zeros.
        grid: (S,) those of the solver's steps, as far as the farthest and some more.
    """

    places: NDArray[np.intp]
    time: NDArray[np.float32]
    grid: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What a series is asked for.

    Attributes:
        times: (T,) as asked.
        since: (T,) the same since the latent's time.
        reaches: where each lies.
        ways: one or two, which together have every time once.
    """

    times: NDArray[np.float64]
    since: NDArray[np.float64]
    reaches: list[wire.Reach]
    ways: list[Way]


def read_times(series: wire.Series, observed: Observed, clock: Clock, field: str) -> Asked:
    """Read the asked times of a series.

    Args:
        series: of the request.
        observed: its observations.
        clock: the model's.
        field: the series' path in the request.

    Raises:
        InvalidArgument: there are none or too many, or one is no time that the model gives values for.
    """
    path = f"{field}.times"
    if not 1 <= len(series.times) <= MAX_TIMES:
        raise InvalidArgument(f"{path}: has {len(series.times):,} times; it must have 1 … {MAX_TIMES:,}", path)
    times = np.array(series.times)
    since = times - observed.latent_time
    for i in np.nonzero(~(np.abs(since) <= clock.max_reach))[0]:
        low, high = observed.latent_time - clock.max_reach, observed.latent_time + clock.max_reach
        raise InvalidArgument(
            f"{path}[{i}]: is {times[i]:g}; it must be {low:g} … {high:g}{clock.unit}: the model was trained up to "
            f"{observed.latent_time + clock.horizon:g}",
            f"{path}[{i}]",
        )
    reaches = [clock.reach(time, observed.first, observed.last) for time in since.tolist()]
    network = clock.to_network(since)
    sides = (np.nonzero(since >= 0)[0], 1), (np.nonzero(since < 0)[0], -1)
    return Asked(times, since, reaches, [_way(places, network, sign, clock) for places, sign in sides if places.size])


def _way(places: NDArray[np.intp], network: NDArray[np.float64], sign: int, clock: Clock) -> Way:
    time = np.zeros(padded_length(len(places)), np.float32)
    time[: len(places)] = network[places]
    num_steps = padded_length(clock.num_steps(float(np.abs(network[places]).max())))
    return Way(places, time, (sign * clock.grid(num_steps)).astype(np.float32))
