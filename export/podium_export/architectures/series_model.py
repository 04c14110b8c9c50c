"""How networks of time series are described: graphs "encoder" and "decoder", their manifest."""

from collections.abc import Mapping
from functools import partial

from podium.v1 import model_manifest_pb2 as pb

from podium_export.architecture import Blueprint, ConfigValue, GraphBlueprint, InputSpec, OutputSpec
from podium_export.architectures.latent_series import LatentSeries, SeriesDecoder
from podium_export.architectures.step_choice import choose_step
from podium_export.errors import OptionError

FARTHEST = 4
"""How many horizons from the latent values are given, unless the description says otherwise."""


def plain_series(num_channels: int) -> pb.Forecasting:
    """Describe series of which nothing is known: numbers as the network reads them, times of 0 … 1."""
    return pb.Forecasting(
        channels=[pb.Channel(scale=1) for _ in range(num_channels)],
        time_scale=1,
        latent_time=pb.LATENT_TIME_FIRST_OBSERVATION,
        horizon=1,
    )


def series_model(
    series: LatentSeries, described: pb.Forecasting, *, config: Mapping[str, ConfigValue], description: str
) -> Blueprint:
    """Describe a network of time series; the step of its solver is chosen here.

    Args:
        series: the network's parts.
        described: its channels and times.
        config: the network's hyper-parameters.
        description: a sentence for people.

    Raises:
        OptionError: the description does not fit the network.
        NetworkError: the equation cannot be solved, see `choose_step`.
    """
    if len(described.channels) != series.num_channels:
        raise OptionError(
            f"channels: {len(described.channels)} are described, and the network has {series.num_channels}: describe "
            "each, in the network's order"
        )
    forecasting = pb.Forecasting(max_reach=FARTHEST * described.horizon)
    forecasting.MergeFrom(described)
    forecasting.latent_size = series.latent_size
    horizon = described.horizon / described.time_scale
    forecasting.solver.CopyFrom(choose_step(series, horizon))
    return Blueprint(
        graphs=(_encoder(series, horizon), _decoder(series, horizon, forecasting.solver.step)),
        task=pb.TASK_FORECASTING,
        description=description,
        config=config,
        forecasting=forecasting,
        with_series=partial(series_model, series, config=config, description=description),
    )


def _encoder(series: LatentSeries, horizon: float) -> GraphBlueprint:
    observed = ("batch", "observed")
    lengths = (11, 40, 1)
    return GraphBlueprint(
        series.encoder,
        (
            InputSpec("time", "float32", observed, 0, horizon),
            InputSpec("value", "float32", (*observed, series.num_channels)),
            InputSpec("mask", "float32", (*observed, series.num_channels), 0, 1),
            InputSpec("count", "int64", ("batch",), 1, lengths[0]),
        ),
        tuple(OutputSpec(name, ("batch", series.latent_size)) for name in ("mean", "standard_deviation")),
        name="encoder",
        lengths={"observed": lengths},
    )


def _decoder(series: LatentSeries, horizon: float, step: float) -> GraphBlueprint:
    num_steps = round(horizon / step)
    return GraphBlueprint(
        SeriesDecoder(series, step),
        (
            InputSpec("latent", "float32", ("batch", series.latent_size)),
            InputSpec("time", "float32", ("batch", "asked"), -horizon, horizon),
            # Longer steps than the solver's would let the rounding of two runs grow apart.
            InputSpec("grid", "float32", ("batch", "steps"), 0, step),
        ),
        (OutputSpec("value", ("batch", "asked", series.num_channels)),),
        name="decoder",
        lengths={"steps": (num_steps, 2 * num_steps, 1)},
    )
