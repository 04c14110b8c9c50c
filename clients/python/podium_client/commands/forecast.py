"""`podium forecast`: series of a CSV file, with what a model says of them in between and beyond."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
import numpy as np
from podium.v1 import model_manifest_pb2 as pb
from rich.console import Console
from rich.text import Text

from podium_client.charts.forecast_chart import Track, Words, chart
from podium_client.client import Client
from podium_client.commands.options import Server, json_option, server_options, shows_errors, timeout_option
from podium_client.commands.picture_files import Destination, output_option
from podium_client.commands.picture_options import numbers, seed_option
from podium_client.commands.series_file import read_series
from podium_client.forecasts import Forecast
from podium_client.series import Numbers, Series
from podium_client.sheets.answers import note

_POINTS = 200
_BEYOND = 0.25  # of the observed span, where the model's horizon shows nothing of the future
_SAMPLES_DRAWN = 64


@click.command()
@click.argument("model_and_file", nargs=-1, required=True, metavar="[MODEL] FILE")
@click.option("--until", type=float, help="The last time.  [default: as far as the model was trained]")
@click.option(
    "--times",
    metavar="NUMBERS",
    callback=numbers(float, "0,2.5,12"),
    help="What is asked, in place of 200 times from the first observation to the last time.",
)
@click.option(
    "--samples",
    "num_samples",
    type=click.IntRange(0, 1024),
    default=_SAMPLES_DRAWN,
    show_default=True,
    help="Drawn from the posterior, for the spread; 0: its mean alone.",
)
@seed_option("--seed", text="Draws the same samples again.  [default: a new one, which is told]")
@output_option
@server_options
@timeout_option
@json_option
@shows_errors
def forecast(
    *,
    model_and_file: tuple[str, ...],
    until: float | None,
    times: tuple[float, ...],
    num_samples: int,
    seed: int | None,
    destination: Destination,
    server: Server,
    timeout: float,
    as_json: bool,
) -> None:
    """Forecast time series that were observed at irregular times.

    FILE is CSV, a line a value (series,time,channel,value) or a column a channel (series,time,x,y); `series` may be
    left out. MODEL is a name, name/version or name@alias, and may be left out where one model forecasts.
    """
    *models, path = model_and_file or ("",)
    if len(models) > 1:
        raise click.UsageError("give a model and one file")
    file = Path(path)
    with server.client(timeout) as client:
        name = models[0] if models else _only_forecaster(client)
        spec = client.model(name).manifest.forecasting
        known = [channel.name for channel in spec.channels]
        series = read_series(file, known)
        asked = [np.unique(times) if times else _asked(each, spec, until) for each in series.values()]
        forecasts = client.forecast(
            name, list(series.values()), asked, num_samples=num_samples, seed=seed, return_samples=num_samples > 0
        )
    tracks = [_track(n, s, f) for (n, s), f in zip(series.items(), forecasts, strict=True)]
    files = _draw(tracks, spec, file.stem, destination)
    if as_json:
        click.echo(json.dumps(_record(tracks, files), indent=2))
    else:
        _tell(tracks, files)


def _only_forecaster(client: Client) -> str:
    """Find the one model that forecasts.

    Raises:
        click.UsageError: there is none, or more than one.
    """
    names = [
        model.name
        for model in client.models()
        if any(version.task == "forecasting" and version.version == model.default_version for version in model.versions)
    ]
    if len(names) == 1:
        return names[0]
    which = f"these do: {', '.join(names)}" if names else "none is served"
    raise click.UsageError(f"say which model forecasts; {which}")


def _asked(series: Series, spec: pb.Forecasting, until: float | None) -> Numbers:
    """Choose times from the latent's or the first observation's to as far as the model was trained, or some way on."""
    observed, _ = series.arrays()
    first, last = float(observed.min()), float(observed.max())
    start = 0.0 if spec.latent_time == pb.LATENT_TIME_ZERO else first
    if until is None:
        usual = max(start + spec.horizon, last + _BEYOND * (last - first))
        until = min(usual, start + spec.max_reach) if spec.max_reach else usual
    if until < first:
        raise click.UsageError(f"--until {until:g}: the first observation is at {first:g}; give a later time")
    return np.linspace(min(start, first), until, _POINTS)


def _track(name: str, series: Series, forecast: Forecast) -> Track:
    """Bring observations into the order of the forecast's channels."""
    times, values = series.arrays()
    placed = np.full((len(times), len(forecast.channels)), np.nan)
    for column, channel in enumerate(series.channels or range(values.shape[1])):
        place = forecast.channels.index(channel) if isinstance(channel, str) else channel
        placed[:, place] = values[:, column]
    return Track(name, times, placed, forecast)


def _draw(tracks: Sequence[Track], spec: pb.Forecasting, title: str, destination: Destination) -> list[Path]:
    """Draw one chart, or one a series into a folder."""
    metadata = tracks[0].forecast.metadata
    time = f"time in {spec.time_unit}" if spec.time_unit else "time"
    units = tuple(channel.unit for channel in spec.channels)
    if destination.folder is None:
        words = Words(title, note(metadata), time, units)
        return [destination.save_sheet(chart(tracks, words), f"{metadata.model}-forecast")]
    files: list[Path] = []
    for i, track in enumerate(tracks):
        words = Words(track.name or title, note(metadata), time, units)
        single = Destination(file=destination.folder / f"{i:04}.png")
        files.append(single.save_sheet(chart([track], words), ""))
    return files


def _record(tracks: Sequence[Track], files: Sequence[Path]) -> dict[str, Any]:
    """Say for programs what was answered, and where it is; null where a solution diverged."""
    first = tracks[0].forecast
    return {
        "metadata": asdict(first.metadata),
        "files": [str(file) for file in files],
        "channels": list(first.channels),
        "series": [
            {
                "name": track.name,
                "times": track.forecast.times.tolist(),
                "reaches": list(track.forecast.reaches),
                "mean": _plain(track.forecast.mean),
                "spread": None if track.forecast.spread is None else _plain(track.forecast.spread),
                "divergence": None if track.forecast.divergence is None else asdict(track.forecast.divergence),
            }
            for track in tracks
        ],
    }


def _plain(rows: Numbers) -> list[list[float] | None]:
    return [row.tolist() if np.isfinite(row).all() else None for row in rows]


def _tell(tracks: Sequence[Track], files: Sequence[Path]) -> None:
    console = Console(highlight=False)
    console.print(Text(note(tracks[0].forecast.metadata), style="bold"), soft_wrap=True)
    for track in tracks:
        forecast = track.forecast
        num_values = int(np.isfinite(track.values).sum())
        words = (
            f"{num_values:,} values at {len(track.times):,} times up to {track.last:g}; forecast from "
            f"{forecast.times[0]:g} to {forecast.times[-1]:g}"
        )
        console.print(Text(f"{track.name}: {words}" if track.name else words), soft_wrap=True)
        if forecast.divergence is not None:
            console.print(Text(forecast.divergence.message, style="bold red"), soft_wrap=True)
    where = str(files[0]) if len(files) == 1 else f"{files[0]} … {files[-1].name}"
    console.print(Text("→ ", style="dim").append(where, style="not dim"), soft_wrap=True)
