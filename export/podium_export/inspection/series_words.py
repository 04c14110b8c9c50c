"""Puts what a model of time series measures, and when, into words for people."""

from collections.abc import Iterator

from podium.v1 import model_manifest_pb2 as pb

_NUM_CHANNELS = 12


def series_facts(manifest: pb.ModelManifest) -> Iterator[tuple[str, str]]:
    """Yield what a package says of its series, each fact with its name."""
    if not manifest.HasField("forecasting"):
        return
    series = manifest.forecasting
    yield "channels", _channels(series)
    yield "times", _times(series)
    yield "latent", f"{series.latent_size} dimensions, at {_latent_time(series)}"
    yield "solver", _solver(series)


def _channels(series: pb.Forecasting) -> str:
    count = len(series.channels)
    shown = "; ".join(_channel(channel, i) for i, channel in enumerate(series.channels[:_NUM_CHANNELS]))
    return shown + (f"; … {count:,} in all" if count > _NUM_CHANNELS else "")


def _channel(channel: pb.Channel, index: int) -> str:
    name = channel.name or f"channel {index}"
    unit = f" in {channel.unit}" if channel.unit else ""
    if (channel.offset, channel.scale) == (0, 1):
        return f"{name}{unit}"
    above = f"x - {channel.offset:g}" if channel.offset >= 0 else f"x + {-channel.offset:g}"
    if channel.offset == 0:
        return f"{name}{unit} as x / {channel.scale:g}"
    return f"{name}{unit} as ({above}) / {channel.scale:g}" if channel.scale != 1 else f"{name}{unit} as {above}"


def _times(series: pb.Forecasting) -> str:
    unit = f" {series.time_unit}" if series.time_unit else ""
    words = f"trained up to {series.horizon:g}{unit} after the latent's, given up to {series.max_reach:g}{unit} from it"
    if series.time_scale != 1:
        words += f"; the network's time 1 is {series.time_scale:g}{unit}"
    if series.reading_interval:
        words += f"; the encoder reads a blank every {series.reading_interval:g}{unit}"
    return words


def _latent_time(series: pb.Forecasting) -> str:
    return "time 0" if series.latent_time == pb.LATENT_TIME_ZERO else "the first observation"


def _solver(series: pb.Forecasting) -> str:
    solver = series.solver
    steps = round(series.horizon / series.time_scale / solver.step) if solver.step else 0
    return (
        f"{solver.method}, {steps} steps up to the horizon; at most {solver.max_error:.2g} from {solver.reference}, "
        f"where {solver.tolerance:g} is allowed"
    )
