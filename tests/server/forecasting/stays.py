"""The 200 stays of PhysioNet's challenge of 2012 and the network published for them, read as their README says."""

import csv
import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from podium.v1 import forecast_service_pb2 as wire
from podium.v1 import model_manifest_pb2 as pb

DATA = Path(__file__).parents[4] / "shared" / "data" / "latent-ode"
WEIGHTS, CHECKPOINT = DATA / "latent-ode-physionet2012.safetensors", DATA / "latent-ode-physionet2012.ckpt"

READING_INTERVAL_H = 0.032
"""A batch of 50 stays has some 2,000 times of 48 h, to the minute: each series of it reads that many, most of them
empty."""


@dataclass(frozen=True, slots=True)
class Features:
    """The channels: (value − minimum) / (maximum or 1)."""

    names: list[str]
    minima: NDArray[np.float64]
    scales: NDArray[np.float64]

    @property
    def series(self) -> pb.Forecasting:
        """What `podium export --series` is told."""
        return pb.Forecasting(
            channels=[
                pb.Channel(name=name, offset=low, scale=scale)
                for name, low, scale in zip(self.names, self.minima, self.scales, strict=True)
            ],
            time_unit="hours",
            time_scale=48,
            horizon=48,
            latent_time=pb.LATENT_TIME_ZERO,
            reading_interval=READING_INTERVAL_H,
        )


@dataclass(frozen=True, slots=True)
class Stay:
    """One stay: times (N,) in hours, ascending; values (N, C), the mean of each time's; NaN where there is none."""

    times: NDArray[np.float64]
    values: NDArray[np.float64]

    def message(self, asked: NDArray[np.float64]) -> wire.Series:
        """Ask for values at times."""
        seen = ~np.isnan(self.values)
        observations = [
            wire.Observation(time=time, vector=np.nan_to_num(row), missing=np.flatnonzero(~mask))
            for time, row, mask in zip(self.times, self.values, seen, strict=True)
        ]
        return wire.Series(observations=observations, times=asked)


def features() -> Features:
    """Read the channels; the test is skipped where they are not."""
    if not DATA.is_dir():
        pytest.skip("needs the stays of ../shared/data/latent-ode")
    told = json.loads((DATA / "physionet2012-features.json").read_text())
    return Features(told["params"], np.array(told["min"]), np.array([high or 1.0 for high in told["max"]]))


def stays(channels: Features) -> list[Stay]:
    """Read every stay."""
    values: dict[str, dict[float, dict[str, list[float]]]] = {}
    with gzip.open(DATA / "physionet2012-200-stays.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            at = values.setdefault(row["record_id"], {}).setdefault(float(row["hours"]), {})
            at.setdefault(row["parameter"], []).append(float(row["value"]))
    return [_stay(by_time, channels.names) for by_time in values.values()]


def _stay(by_time: dict[float, dict[str, list[float]]], names: list[str]) -> Stay:
    times = sorted(by_time)
    rows = [[np.mean(by_time[time][name]) if name in by_time[time] else np.nan for name in names] for time in times]
    return Stay(np.array(times), np.array(rows, np.float64))
