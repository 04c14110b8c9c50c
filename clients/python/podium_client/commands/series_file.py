"""Reads series from a CSV file.

Long form, a line a value:       series,time,channel,value
Wide form, a column a channel:   series,time,x,y

The column "series" may be missing where there is one; an empty cell is a value that was not observed.
"""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
import numpy as np

from podium_client.series import ChannelLike, Series

SERIES, TIME, CHANNEL, VALUE = "series", "time", "channel", "value"


@dataclass(slots=True)
class _Gathered:
    """What was read of one series: values by time and channel."""

    values: dict[float, dict[str, list[float]]] = field(default_factory=dict[float, dict[str, list[float]]])

    def add(self, time: float, channel: str, value: float) -> None:
        """Add a value; several at one time become their mean."""
        self.values.setdefault(time, {}).setdefault(channel, []).append(value)


def read_series(path: Path, known: Sequence[str]) -> dict[str, Series]:
    """Read the series of a file by their names, in its order.

    Args:
        path: the file.
        known: the names of the model's channels; a column or channel that is none of them and a number is an index.

    Raises:
        click.ClickException: the file cannot be read as one; names the line.
    """
    gathered: dict[str, _Gathered] = {}
    channels: dict[str, None] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            header = [name.strip() for name in rows.fieldnames or []]
            rows.fieldnames = header
            _check_header(header, path)
            for line, row in enumerate(rows, 2):
                name = (row.get(SERIES) or "").strip()
                for time, channel, value in _values(row, header, f"{path}, line {line}"):
                    gathered.setdefault(name, _Gathered()).add(time, channel, value)
                    channels.setdefault(channel)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise click.ClickException(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    if not gathered:
        raise click.ClickException(f"{path}: holds no value")
    return {name: _series(each, list(channels), known) for name, each in gathered.items()}


def _check_header(header: Sequence[str], path: Path) -> None:
    long = {CHANNEL, VALUE} <= set(header)
    if TIME not in header or not (long or set(header) - {SERIES, TIME}) or len(set(header)) < len(header):
        raise click.ClickException(
            f"{path}: the first line is {','.join(header)[:200]!r}; it must be series,time,channel,value or "
            "series,time and a column a channel (series may be left out)"
        )


def _values(row: Mapping[str, str | None], header: Sequence[str], where: str) -> Iterator[tuple[float, str, float]]:
    """Yield the values of a line."""
    time = _number(row.get(TIME) or "", f"{where}: {TIME}")
    if {CHANNEL, VALUE} <= set(header):
        cells = [((row.get(CHANNEL) or "").strip(), row.get(VALUE))]
    else:
        cells = [(name, row.get(name)) for name in header if name not in (SERIES, TIME)]
    for channel, text in cells:
        if not (text or "").strip():
            continue
        if not channel:
            raise click.ClickException(f"{where}: {CHANNEL}: is empty; give a channel's name or index")
        yield time, channel, _number(text or "", f"{where}: {channel}")


def _number(text: str, where: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise click.ClickException(f"{where}: {text.strip()!r} is not a number")
    return number


def _series(gathered: _Gathered, channels: Sequence[str], known: Sequence[str]) -> Series:
    times = sorted(gathered.values)
    rows = [[gathered.values[time].get(channel, [math.nan]) for channel in channels] for time in times]
    values = np.array([[sum(cell) / len(cell) for cell in row] for row in rows])
    return Series(np.array(times), values, [_channel(channel, known) for channel in channels])


def _channel(text: str, known: Sequence[str]) -> ChannelLike:
    return int(text) if text not in known and text.isdecimal() else text
