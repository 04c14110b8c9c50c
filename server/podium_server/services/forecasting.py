"""`podium.v1.ForecastService`: observations at irregular times in, values at asked times out."""

import secrets
import time
from weakref import WeakKeyDictionary

from podium.v1 import forecast_service_pb2 as wire
from podium.v1 import model_manifest_pb2 as pb
from podium.v1 import response_metadata_pb2

from podium_server.batching.batcher import Run
from podium_server.call import Call
from podium_server.catalogue import Catalogue
from podium_server.errors import InvalidArgument, LoadFailed, WrongTask
from podium_server.forecasting.asked import Asked, read_times
from podium_server.forecasting.forecast_model import ForecastModel
from podium_server.forecasting.observed import Observed, read_observations
from podium_server.forecasting.solved import Wanted, answer
from podium_server.imaging.pool import ImagePool
from podium_server.servable import Servable
from podium_server.services.forecast_call import ForecastCall
from podium_server.services.tasks import purpose
from podium_server.settings import Settings

MAX_SERIES = MAX_SAMPLES = 1024
MAX_VALUES = 2**24  # that the decoder gives for a call: samples by times by channels
# A number of a message takes about as long to read or write as this many pixels of a picture.
_EFFORT = 8
# A seed that a caller can type; theirs may have 64 bits.
_CHOSEN_SEED_BITS = 32


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
        # Weak: a version that is unloaded takes what was compiled for it along.
        self._models: WeakKeyDictionary[Servable, ForecastModel] = WeakKeyDictionary()

    async def Forecast(self, request: wire.ForecastRequest, call: Call) -> wire.ForecastResponse:  # noqa: N802
        """Give values at asked times."""
        servable = await self._catalogue.serve(request.model, call)
        model = self._models.get(servable) or self._compile(servable)
        work = ForecastCall(call, servable, model)
        _check(request)
        began = time.monotonic()
        num_times = sum(len(each.observations) + len(model.clock.blank_readings) for each in request.series)
        effort = _EFFORT * num_times * len(model.channels)
        (read,) = await self._pool.work([lambda: _read(request, model)], effort)
        series, asked = read
        self._check_size(request, asked, len(model.channels))
        work.spent.preprocess_s = time.monotonic() - began
        seed = request.seed if request.HasField("seed") else secrets.randbits(_CHOSEN_SEED_BITS)
        latents = await work.latents(series, request.num_samples, seed)
        solved = await work.solve(latents, asked)
        began = time.monotonic()
        wanted = Wanted(spread=request.num_samples > 0, samples=request.return_samples)
        effort = _EFFORT * sum(numbers.size for numbers in solved)
        (forecasts,) = await self._pool.work(
            [lambda: [answer(n, a, model.channels, wanted) for n, a in zip(solved, asked, strict=True)]], effort
        )
        work.spent.encode_s = time.monotonic() - began
        metadata = _answered(work, call, seed if request.num_samples else None)
        return wire.ForecastResponse(metadata=metadata, channels=model.channels.names, series=forecasts)

    def _compile(self, servable: Servable) -> ForecastModel:
        """Make what a version's calls need.

        Raises:
            WrongTask: the model is for something else.
            LoadFailed: its manifest makes no forecast model.
        """
        name, manifest = servable.name, servable.manifest
        if manifest.task != pb.TASK_FORECASTING:
            raise WrongTask(f"model: '{name}' is for {purpose(manifest.task)}; Forecast takes models for forecasting")
        signatures = {key: batcher.signature for key, batcher in servable.batchers.items()}
        try:
            model = ForecastModel(manifest, signatures)
        except ValueError as error:
            raise LoadFailed(f"model: '{name}' version {servable.version} forecasts nothing: {error}") from error
        self._models[servable] = model
        return model

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


def _answered(work: ForecastCall, call: Call, seed: int | None) -> response_metadata_pb2.ResponseMetadata:
    """Report the answer, once it is made; what it says of its making."""
    spent, servable = work.spent, work.servable
    run = Run((), spent.queue_s, spent.run_s)
    call.answered(servable, preprocess_s=spent.preprocess_s, run=run, encode_s=spent.encode_s)
    return response_metadata_pb2.ResponseMetadata(
        model=servable.name,
        version=servable.version,
        seed=seed,
        execution_provider=servable.provider,
        timings=response_metadata_pb2.Timings(
            total_ms=(time.monotonic() - call.began) * 1e3,
            preprocess_ms=spent.preprocess_s * 1e3,
            queue_ms=spent.queue_s * 1e3,
            run_ms=spent.run_s * 1e3,
        ),
    )
