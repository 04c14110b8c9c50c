"""Draws forecasts as the lecture does: observations, prediction, extrapolation, spread.

Shapes: N observed times, T asked times, C channels, S samples.
"""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from podium_client.charts.palette import FRAME, INK, MUTED
from podium_client.forecasts import Forecast

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_PANELS = 24
_DOTS_PER_INCH = 130
_MOST_COLUMNS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One series as it is drawn.

    Attributes:
        name: above its panels; may be empty.
        times: (N,) of the observations.
        values: (N, C) in the order of the forecast's channels; NaN where nothing was observed.
        forecast: at times that ascend.
        truth: (T, C) what was to be predicted, at the forecast's times, where it is known.
    """

    name: str
    times: NDArray[np.float64]
    values: NDArray[np.float64]
    forecast: Forecast
    truth: NDArray[np.float64] | None = None

    @property
    def last(self) -> float:
        """The time of the last observation."""
        return float(self.times.max())


@dataclass(frozen=True, slots=True)
class Words:
    """What is written on a chart.

    Attributes:
        title: above it.
        note: beside the title, such as who answered.
        time: the axis of time, as in "time in hours".
        units: one a channel; "" for pure numbers.
    """

    title: str
    note: str = ""
    time: str = "time"
    units: tuple[str, ...] = ()


def chart(tracks: Sequence[Track], words: Words) -> Image.Image:
    """Draw series: in the plane where channels are x and y, else against time, a panel for each observed channel.

    Args:
        tracks: one or more, of one model; no more than `MOST_PANELS` panels are drawn, and the note says so.
        words: what is written.
    """
    from podium_client.charts.in_plane import draw_in_plane
    from podium_client.charts.in_time import draw_in_time

    if is_plane(tracks[0].forecast.channels):
        figure, axes = _panels(len(tracks), words, square=True)
        for axis, track in zip(axes, tracks, strict=False):
            draw_in_plane(axis, track)
    else:
        panels = [(track, channel) for track in tracks for channel in _observed(track)]
        figure, axes = _panels(len(panels), words, square=False)
        for axis, (track, channel) in zip(axes, panels, strict=False):
            draw_in_time(axis, track, channel, words, named=len(tracks) > 1)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, labelcolor=INK, fontsize=9
    )
    return _rendered(figure)


def is_plane(channels: Sequence[str]) -> bool:
    """Tell channels that are the coordinates of a plane."""
    return [name.lower() for name in channels] == ["x", "y"]


def _observed(track: Track) -> list[int]:
    """The channels that were observed, those with the most observations first."""
    counts = np.isfinite(track.values).sum(axis=0)
    return [int(channel) for channel in np.argsort(-counts, kind="stable") if counts[channel]]


def _panels(count: int, words: Words, *, square: bool) -> "tuple[Figure, list[Axes]]":
    from matplotlib.figure import Figure

    note = words.note
    if count > MOST_PANELS:
        note, count = f"{note} · {MOST_PANELS} of {count} panels", MOST_PANELS
    columns = min(count, _MOST_COLUMNS)
    rows = math.ceil(count / columns)
    width, height = (3.9, 3.9) if square else (8.4 if columns == 1 else 4.6, 2.7)
    figure = Figure(figsize=(columns * width, rows * height + 0.9), layout="constrained", facecolor="white")
    figure.suptitle(words.title, x=0.012, ha="left", fontsize=13, fontweight="bold", color=INK)
    figure.text(0.988, 0.99, note, ha="right", va="top", fontsize=9, color=MUTED)
    axes = [figure.add_subplot(rows, columns, place + 1) for place in range(count)]
    for axis in axes:
        axis.tick_params(colors=MUTED, labelsize=8)
        for spine in axis.spines.values():
            spine.set_color(FRAME)
    return figure, axes


def _rendered(figure: "Figure") -> Image.Image:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=_DOTS_PER_INCH)
    image = Image.open(buffer)
    image.load()
    return image.convert("RGB")
