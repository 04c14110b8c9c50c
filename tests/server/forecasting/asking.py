"""How tests ask for forecasts, and how refusals are read."""

from collections.abc import Sequence

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from podium.v1 import forecast_service_pb2 as wire
from podium.v1 import forecast_service_pb2_grpc as stubs


def vector(time: float, *values: float, missing: Sequence[int] = ()) -> wire.Observation:
    """An observation of all channels."""
    return wire.Observation(time=time, vector=values, missing=missing)


def reading(time: float, channel: str | int, value: float) -> wire.Observation:
    """An observation of one channel."""
    one = wire.Reading(name=channel) if isinstance(channel, str) else wire.Reading(index=channel)
    one.value = value
    return wire.Observation(time=time, readings=[one])


def series(*observations: wire.Observation, times: Sequence[float] = (0.0,)) -> wire.Series:
    """A series with what is asked of it."""
    return wire.Series(observations=observations, times=times)


def refusal(stub: stubs.ForecastServiceStub, request: wire.ForecastRequest) -> tuple[grpc.StatusCode, str, str]:
    """Send what must be refused: code, field and message."""
    with pytest.raises(grpc.RpcError) as refused:
        stub.Forecast(request)
    error = refused.value
    assert isinstance(error, grpc.Call)
    status = rpc_status.from_call(error)
    field = ""
    for detail in status.details:
        bad = error_details_pb2.BadRequest()
        if detail.Unpack(bad):
            field = bad.field_violations[0].field
    return error.code(), field, status.message
