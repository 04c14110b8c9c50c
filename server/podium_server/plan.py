"""How a graph is run: the batch size and the layout of sessions and threads, measured rather than guessed.

A graph is timed at warm-up on a few batch sizes for each layout. Alone it has all cores; in the server the wire takes
its share, so what counts is what a layout would give beside it (`served`). More cores must promise clearly more, the
busier the wire: their threads also fight the event loop for the interpreter's lock, which no measurement without a wire
shows. (On two cores and 64 callers a second session took LeNet-5 from 2,000 to 1,200 requests/s where `served` hoped
for a third more, and gained EfficientNet-Lite0 58 %.) And among batch sizes of about the same rate the smallest is
best: everybody waits less.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64)
# Processor seconds that the wire takes for a request, about: gRPC's own and ours. 0.15 to 0.25 ms in `make bench`.
WIRE_S = 0.0002
SAME_RATE = 0.97
HOPELESS = 0.85
CLEARLY_MORE = 1.15
# Nobody should wait longer than this for the batch before; larger batches are not even tried.
LONGEST_RUN_S = 0.1


@dataclass(frozen=True, slots=True)
class Layout:
    """Sessions that run side by side, and threads inside each; both 1 or more."""

    num_sessions: int
    num_threads: int

    @property
    def num_cores(self) -> int:
        """Cores that it keeps busy."""
        return self.num_sessions * self.num_threads

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


def choose(measure: Measure, candidates: Sequence[Layout], sizes: Sequence[int]) -> Plan:
    """Measure layouts and batch sizes, and choose.

    Args:
        measure: times one layout at one batch size.
        candidates: layouts, the least demanding first, at least one.
        sizes: batch sizes, ascending, at least one.
    """
    if not candidates:
        raise ValueError("no layout to choose from")
    num_cores = max(layout.num_cores for layout in candidates)
    best: Plan | None = None
    for layout in candidates:
        plan = _best_size(measure, layout, sizes)
        if best is None or _is_better(plan, best, num_cores):
            best = plan
        if best.rows_per_second >= 1 / WIRE_S:
            break  # the wire cannot feed more
    assert best is not None
    return best


def served(rate: float, layout: Layout, num_cores: int) -> float:
    """Requests a second of one row that a layout gives in a server, about.

    Bounded by the graph itself, by the one event loop, and by the cores that both share.

    Args:
        rate: rows a second of the layout alone.
        layout: sessions and threads.
        num_cores: cores that the graph shares with the wire.
    """
    model_s = layout.num_cores / rate
    return min(rate, 1 / WIRE_S, num_cores / (WIRE_S + model_s))


def _is_better(plan: Plan, best: Plan, num_cores: int) -> bool:
    """Whether a plan gives enough more than the best so far."""
    rate = served(plan.rows_per_second, plan.layout, num_cores)
    best_rate = served(best.rows_per_second, best.layout, num_cores)
    if plan.layout.num_cores <= best.layout.num_cores:
        return rate * SAME_RATE > best_rate
    wire_share = rate * WIRE_S
    return rate > (CLEARLY_MORE + wire_share) * best_rate


def _best_size(measure: Measure, layout: Layout, sizes: Sequence[int]) -> Plan:
    """Choose the smallest size whose rate is about the highest, without trying those that decline or take too long."""
    rates: dict[int, float] = {}
    for size in sizes:
        if rates and size * layout.num_sessions / max(rates.values()) > LONGEST_RUN_S:
            break
        rates[size] = measure(layout, size)
        if rates[size] < HOPELESS * max(rates.values()):
            break
    top = max(rates.values())
    size = min(size for size, rate in rates.items() if rate >= SAME_RATE * top)
    return Plan(layout, size, rates[size], "measured")
