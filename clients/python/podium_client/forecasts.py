"""What a forecast answers: typed, frozen values.

Shapes: T asked times, C channels, S samples.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from podium.v1 import forecast_service_pb2 as wire

from podium_client.answers import ResponseMetadata, read_metadata


class Reach(StrEnum):
    """Where an asked time lies."""

    UNSPECIFIED = "unspecified"
    INTERPOLATION = "interpolation"
    EXTRAPOLATION = "extrapolation"
    BEYOND_TRAINING = "beyond-training"


@dataclass(frozen=True, slots=True)
class Divergence:
    """A solution that left what numbers can hold, or what any channel can mean.

    Attributes:
        time: the first of the asked times, going away from the time of the latent, whose values are left out.
        num_diverged: how many of the samples diverged by the last asked time; 1 without samples.
        message: what happened, for people.
    """

    time: float
    num_diverged: int
    message: str


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """What a model says of one series.

    Attributes:
        times: (T,) as asked.
        mean: (T, C) in the channels' units; NaN where the solution diverged.
        spread: (T, C) standard deviation over the samples; NaN where the solution diverged; None without samples.
        samples: (S, T, C); NaN where the solution diverged; None unless asked for.
        reaches: where each time lies.
        channels: the model's, in order; "" for those without a name.
        divergence: where the solution diverged; else None.
        metadata: who answered, with the seed of the samples, and where the time went.
    """

    times: NDArray[np.float64]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64] | None
    samples: NDArray[np.float64] | None
    reaches: tuple[Reach, ...]
    channels: tuple[str, ...]
    divergence: Divergence | None
    metadata: ResponseMetadata

    def reached(self, reach: Reach) -> NDArray[np.bool_]:
        """Mark the times that lie somewhere: (T,)."""
        return np.array([each is reach for each in self.reaches], np.bool_)


def read_forecasts(response: wire.ForecastResponse, num_samples: int, *, with_samples: bool) -> list[Forecast]:
    """Read one forecast a series, in the order of the request.

    Args:
        response: the answer.
        num_samples: that were asked for.
        with_samples: whether they were to be given, too.
    """
    metadata, channels = read_metadata(response.metadata), tuple(response.channels)
    return [
        Forecast(
            times=np.array([point.time for point in series.points], np.float64),
            mean=_rows([point.mean for point in series.points], len(channels)),
            spread=_rows([point.spread for point in series.points], len(channels)) if num_samples else None,
            samples=_samples(series, num_samples, len(channels)) if with_samples else None,
            reaches=tuple(_reach(point.reach) for point in series.points),
            channels=channels,
            divergence=_divergence(series),
            metadata=metadata,
        )
        for series in response.series
    ]


def _rows(rows: Iterable[Sequence[float]], width: int) -> NDArray[np.float64]:
    """Stack rows, of which those that are empty are NaN."""
    return np.array([list(row) or [np.nan] * width for row in rows], np.float64).reshape(-1, width)


def _samples(series: wire.SeriesForecast, num_samples: int, width: int) -> NDArray[np.float64]:
    rows = np.full((len(series.points), num_samples, width), np.nan)
    for row, point in zip(rows, series.points, strict=True):
        if point.samples:
            row[:] = [sample.values for sample in point.samples]
    return rows.transpose(1, 0, 2)


def _reach(value: wire.Reach) -> Reach:
    try:
        name = wire.Reach.Name(value)
    except ValueError:  # of a newer server
        return Reach.UNSPECIFIED
    return Reach(name.removeprefix("REACH_").lower().replace("_", "-"))


def _divergence(series: wire.SeriesForecast) -> Divergence | None:
    if not series.HasField("divergence"):
        return None
    return Divergence(series.divergence.time, series.divergence.num_diverged, series.divergence.message)
