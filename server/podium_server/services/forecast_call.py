"""One call of the forecast service on its way: runs encoder and decoder, and keeps where the time went.

Shapes: R rows of a run, S samples, T asked times, C channels, D dimensions.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium_server.batching.batcher import Run
from podium_server.batching.run_rows import run_rows
from podium_server.call import Call
from podium_server.errors import RunFailed
from podium_server.forecasting.asked import Asked, Way
from podium_server.forecasting.forecast_model import DECODER, ENCODER, ForecastModel
from podium_server.forecasting.observed import Observed
from podium_server.padding import padded_length
from podium_server.philox import normals
from podium_server.servable import Servable
from podium_server.spent import Spent

# Of one graph's input or output that a request to the batcher brings along, and its rows.
GROUP_BYTES, GROUP_ROWS = 2**25, 256


class ForecastCall:
    """What the forecast service does with its call.

    Args:
        call: the call.
        servable: who answers.
        model: compiled from it.
    """

    def __init__(self, call: Call, servable: Servable, model: ForecastModel) -> None:
        self.model = model
        self.servable = servable
        self._call = call
        self.spent = Spent()

    async def latents(self, series: Sequence[Observed], num_samples: int, seed: int) -> NDArray[np.float32]:
        """Give what each series' equation is solved from: (series, S, D).

        Sample i is the posterior's mean and i's own noise times its standard deviation, the same noise for every
        series; without samples it is the mean, and S is 1.
        """
        size = self.model.latent_size
        latents = np.empty((len(series), max(1, num_samples), size), np.float32)
        index = np.arange(num_samples, dtype=np.uint64)
        noise = normals(seed, 0, index, size) if num_samples else np.zeros((1, size))
        for places in _alike([padded_length(len(each.time)) for each in series]):
            mean, deviation = await self._encode([series[i] for i in places])
            drawn = mean[:, None].astype(np.float64) + deviation[:, None] * noise
            latents[places] = drawn.astype(np.float32)
        return latents

    async def solve(self, latents: NDArray[np.float32], asked: Sequence[Asked]) -> list[NDArray[np.float32]]:
        """Solve each series' equation from each of its latents: (S, T, C) a series, in the network's numbers.

        Args:
            latents: (series, S, D).
            asked: what each series is asked for.
        """
        num_samples, num_channels = latents.shape[1], len(self.model.channels)
        solved = [np.empty((num_samples, len(each.times), num_channels), np.float32) for each in asked]
        ways = [(i, way) for i, each in enumerate(asked) for way in each.ways]
        for group in _alike([(way.time.shape, way.grid.shape) for _, way in ways]):
            alike = [ways[k] for k in group]
            rows = await self._decode(latents[[i for i, _ in alike]], [way for _, way in alike])
            for (i, way), values in zip(alike, rows, strict=True):
                solved[i][:, way.places] = values[:, : len(way.places)]
        return solved

    async def _encode(self, series: Sequence[Observed]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Run the encoder on series that are padded alike: mean and standard deviation (R, D)."""
        length = padded_length(max(len(each.time) for each in series))
        shape = (len(series), length, len(self.model.channels))
        feeds: dict[str, NDArray[Any]] = {
            "time": np.zeros(shape[:2], np.float32),
            "value": np.zeros(shape, np.float32),
            "mask": np.zeros(shape, np.float32),
            "count": np.array([len(each.time) for each in series], np.int64),
        }
        for i, each in enumerate(series):
            for name, array in (("time", each.time), ("value", each.value), ("mask", each.mask)):
                feeds[name][i, : len(array)] = array
        outputs = await self._run(ENCODER, feeds, feeds["value"][0].nbytes)
        mean, deviation = (self.model.output(ENCODER, outputs, name) for name in ("mean", "standard_deviation"))
        if not (np.isfinite(mean).all() and np.isfinite(deviation).all()):
            raise RunFailed("a series is encoded to numbers that are not finite; is it what the model was trained on?")
        return mean, deviation

    async def _decode(self, latents: NDArray[np.float32], ways: Sequence[Way]) -> NDArray[np.float32]:
        """Run the decoder on ways that are padded alike: (ways, S, A, C)."""
        num_ways, num_samples, size = latents.shape
        feeds = {
            "latent": latents.reshape(-1, size),
            "time": np.repeat(np.stack([way.time for way in ways]), num_samples, axis=0),
            "grid": np.repeat(np.stack([way.grid for way in ways]), num_samples, axis=0),
        }
        row_bytes = max(len(ways[0].time) * len(self.model.channels), len(ways[0].grid) * size) * latents.itemsize
        values = self.model.output(DECODER, await self._run(DECODER, feeds, row_bytes), "value")
        return values.reshape(num_ways, num_samples, *values.shape[1:])

    async def _run(self, graph: str, feeds: dict[str, NDArray[Any]], row_bytes: int) -> tuple[NDArray[Any], ...]:
        """Run rows in pieces that neither fill the queue nor the memory."""
        inputs = self.model.feed(graph, **feeds)
        size = max(1, min(GROUP_ROWS, GROUP_BYTES // row_bytes))
        runs: list[Run] = []
        for start in range(0, len(inputs[0]), size):
            piece = tuple(array[start : start + size] for array in inputs)
            runs.append(await run_rows(self.servable.batchers[graph], piece, deadline=self._call.deadline))
            self.spent.ran(runs[-1], waited=start == 0)
            await asyncio.sleep(0)  # others come in between the pieces
        return tuple(np.concatenate(column) for column in zip(*(run.outputs for run in runs), strict=True))


def _alike(keys: Sequence[object]) -> list[list[int]]:
    """Group places by their key."""
    groups: defaultdict[object, list[int]] = defaultdict(list)
    for i, key in enumerate(keys):
        groups[key].append(i)
    return list(groups.values())
