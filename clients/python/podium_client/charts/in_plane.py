"""A series of two coordinates as its way through the plane."""

from typing import TYPE_CHECKING

import numpy as np

from podium_client.charts.palette import INK, INSIDE, OBSERVED, OUTSIDE, TRUTH
from podium_client.charts.stretches import stretches

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from podium_client.charts.forecast_chart import Track


def draw_in_plane(axis: "Axes", track: "Track") -> None:
    """Draw observations, the predicted way, and faintly the ways of single samples."""
    forecast = track.forecast
    parts = [(stretch.places, stretch.inside) for stretch in stretches(forecast)]
    if track.truth is not None:
        x, y = track.truth.T
        axis.plot(x, y, color=TRUTH, lw=1.4, ls=(0, (4, 2)), label="truth", zorder=2)
    if forecast.samples is not None:
        for places, inside in parts:
            for sample in forecast.samples:
                x, y = sample[places].T
                axis.plot(x, y, color=INSIDE if inside else OUTSIDE, lw=0.8, alpha=0.12, zorder=1)
    labelled: set[str] = set()
    for places, inside in parts:
        color, label = (INSIDE, "interpolation") if inside else (OUTSIDE, "extrapolation")
        x, y = forecast.mean[places].T
        axis.plot(x, y, color=color, lw=2.2, label="" if label in labelled else label, zorder=3)
        labelled.add(label)
    seen = np.isfinite(track.values).all(axis=1)
    x, y = track.values[seen].T
    axis.plot(x, y, "o", ms=4.5, color=OBSERVED, mec="white", mew=0.6, ls="", label="observed", zorder=4)
    axis.set_aspect("equal", adjustable="datalim")
    axis.set_title(track.name, fontsize=10, color=INK, loc="left")
    axis.margins(0.06)
