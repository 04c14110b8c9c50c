"""Reads what a model of time series measures, and when: a JSON file beside its checkpoint.

{
  "channels": [{"name": "HR", "unit": "1/min", "offset": 0, "scale": 300}, …],
  "time_unit": "hours", "time_scale": 48, "horizon": 48,
  "latent_time": "LATENT_TIME_ZERO", "reading_interval": 0.032, "max_reach": 192
}
"""

from pathlib import Path

from google.protobuf import json_format
from podium.v1 import model_manifest_pb2 as pb

from podium_export.architecture import Blueprint
from podium_export.errors import OptionError

_OWN = ("latent_size", "solver")


def with_series(blueprint: Blueprint, path: Path) -> Blueprint:
    """Describe a model of time series as a file says.

    Raises:
        OptionError: the file cannot be read or does not fit the network, or the model is no forecaster.
    """
    if blueprint.with_series is None:
        raise OptionError("--series: for models that forecast alone")
    try:
        return blueprint.with_series(read_series(path))
    except OptionError as error:
        raise OptionError(f"--series {error}") from error


def read_series(path: Path) -> pb.Forecasting:
    """Read a description of series; what it leaves out keeps its usual value.

    The words are those of `Forecasting` in the manifest: a number of the network is (value - offset) / scale, and its
    time (time - latent's time) / time_scale. Usual are a scale of 1, a horizon of 1, the horizon for the time scale,
    and the first observation's time for the latent's.

    Raises:
        OptionError: it cannot be read, or a field has a value that it may not have.
    """
    try:
        described = json_format.Parse(path.read_bytes(), pb.Forecasting())
    except (OSError, json_format.ParseError, UnicodeDecodeError) as error:
        raise OptionError(f"{path}: not a description of series: {error}") from error
    for field in _OWN:
        if field in {descriptor.name for descriptor, _ in described.ListFields()}:
            raise OptionError(f"{path}: {field}: is told by the network; leave it out")
    described.horizon = described.horizon or 1.0
    described.time_scale = described.time_scale or described.horizon
    described.latent_time = described.latent_time or pb.LATENT_TIME_FIRST_OBSERVATION
    _check(described, path)
    return described


def _check(described: pb.Forecasting, path: Path) -> None:
    for field in ("horizon", "time_scale"):
        if not 0 < getattr(described, field) < float("inf"):
            raise OptionError(f"{path}: {field}: is {getattr(described, field)}; it must be above 0")
    if described.max_reach and described.max_reach < described.horizon:
        raise OptionError(f"{path}: max_reach: is {described.max_reach}; it must be the horizon or more")
    if not 0 <= described.reading_interval <= described.horizon:
        raise OptionError(f"{path}: reading_interval: is {described.reading_interval}; it must be 0 … horizon")
    names = [channel.name for channel in described.channels if channel.name]
    for i, channel in enumerate(described.channels):
        channel.scale = channel.scale or 1.0
        if channel.name and names.count(channel.name) > 1:
            raise OptionError(f"{path}: channels[{i}]: another one is called {channel.name!r} too")
