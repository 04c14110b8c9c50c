"""Series of observations at irregular times, as callers have them and as messages.

Shapes: N observed times, T asked times, C channels.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from podium.v1 import forecast_service_pb2 as wire

from podium_client.arguments import whole
from podium_client.errors import InvalidArgumentError

ChannelLike: TypeAlias = int | str
"""A channel by its index, 0 or more, or by its name."""

Numbers: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """What is known of one series.

    Attributes:
        times: (N,) in the unit of the model's description, in any order.
        values: (N, C), or (N,) of one channel, in the channels' units; NaN where nothing was observed.
        channels: what the columns of `values` are; None: the model's channels in their order.
    """

    times: ArrayLike
    values: ArrayLike
    channels: Sequence[ChannelLike] | None = None

    def arrays(self, field: str = "series") -> tuple[Numbers, Numbers]:
        """Give times (N,) and values (N, C) as arrays.

        Args:
            field: the series' name in error messages.

        Raises:
            InvalidArgumentError: they are not numbers, or not of one length.
        """
        times, values = vector(self.times, f"{field}.times"), _numbers(self.values, f"{field}.values")
        if values.ndim == 1:
            values = values[:, None]
        if values.ndim != 2 or len(values) != len(times):
            raise InvalidArgumentError(
                f"{field}.values: of shape {np.shape(self.values)} for {len(times)} times; give (times, channels)",
                field=f"{field}.values",
            )
        if self.channels is not None and len(self.channels) != values.shape[1]:
            raise InvalidArgumentError(
                f"{field}.channels: {len(self.channels)} of them for {values.shape[1]} columns of values",
                field=f"{field}.channels",
            )
        return times, values


def series_message(series: Series, asked: Numbers, field: str) -> wire.Series:
    """Write a series and the times asked of it.

    Raises:
        InvalidArgumentError: a value is infinite, or a channel neither an index nor a name.
    """
    times, values = series.arrays(field)
    for row, column in np.argwhere(np.isinf(values))[:1]:
        name = f"{field}.values[{row}, {column}]"
        raise InvalidArgumentError(f"{name}: {values[row, column]}; give a number, or NaN for none", field=name)
    if series.channels is None:
        observations = [_whole_vector(time, row) for time, row in zip(times.tolist(), values, strict=True)]
    else:
        channels = [_channel(channel, f"{field}.channels[{i}]") for i, channel in enumerate(series.channels)]
        observations = [_readings(time, row, channels) for time, row in zip(times.tolist(), values, strict=True)]
    return wire.Series(observations=observations, times=asked)


def vector(values: ArrayLike, field: str) -> Numbers:
    """Check numbers in a row, (N,).

    Raises:
        InvalidArgumentError: they are not.
    """
    numbers = _numbers(values, field)
    if numbers.ndim != 1:
        raise InvalidArgumentError(f"{field}: of shape {numbers.shape}; give one number a time", field=field)
    return numbers


def _numbers(values: ArrayLike, field: str) -> Numbers:
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidArgumentError(f"{field}: {error}; give numbers", field=field) from error


def _whole_vector(time: float, row: Numbers) -> wire.Observation:
    missing = np.isnan(row)
    numbers = np.where(missing, 0.0, row).tolist()
    return wire.Observation(time=time, vector=numbers, missing=np.flatnonzero(missing).tolist())


def _readings(time: float, row: Numbers, channels: Sequence[dict[str, Any]]) -> wire.Observation:
    readings = [
        wire.Reading(value=value, **channel)
        for value, channel in zip(row.tolist(), channels, strict=True)
        if not np.isnan(value)
    ]
    return wire.Observation(time=time, readings=readings)


def _channel(channel: ChannelLike, field: str) -> dict[str, Any]:
    return {"name": channel} if isinstance(channel, str) else {"index": whole(channel, field, 0)}


def asked_times(times: ArrayLike | Sequence[ArrayLike], num_series: int) -> list[Numbers]:
    """Read the asked times of each series: one list of them for all, or a list of lists, one a series.

    Raises:
        InvalidArgumentError: they are not numbers, or not a list a series.
    """
    try:
        depth = np.ndim(cast("Any", times))
    except ValueError:  # lists of several lengths
        depth = 2
    if depth < 2:
        return [vector(cast("ArrayLike", times), "times")] * num_series
    each = list(cast("Sequence[ArrayLike]", times))
    if len(each) != num_series:
        raise InvalidArgumentError(
            f"times: {len(each)} lists for {num_series} series; give one list for all, or one a series", field="times"
        )
    return [vector(own, f"times[{i}]") for i, own in enumerate(each)]
