"""From the decoder's numbers to what is answered: values, their mean and spread, and where they stop meaning anything.

Shapes: S samples, T asked times, C channels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from podium.v1 import forecast_service_pb2 as wire

from podium_server.forecasting.asked import Asked
from podium_server.forecasting.channels import FARTHEST, Channels


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request wants to be told of a series.

    Attributes:
        spread: the spread over samples.
        samples: the samples themselves.
    """

    spread: bool
    samples: bool


def answer(numbers: NDArray[np.float32], asked: Asked, channels: Channels, wanted: Wanted) -> wire.SeriesForecast:
    """Write the answer for one series.

    Args:
        numbers: (S, T, C) what the decoder gave; S is 1 without samples.
        asked: the series' times.
        channels: the model's.
        wanted: what is told.
    """
    left_out = diverged(numbers, asked)
    sound: NDArray[np.bool_] = np.logical_not(left_out.any(axis=0))
    values = channels.from_network(np.where(sound[None, :, None], numbers, 0).astype(np.float64))
    mean = values.mean(axis=0)
    spread = np.sqrt(((values - mean) ** 2).mean(axis=0)) if wanted.spread else None
    points: list[wire.ForecastPoint] = []
    for i, (time, reach) in enumerate(zip(asked.times.tolist(), asked.reaches, strict=True)):
        point = wire.ForecastPoint(time=time, reach=reach)
        if sound[i]:
            point.mean.extend(mean[i].tolist())
            if spread is not None:
                point.spread.extend(spread[i].tolist())
            if wanted.samples:
                point.samples.extend(wire.SampledValue(values=sample) for sample in values[:, i].tolist())
        points.append(point)
    return wire.SeriesForecast(points=points, divergence=_divergence(left_out, asked))


def diverged(numbers: NDArray[np.float32], asked: Asked) -> NDArray[np.bool_]:
    """Say which solutions have diverged by which time: (S, T).

    What has once left what numbers can mean does not come back: on either side of the latent, every time as far away or
    farther counts.
    """
    with np.errstate(invalid="ignore"):
        gone: NDArray[np.bool_] = np.logical_not((np.abs(numbers) <= FARTHEST).all(axis=2))
    for way in asked.ways:
        distance = np.abs(asked.since[way.places])
        first = np.where(gone[:, way.places], distance, np.inf).min(axis=1)
        gone[:, way.places] = distance >= first[:, None]
    return gone


def _divergence(left_out: NDArray[np.bool_], asked: Asked) -> wire.Divergence | None:
    if not left_out.any():
        return None
    places = np.nonzero(left_out.any(axis=0))[0]
    first = float(asked.times[places[np.argmin(np.abs(asked.since[places]))]])
    count = int(left_out.any(axis=1).sum())
    return wire.Divergence(
        time=first,
        num_diverged=count,
        message=f"the solution diverges: from time {first:g} on, {count} of {len(left_out)} of them "
        f"{'is' if count == 1 else 'are'} beyond what any channel can mean, so the values of these times are left out",
    )
