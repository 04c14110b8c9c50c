"""Every field that a caller can get wrong, with what is said of it."""

import math

import grpc
import pytest
from podium.v1 import forecast_service_pb2 as wire
from podium.v1 import forecast_service_pb2_grpc as stubs

from tests.server.forecasting.asking import reading, refusal, series, vector

GOOD = series(vector(0, 12, 1), times=[1])
FAULTS = [
    (wire.ForecastRequest(), "series", "has 0; a call must have 1 … 1,024"),
    (wire.ForecastRequest(series=[series()]), "series[0].observations", "has 0 observations"),
    (wire.ForecastRequest(series=[GOOD, series(vector(0, 1, 2), times=[])]), "series[1].times", "has 0 times"),
    (
        wire.ForecastRequest(series=[series(vector(0, 1, 2), times=[0.5] * 4097)]),
        "series[0].times",
        "has 4,097 times; it must have 1 … 4,096",
    ),
    (wire.ForecastRequest(series=[series(wire.Observation(time=1))]), "series[0].observations", "hold no value"),
    (
        wire.ForecastRequest(series=[series(vector(0, 1, 2), vector(math.nan, 1, 2))]),
        "series[0].observations[1].time",
        "is nan; it must be finite",
    ),
    (
        wire.ForecastRequest(series=[series(vector(0, 1, math.inf))]),
        "series[0].observations[0].vector[1]",
        "leave out what was not measured",
    ),
    (
        wire.ForecastRequest(series=[series(reading(0, "heat", math.nan))]),
        "series[0].observations[0].readings[0].value",
        "is nan",
    ),
    (
        wire.ForecastRequest(series=[series(reading(0, "heat", 3e6))]),
        "series[0].observations[0].readings[0].value",
        "at most a million times the channel's scale (2) from its offset (10)",
    ),
    (
        wire.ForecastRequest(series=[series(vector(0, 1))]),
        "series[0].observations[0].vector",
        "has 1 numbers; the model has 2 channels",
    ),
    (
        wire.ForecastRequest(series=[series(vector(0, 1, 2, missing=[2]))]),
        "series[0].observations[0].missing",
        "is 2; the channels are 0 … 1",
    ),
    (
        wire.ForecastRequest(series=[series(reading(0, "haet", 1))]),
        "series[0].observations[0].readings[0].name",
        "there is no channel 'haet' (did you mean 'heat'?); the channels are heat, flow",
    ),
    (
        wire.ForecastRequest(series=[series(reading(0, 7, 1))]),
        "series[0].observations[0].readings[0].index",
        "is 7; the channels are 0 … 1",
    ),
    (
        wire.ForecastRequest(series=[series(wire.Observation(time=0, readings=[wire.Reading(value=1)]))]),
        "series[0].observations[0].readings[0]",
        "says no channel; set index or name",
    ),
    (
        wire.ForecastRequest(series=[series(vector(0, 1, 2), vector(97, 1, 2))]),
        "series[0].observations[1].time",
        "by at most 96 hours",
    ),
    (
        wire.ForecastRequest(series=[series(vector(2, 1, 2), times=[3, 99])]),
        "series[0].times[1]",
        "is 99; it must be -94 … 98 hours: the model was trained up to 26",
    ),
    (
        wire.ForecastRequest(series=[series(vector(2, 1, 2), times=[math.nan])]),
        "series[0].times[0]",
        "is nan; it must be -94 … 98 hours",
    ),
    (wire.ForecastRequest(series=[GOOD], num_samples=1025), "num_samples", "is 1,025; it must be 0 … 1,024"),
    (wire.ForecastRequest(series=[GOOD], return_samples=True), "return_samples", "there are none to return"),
    (
        wire.ForecastRequest(series=[series(vector(0, 1, 2), times=[1] * 4096)] * 3, num_samples=1024),
        "num_samples",
        "ask for fewer times, series or samples",
    ),
]


@pytest.mark.parametrize(("request_", "field", "said"), FAULTS, ids=[said[:40] for _, _, said in FAULTS])
def test_a_fault_is_named_by_its_field(
    stub: stubs.ForecastServiceStub, request_: wire.ForecastRequest, field: str, said: str
) -> None:
    """The field's path, what is wrong, and what would be right."""
    request_.model = "fading"
    code, named, message = refusal(stub, request_)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert named == field
    assert message.startswith(f"{field}: ")
    assert said in message


def test_nothing_is_observed_before_a_fixed_beginning(stub: stubs.ForecastServiceStub) -> None:
    """A model whose latent stands at time 0 was told of nothing earlier."""
    request = wire.ForecastRequest(model="admitted", series=[series(vector(1, 1, 2), vector(-3, 1, 2))])
    code, field, message = refusal(stub, request)
    assert (code, field) == (grpc.StatusCode.INVALID_ARGUMENT, "series[0].observations[1].time")
    assert "is -3; it must be 0 or later" in message


def test_other_models_do_not_forecast(stub: stubs.ForecastServiceStub) -> None:
    """The message says what the model is for."""
    code, _, message = refusal(stub, wire.ForecastRequest(model="sums", series=[GOOD]))
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert "'sums' is for tensors" in message
    assert refusal(stub, wire.ForecastRequest(model="nobody", series=[GOOD]))[0] is grpc.StatusCode.NOT_FOUND
