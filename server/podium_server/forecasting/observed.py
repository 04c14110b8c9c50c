"""Reads the observations of a series into the arrays that an encoder takes.

Shapes: N observed times, C channels.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from podium.v1 import forecast_service_pb2 as wire

from podium_server.errors import InvalidArgument
from podium_server.forecasting.channels import Channels
from podium_server.forecasting.clock import Clock

MAX_OBSERVATIONS = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """One series in the network's numbers, in the order of time.

    Attributes:
        latent_time: the time that the latent stands at, in the series' unit.
        first: the first observation's time since then.
        last: the last one's.
        time: (N,) the network's times, ascending.
        value: (N, C); 0 where nothing was observed.
        mask: (N, C); 1 where something was.
    """

    latent_time: float
    first: float
    last: float
    time: NDArray[np.float32]
    value: NDArray[np.float32]
    mask: NDArray[np.float32]


def read_observations(series: wire.Series, channels: Channels, clock: Clock, field: str) -> Observed:
    """Read the observations of a series; those of one time become one, the mean of each channel.

    Args:
        series: of the request.
        channels: the model's.
        clock: the model's.
        field: the series' path in the request.

    Raises:
        InvalidArgument: names the field, what is wrong, and what would be right.
    """
    observations, path = series.observations, f"{field}.observations"
    if not 1 <= len(observations) <= MAX_OBSERVATIONS:
        raise InvalidArgument(
            f"{path}: has {len(observations):,} observations; it must have 1 … {MAX_OBSERVATIONS:,}", path
        )
    times = np.array([observation.time for observation in observations])
    latent_time = 0.0 if clock.starts_at_zero else float(times.min())
    _check_times(times, latent_time, clock, path)
    totals = np.zeros((len(observations), len(channels)))
    counts = np.zeros_like(totals)
    for i, observation in enumerate(observations):
        _read(observation, channels, totals[i], counts[i], f"{path}[{i}]")
    if not counts.any():
        raise InvalidArgument(f"{path}: hold no value; at least one channel must have been observed once", path)
    since = times - latent_time
    every, total, count = _in_order(since, totals, counts, clock.blank_readings)
    seen = count > 0
    numbers = np.where(seen, channels.to_network(total / np.maximum(count, 1)), 0.0)
    return Observed(
        latent_time,
        float(since.min()),
        float(since.max()),
        clock.to_network(every).astype(np.float32),
        numbers.astype(np.float32),
        seen.astype(np.float32),
    )


def _check_times(times: NDArray[np.float64], latent_time: float, clock: Clock, path: str) -> None:
    """Refuse times that are none, or that the network was never told of."""
    for i, time in enumerate(times):
        if not math.isfinite(time):
            raise InvalidArgument(f"{path}[{i}].time: is {time}; it must be finite", f"{path}[{i}].time")
    for i, time in enumerate(times):
        if not 0 <= time - latent_time <= clock.max_reach:
            start = "0" if clock.starts_at_zero else f"that of the first observation, {latent_time:g},"
            raise InvalidArgument(
                f"{path}[{i}].time: is {time:g}; it must be {start} or later, by at most "
                f"{clock.max_reach:g}{clock.unit}",
                f"{path}[{i}].time",
            )


def _read(
    observation: wire.Observation,
    channels: Channels,
    total: NDArray[np.float64],
    count: NDArray[np.float64],
    field: str,
) -> None:
    """Add an observation's values to the sums of its time."""
    if observation.vector:
        if len(observation.vector) != len(channels):
            raise InvalidArgument(
                f"{field}.vector: has {len(observation.vector)} numbers; the model has {len(channels)} channels. Name "
                "those without a value in `missing`, or give single `readings`",
                f"{field}.vector",
            )
        missing = {channels.checked(index, f"{field}.missing") for index in observation.missing}
        for place, value in enumerate(observation.vector):
            if place not in missing:
                channels.check(place, value, f"{field}.vector[{place}]")
                total[place] += value
                count[place] += 1
    for i, reading in enumerate(observation.readings):
        place = channels.place(reading, f"{field}.readings[{i}]")
        channels.check(place, reading.value, f"{field}.readings[{i}].value")
        total[place] += reading.value
        count[place] += 1


def _in_order(
    since: NDArray[np.float64],
    totals: NDArray[np.float64],
    counts: NDArray[np.float64],
    blank: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Order times, join equal ones, and put in the readings of nothing: times (N,), sums and counts (N, C)."""
    every, places = np.unique(np.concatenate([since, blank]), return_inverse=True)
    total, count = np.zeros((len(every), totals.shape[1])), np.zeros((len(every), totals.shape[1]))
    np.add.at(total, places[: len(since)], totals)
    np.add.at(count, places[: len(since)], counts)
    return every, total, count
