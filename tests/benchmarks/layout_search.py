"""The best way of running a graph in ONNX Runtime alone: every batch size with every layout, then a run-off."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict

from tests.benchmarks.alone import Layout
from tests.benchmarks.point import Point
from tests.benchmarks.worker import Worker

_BATCHES = (1, 2, 4, 8, 16, 32, 64)
_FINALISTS = 3


def _layouts(num_cores: int, batch: int) -> Iterator[Layout]:
    yield Layout(batch, 1, 1)
    if num_cores > 1:
        yield Layout(batch, num_cores, 1)
        yield Layout(batch, 1, num_cores)
        yield Layout(batch, 1, num_cores, spinning=True)


class LayoutSearch:
    """Times layouts in a worker that runs `tests.benchmarks.alone`.

    Args:
        worker: the process.
        num_cores: the cores that it may use.
        seconds: for each layout; the run-off takes three times as long.
        tell: told of each layout timed.
    """

    def __init__(self, worker: Worker, num_cores: int, seconds: float, tell: Callable[[str], None]) -> None:
        self._worker = worker
        self._num_cores = num_cores
        self._seconds = seconds
        self._tell = tell

    def time(self, layout: Layout, seconds: float) -> Point:
        """Run one layout."""
        point = Point(**self._worker.ask({**asdict(layout), "seconds": seconds}))
        self._tell(f"{layout}: {point.per_s:,.0f} rows/s, {point.cpu_s_per_1000:.3f} processor s per 1,000 rows")
        return point

    def most_rows(self, batches: Sequence[int] = _BATCHES) -> Layout:
        """Find the layout with the most rows a second."""
        every = [layout for batch in batches for layout in _layouts(self._num_cores, batch)]
        rows_per_s = {layout: self.time(layout, self._seconds).per_s for layout in every}
        finalists = sorted(every, key=rows_per_s.__getitem__, reverse=True)[:_FINALISTS]
        return max(finalists, key=lambda layout: self.time(layout, 3 * self._seconds).per_s)

    def quickest_row(self) -> Layout:
        """Find the layout that runs a single row in the least time.

        Not by spinning: idle threads that spin would make the baseline's processor time whatever we like.
        """
        every = _layouts(self._num_cores, 1)
        alone = [layout for layout in every if layout.sessions == 1 and not layout.spinning]
        return min(alone, key=lambda layout: self.time(layout, 3 * self._seconds).p50_ms)
