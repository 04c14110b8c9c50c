"""`podium.v1.ForecastService`: observations at irregular times in, values at asked times out."""

import time

from podium.v1 import forecast_service_pb2 as wire
from podium.v1 import model_manifest_pb2 as pb

from podium_server.call import Call
from podium_server.catalogue import Catalogue
from podium_server.errors import InvalidArgument
from podium_server.forecasting.asked import Asked, read_times
from podium_server.forecasting.forecast_model import ForecastModel
from podium_server.forecasting.observed import Observed, read_observations
from podium_server.forecasting.solved import Wanted, answer
from podium_server.imaging.pool import ImagePool
from podium_server.seed import choose_seed
from podium_server.servable import Servable
from podium_server.services.answered import answered
from podium_server.services.compiled import Compiled
from podium_server.services.forecast_call import ForecastCall
from podium_server.services.tasks import check_task
from podium_server.settings import Settings

MAX_SERIES = MAX_SAMPLES = 1024
MAX_VALUES = 2**24  # that the decoder gives for a call: samples by times by channels
# A number of a message takes about as long to read or write as this many pixels of a picture.
_EFFORT = 8


class ForecastService:
    """Implements the service.

    Args:
        catalogue: the models.
        settings: limits of calls.
        pool: threads for calls whose messages take long to read and write.
    """

    def __init__(self, catalogue: Catalogue, settings: Settings, pool: ImagePool) -> None:
        self._catalogue = catalogue
        self._max_bytes = settings.max_message_bytes
        self._pool = pool
        self._models = Compiled(_compile, "forecasts nothing")

    async def Forecast(self, request: wire.ForecastRequest, call: Call) -> wire.ForecastResponse:
        """Give values at asked times."""
        servable = await self._catalogue.serve(request.model, call)
        check_task(servable, "Forecast", pb.TASK_FORECASTING)
        model = self._models.of(servable)
        work = ForecastCall(call, servable, model)
        _check(request)
        began = time.monotonic()
        num_times = sum(len(each.observations) + len(model.clock.blank_readings) for each in request.series)
        effort = _EFFORT * num_times * len(model.channels)
        (read,) = await self._pool.work([lambda: _read(request, model)], effort)
        series, asked = read
        self._check_size(request, asked, len(model.channels))
        work.spent.preprocess_s = time.monotonic() - began
        seed = request.seed if request.HasField("seed") else choose_seed()
        latents = await work.latents(series, request.num_samples, seed)
        solved = await work.solve(latents, asked)
        began = time.monotonic()
        wanted = Wanted(spread=request.num_samples > 0, samples=request.return_samples)
        effort = _EFFORT * sum(numbers.size for numbers in solved)
        (forecasts,) = await self._pool.work(
            [lambda: [answer(n, a, model.channels, wanted) for n, a in zip(solved, asked, strict=True)]], effort
        )
        work.spent.encode_s = time.monotonic() - began
        metadata = answered(call, servable, work.spent, seed if request.num_samples else None)
        return wire.ForecastResponse(metadata=metadata, channels=model.channels.names, series=forecasts)

    def _check_size(self, request: wire.ForecastRequest, asked: list[Asked], num_channels: int) -> None:
        """Refuse a call whose values are too many to hold or to send.

        Raises:
            InvalidArgument: says how many they are.
        """
        num_points = sum(len(each.times) for each in asked) * num_channels
        num_solved = num_points * max(1, request.num_samples)
        num_told = num_points * (2 + (request.num_samples if request.return_samples else 0))
        most = min(MAX_VALUES, self._max_bytes // 8)
        if max(num_solved, num_told if request.return_samples else 0) > most:
            field = "num_samples" if request.num_samples else "series"
            raise InvalidArgument(
                f"{field}: {num_points:,} values of all times and channels by {max(1, request.num_samples):,} samples; "
                f"a call gives at most {most:,}: ask for fewer times, series or samples in one call",
                field,
            )


def _check(request: wire.ForecastRequest) -> None:
    if not 1 <= len(request.series) <= MAX_SERIES:
        raise InvalidArgument(f"series: has {len(request.series):,}; a call must have 1 … {MAX_SERIES:,}", "series")
    if request.num_samples > MAX_SAMPLES:
        raise InvalidArgument(f"num_samples: is {request.num_samples:,}; it must be 0 … {MAX_SAMPLES:,}", "num_samples")
    if request.return_samples and not request.num_samples:
        raise InvalidArgument(
            "return_samples: there are none to return; set num_samples to 1 or more", "return_samples"
        )


def _read(request: wire.ForecastRequest, model: ForecastModel) -> tuple[list[Observed], list[Asked]]:
    series: list[Observed] = []
    asked: list[Asked] = []
    for i, each in enumerate(request.series):
        series.append(read_observations(each, model.channels, model.clock, f"series[{i}]"))
        asked.append(read_times(each, series[-1], model.clock, f"series[{i}]"))
    return series, asked


def _compile(servable: Servable) -> ForecastModel:
    signatures = {key: batcher.signature for key, batcher in servable.batchers.items()}
    return ForecastModel(servable.manifest, signatures)
