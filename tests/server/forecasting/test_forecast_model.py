"""Packages that say they forecast, and could not."""

from collections.abc import Callable

import numpy as np
import pytest
from podium.v1 import model_manifest_pb2 as pb
from podium_server.forecasting.clock import Clock
from podium_server.forecasting.forecast_model import ForecastModel
from podium_server.signature import Signature
from podium_server.signature_match import from_proto

from tests.server.forecasting.models import decoder, encoder, forecasting


def signatures() -> dict[str, Signature]:
    """Those of a model that forecasts."""
    return {"encoder": from_proto(encoder().entry("encoder")), "decoder": from_proto(decoder(1).entry("decoder"))}


FAULTS: list[tuple[Callable[[pb.Forecasting], object], str]] = [
    (lambda spec: spec.ClearField("channels"), "forecasting.channels are empty"),
    (lambda spec: setattr(spec.channels[0], "scale", 0), r"forecasting.channels\[0\]: offset is 10.0 and scale 0.0"),
    (lambda spec: setattr(spec.channels[1], "name", "heat"), "forecasting.channels: two are called 'heat'"),
    (lambda spec: setattr(spec, "time_scale", 0), "forecasting.time_scale is 0.0; it must be above 0"),
    (lambda spec: setattr(spec, "horizon", float("nan")), "forecasting.horizon is nan"),
    (lambda spec: setattr(spec, "max_reach", 12), "forecasting.max_reach is 12.0; it must be the horizon, 24.0"),
    (lambda spec: spec.ClearField("latent_time"), "forecasting.latent_time must be LATENT_TIME_ZERO or"),
    (lambda spec: setattr(spec.solver, "step", 1e-9), "forecasting.solver.step is 1e-09"),
    (lambda spec: setattr(spec, "reading_interval", 1e-9), "forecasting.reading_interval is 1e-09"),
    (lambda spec: setattr(spec, "latent_size", 0), "forecasting.latent_size is 0"),
    (lambda spec: setattr(spec, "latent_size", 3), r"'mean' of graph 'encoder' is FP32 .*it must be FP32 \(batch, 3\)"),
    (lambda spec: spec.channels.add(scale=1), r"'value' of graph 'encoder' .*\(batch, any, 3\)"),
]


@pytest.mark.parametrize(("fault", "said"), FAULTS)
def test_a_wrong_manifest_is_refused_at_load(fault: Callable[[pb.Forecasting], object], said: str) -> None:
    """The message begins with the field."""
    spec = forecasting()
    fault(spec)
    with pytest.raises(ValueError, match=said):
        ForecastModel(pb.ModelManifest(forecasting=spec), signatures())


def test_graphs_of_other_roles_are_refused() -> None:
    """Both are needed, each with its inputs and outputs."""
    manifest = pb.ModelManifest(forecasting=forecasting())
    with pytest.raises(ValueError, match="graphs are decoder; they must be encoder and decoder"):
        ForecastModel(manifest, {"decoder": signatures()["decoder"]})
    swapped = {"encoder": signatures()["decoder"], "decoder": signatures()["encoder"]}
    with pytest.raises(ValueError, match="graph 'encoder' has the inputs latent, time, grid; they must be time, value"):
        ForecastModel(manifest, swapped)


def test_the_grid_has_the_step_of_the_manifest() -> None:
    """Steps of 0.5 of the network's time, as many as lead to the farthest time."""
    clock = Clock(forecasting())
    assert [clock.num_steps(time) for time in (0.0, 0.5, 0.51, 2.4)] == [1, 1, 2, 5]
    assert clock.grid(3).tolist() == [0.5, 1.0, 1.5]


def test_blank_readings_lead_to_the_horizon() -> None:
    """Every two hours of a day, both ends included; at time 0 alone for models that begin there and read no others."""
    fields = {"latent_time": pb.LATENT_TIME_ZERO}
    np.testing.assert_array_equal(Clock(forecasting(reading_interval=2)).blank_readings, np.arange(0, 25, 2))
    np.testing.assert_array_equal(Clock(forecasting(**fields)).blank_readings, [0])
    assert Clock(forecasting()).blank_readings.size == 0
