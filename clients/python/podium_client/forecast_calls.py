"""The call of time series."""

import asyncio
from collections.abc import Sequence
from functools import cached_property
from typing import overload

from numpy.typing import ArrayLike
from podium.v1 import forecast_service_pb2 as wire
from podium.v1 import forecast_service_pb2_grpc

from podium_client.arguments import whole
from podium_client.connection import Connection
from podium_client.forecasts import Forecast, read_forecasts
from podium_client.series import Series, asked_times, series_message

# Observed numbers that take about as long to write as a turn of the event loop may.
_AT_ONCE = 20_000


class ForecastCalls(Connection):
    """The call of `podium.v1.ForecastService`."""

    @cached_property
    def _forecasts(self) -> "forecast_service_pb2_grpc.ForecastServiceAsyncStub":
        return forecast_service_pb2_grpc.ForecastServiceStub(self._channel)

    @overload
    async def forecast(
        self,
        model: str,
        series: Series,
        times: ArrayLike,
        *,
        num_samples: int = 0,
        seed: int | None = None,
        return_samples: bool = False,
        timeout: float | None = None,
    ) -> Forecast: ...
    @overload
    async def forecast(
        self,
        model: str,
        series: Sequence[Series],
        times: ArrayLike | Sequence[ArrayLike],
        *,
        num_samples: int = 0,
        seed: int | None = None,
        return_samples: bool = False,
        timeout: float | None = None,
    ) -> list[Forecast]: ...
    async def forecast(
        self,
        model: str,
        series: Series | Sequence[Series],
        times: ArrayLike | Sequence[ArrayLike],
        *,
        num_samples: int = 0,
        seed: int | None = None,
        return_samples: bool = False,
        timeout: float | None = None,
    ) -> Forecast | list[Forecast]:
        """Give values at asked times, from observations at irregular ones.

        A series' answer depends on its own observations and times, the seed and the number of samples alone.

        Args:
            model: "name", "name/version" or "name@alias".
            series: one series, or a list of them that travels in one call.
            times: what is asked: in any order; the same for every series, or a list of lists, one a series.
            num_samples: how many latents to draw from the posterior; 0: its mean alone.
            seed: of the samples, 0 or more; None: one is chosen, and told in the metadata.
            return_samples: give the solution of each sample too.
            timeout: seconds for the call and its retries; None: the client's.

        Returns:
            One forecast for one series; a list in the same order for a list.

        Raises:
            PodiumError: by who is to blame, see `podium_client.errors`.
        """
        every = [series] if isinstance(series, Series) else list(series)
        asked = asked_times(times, len(every))

        def write() -> wire.ForecastRequest:
            return wire.ForecastRequest(
                model=model,
                series=[series_message(every[i], asked[i], f"series[{i}]") for i in range(len(every))],
                num_samples=whole(num_samples, "num_samples", 0),
                seed=None if seed is None else whole(seed, "seed", 0, bits=64),
                return_samples=return_samples,
            )

        many = sum(each.arrays(f"series[{i}]")[1].size for i, each in enumerate(every)) > _AT_ONCE
        request = await asyncio.to_thread(write) if many else write()
        response = await self._caller.call(self._forecasts.Forecast, request, self._limit_s(timeout))
        forecasts = read_forecasts(response, num_samples, with_samples=return_samples)
        return forecasts[0] if isinstance(series, Series) else forecasts
