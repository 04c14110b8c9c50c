"""The times of a model: which one the latent stands at, how far the network knows its way, the solver's steps."""

import math

import numpy as np
from numpy.typing import NDArray
from podium.v1 import forecast_service_pb2 as wire
from podium.v1 import model_manifest_pb2 as pb

MAX_READINGS = 4096  # of nothing, which the encoder reads besides
MAX_STEPS = 8192


class Clock:
    """Compiled from a manifest.

    Attributes:
        starts_at_zero: whether the latent stands at time 0; else at the first observation.
        horizon: the longest time after the latent's that the network was trained on.
        max_reach: the longest time before or after the latent's that values are given for.
        unit: of times, for messages, with a space before it; empty for none.
        blank_readings: (B,) times since the latent's at which the encoder reads nothing, whatever was observed.
    """

    def __init__(self, spec: pb.Forecasting) -> None:
        """Compile a manifest's times.

        Raises:
            ValueError: a field has a value that it may not have; the message begins with it.
        """
        for field in ("time_scale", "horizon", "max_reach"):
            if not (math.isfinite(getattr(spec, field)) and getattr(spec, field) > 0):
                raise ValueError(f"{field} is {getattr(spec, field)}; it must be above 0")
        if spec.max_reach < spec.horizon:
            raise ValueError(f"max_reach is {spec.max_reach}; it must be the horizon, {spec.horizon}, or more")
        if spec.latent_time not in (pb.LATENT_TIME_ZERO, pb.LATENT_TIME_FIRST_OBSERVATION):
            raise ValueError("latent_time must be LATENT_TIME_ZERO or LATENT_TIME_FIRST_OBSERVATION")
        self.starts_at_zero = spec.latent_time == pb.LATENT_TIME_ZERO
        self.horizon = spec.horizon
        self.max_reach = spec.max_reach
        self.unit = f" {spec.time_unit}" if spec.time_unit else ""
        self._scale = spec.time_scale
        self._step = _step(spec)
        self.blank_readings = _blank_readings(spec)

    def to_network(self, since: NDArray[np.float64]) -> NDArray[np.float64]:
        """Bring times since the latent's to the network's."""
        times: NDArray[np.float64] = since / self._scale
        return times

    def num_steps(self, farthest: float) -> int:
        """Count the steps up to one of the network's times, 1 or more."""
        return max(1, math.ceil(farthest / self._step))

    def grid(self, num_steps: int) -> NDArray[np.float64]:
        """Give the network's times of so many steps: (S,)."""
        times: NDArray[np.float64] = np.arange(1, num_steps + 1, dtype=np.float64) * self._step
        return times

    def reach(self, since: float, first: float, last: float) -> wire.Reach:
        """Say where an asked time lies.

        Args:
            since: the time since the latent's.
            first: the first observation's, of the same kind.
            last: the last one's.
        """
        if not 0 <= since <= self.horizon:
            return wire.REACH_BEYOND_TRAINING
        return wire.REACH_INTERPOLATION if first <= since <= last else wire.REACH_EXTRAPOLATION


def _step(spec: pb.Forecasting) -> float:
    step = spec.solver.step
    if not (math.isfinite(step) and step > 0 and spec.max_reach / spec.time_scale / step <= MAX_STEPS):
        raise ValueError(
            f"solver.step is {step}; it must be above 0, and lead to max_reach in at most {MAX_STEPS:,} steps"
        )
    return step


def _blank_readings(spec: pb.Forecasting) -> NDArray[np.float64]:
    """The times since the latent's at which the encoder reads observations of nothing."""
    interval = spec.reading_interval
    if interval == 0:
        return np.zeros(1 if spec.latent_time == pb.LATENT_TIME_ZERO else 0)
    if not (interval > 0 and spec.horizon / interval <= MAX_READINGS):
        raise ValueError(
            f"reading_interval is {interval}; it must be 0, or lead to the horizon in at most {MAX_READINGS:,} readings"
        )
    times: NDArray[np.float64] = np.arange(math.floor(spec.horizon / interval) + 1, dtype=np.float64) * interval
    return times
