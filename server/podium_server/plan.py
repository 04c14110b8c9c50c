"""How a graph is run: the batch size and the layout of sessions and threads, measured rather than guessed.

A graph is timed at warm-up on a few batch sizes for each layout. Two facts bend the plain choice of the most rows a
second. Where one single-threaded session already outruns the event loop that feeds it, a second one only takes the
interpreter's lock away from the wire (measured on two cores: minus 38 % for LeNet-5, plus 58 % for
EfficientNet-Lite0). And among batch sizes of about the same rate the smallest is best: everybody waits less.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64)
# What one event loop can decode, queue and answer a second, about; measured with LeNet-5 by `make bench`.
LOOP_REQUESTS_PER_S = 8_000
SAME_RATE = 0.97
HOPELESS = 0.85


@dataclass(frozen=True, slots=True)
class Layout:
    """Sessions that run side by side, and threads inside each; both 1 or more."""

    num_sessions: int
    num_threads: int

    @property
    def name(self) -> str:
        """Both numbers, such as "2x1" for two sessions of one thread."""
        return f"{self.num_sessions}x{self.num_threads}"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a graph is run.

    Attributes:
        layout: sessions and threads.
        max_batch_rows: the most rows of one run.
        rows_per_second: as measured; 0 when it was not.
        source: "measured", "remembered" from an earlier start, "configured" by the operator, or "default" for a graph
            that cannot be measured.
    """

    layout: Layout
    max_batch_rows: int
    rows_per_second: float = 0.0
    source: str = "default"


# Rows a second of a layout at a batch size.
Measure = Callable[[Layout, int], float]


def layouts(num_cores: int) -> list[Layout]:
    """The layouts worth trying on `num_cores` cores: one thread, a session a core, all cores inside one session."""
    candidates = [Layout(1, 1), Layout(num_cores, 1), Layout(1, num_cores)]
    return list(dict.fromkeys(candidates))


def choose(measure: Measure, candidates: Iterable[Layout], sizes: Sequence[int]) -> Plan:
    """Measure layouts and batch sizes, and choose.

    Args:
        measure: times one layout at one batch size.
        candidates: layouts, the least demanding first.
        sizes: batch sizes, ascending, at least one.
    """
    best: Plan | None = None
    for layout in candidates:
        plan = _best_size(measure, layout, sizes)
        if best is None or plan.rows_per_second * SAME_RATE > best.rows_per_second:
            best = plan
        if best.rows_per_second >= LOOP_REQUESTS_PER_S:
            break
    if best is None:
        raise ValueError("no layout to choose from")
    return best


def _best_size(measure: Measure, layout: Layout, sizes: Sequence[int]) -> Plan:
    """The smallest batch size whose rate is about the highest; sizes beyond a clear decline are not tried."""
    rates: dict[int, float] = {}
    for size in sizes:
        rates[size] = measure(layout, size)
        if rates[size] < HOPELESS * max(rates.values()):
            break
    top = max(rates.values())
    size = min(size for size, rate in rates.items() if rate >= SAME_RATE * top)
    return Plan(layout, size, rates[size], "measured")
