"""One channel of a series against time."""

from typing import TYPE_CHECKING

import numpy as np

from podium_client.charts.palette import AHEAD, INK, INSIDE, MUTED, OBSERVED, OUTSIDE, TRUTH
from podium_client.charts.stretches import stretches

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from podium_client.charts.forecast_chart import Track, Words

_DEVIATIONS = 2


def draw_in_time(axis: "Axes", track: "Track", channel: int, words: "Words", *, named: bool) -> None:
    """Draw observations, prediction and twice its spread; the ground is tinted where there is extrapolation."""
    forecast = track.forecast
    times, mean = forecast.times, forecast.mean[:, channel]
    for stretch in stretches(forecast):
        if not stretch.inside:
            axis.axvspan(float(times[stretch.places[0]]), float(times[stretch.places[-1]]), color=AHEAD, lw=0, zorder=0)
    if track.truth is not None:
        axis.plot(times, track.truth[:, channel], color=TRUTH, lw=1.2, ls=(0, (4, 2)), label="truth", zorder=2)
    labelled: set[str] = set()
    for stretch in stretches(forecast):
        color, label = (INSIDE, "interpolation") if stretch.inside else (OUTSIDE, "extrapolation")
        at = stretch.places
        if forecast.spread is not None:
            wide = _DEVIATIONS * forecast.spread[at, channel]
            axis.fill_between(times[at], mean[at] - wide, mean[at] + wide, color=color, alpha=0.18, lw=0, zorder=1)
        axis.plot(times[at], mean[at], color=color, lw=1.8, label="" if label in labelled else label, zorder=3)
        labelled.add(label)
    seen = np.isfinite(track.values[:, channel])
    axis.plot(
        track.times[seen], track.values[seen, channel], "o", ms=4, color=OBSERVED, mec="white", mew=0.5,
        label="observed", zorder=4,
    )  # fmt: skip
    name = forecast.channels[channel] or f"channel {channel}"
    unit = words.units[channel] if words.units else ""
    axis.set_title(f"{track.name} · {name}" if named and track.name else name, fontsize=10, color=INK, loc="left")
    axis.set_ylabel(unit, fontsize=8, color=MUTED)
    axis.set_xlabel(words.time, fontsize=8, color=MUTED)
    axis.set_xlim(times[0], times[-1])
    axis.margins(y=0.12)
