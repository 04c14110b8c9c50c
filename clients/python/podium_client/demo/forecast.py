"""Chapter: time series seen at irregular times, in between and beyond."""

import numpy as np

from podium_client.charts.forecast_chart import Track, Words, chart
from podium_client.demo.spirals import DURATION, Spiral, seen, spirals
from podium_client.demo.stage import Stage
from podium_client.forecasts import Forecast, Reach
from podium_client.sheets.answers import note

MODEL = "spirals"

_NUM_SPIRALS, _NUM_SEEN, _UNTIL = 6, 20, 6.0
_NUM_TIMES, _NUM_SAMPLES, _SEED = 240, 40, 7
_MOST_INSIDE, _MOST_OUTSIDE = 0.01, 0.03  # mean squared errors, of coordinates that reach 3


def show_forecasts(stage: Stage) -> None:
    """Forecast spirals, and draw what was seen, what is said of it, and what was true."""
    stage.chapter("ForecastService · series seen at irregular times")
    if not stage.serves(MODEL):
        return
    shown = spirals(_NUM_SPIRALS)
    series = [seen(spiral, _NUM_SEEN, _UNTIL, seed) for seed, spiral in enumerate(shown)]
    times = np.linspace(0, DURATION, _NUM_TIMES)
    forecasts = stage.client.forecast(MODEL, series, times, num_samples=_NUM_SAMPLES, seed=_SEED, return_samples=True)
    alone = stage.client.forecast(MODEL, series[-1], times, num_samples=_NUM_SAMPLES, seed=_SEED)
    same = np.array_equal(alone.mean, forecasts[-1].mean)
    stage.expect(same, "a series alone and among others", expected="the same numbers", got="others")
    errors = [_errors(stage, spiral, forecast) for spiral, forecast in zip(shown, forecasts, strict=True)]
    inside, outside = np.mean(errors, axis=0)
    right = inside <= _MOST_INSIDE and outside <= _MOST_OUTSIDE
    stage.expect(
        bool(right),
        f"mean squared errors of {MODEL}",
        expected=f"at most {_MOST_INSIDE} between and {_MOST_OUTSIDE} beyond the observations",
        got=f"{inside:.4f} and {outside:.4f}",
    )
    stage.console.print(
        f"Forecast: {_NUM_SEEN} noisy points of each of {_NUM_SPIRALS} spirals; mean squared error {inside:.4f} "
        f"between them, {outside:.4f} beyond."
    )
    tracks = [
        Track(_name(spiral), *each.arrays(), forecast, spiral.at(times))
        for spiral, each, forecast in zip(shown, series, forecasts, strict=True)
    ]
    path = stage.output / "spirals.png"
    title = f"Spirals seen at {_NUM_SEEN} irregular times, and how they go on"
    chart(tracks, Words(title, note(forecasts[0].metadata))).save(path)
    stage.wrote(path)


def _errors(stage: Stage, spiral: Spiral, forecast: Forecast) -> tuple[float, float]:
    """Measure the mean squared error of interpolation and of extrapolation."""
    stage.expect(forecast.divergence is None, f"a solution of {MODEL}", expected="sound", got=forecast.divergence)
    errors = ((forecast.mean - spiral.at(forecast.times)) ** 2).mean(axis=1)
    inside = forecast.reached(Reach.INTERPOLATION)
    return float(errors[inside].mean()), float(errors[~inside].mean())


def _name(spiral: Spiral) -> str:
    return "clockwise" if spiral.clockwise else "counter-clockwise"
