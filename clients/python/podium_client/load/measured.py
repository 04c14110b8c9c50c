"""What a load measured, from the latencies of single calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Take the nearest-rank percentile of ascending values: the smallest that `percent` of them do not exceed.

    Args:
        ordered: the values, ascending; none gives 0.
        percent: 0 ... 100.
    """
    if not ordered:
        return 0.0
    return ordered[max(0, ceil(len(ordered) * percent / 100) - 1)]


@dataclass(frozen=True, slots=True)
class Sample:
    """One reply that was kept whole.

    Attributes:
        trailers: the trailing metadata.
        message: the serialised reply; empty when it did not fit one frame.
    """

    trailers: Mapping[str, str]
    message: bytes


@dataclass(frozen=True, slots=True)
class Measured:
    """What closed-loop callers saw in the measured window.

    Attributes:
        callers: how many had a call under way at any moment.
        seconds: the window's length.
        latencies_s: of the calls answered OK in the window, ascending.
        errors: how many calls ended otherwise in the window, by canonical code.
        unanswered: calls still without a reply when patience ran out after the window.
        samples: a few replies, spread over the window.
        generator_cpu_s: processor time of the load generator itself in the window.
    """

    callers: int
    seconds: float
    latencies_s: Sequence[float]
    errors: Mapping[str, int]
    unanswered: int
    samples: Sequence[Sample]
    generator_cpu_s: float

    @property
    def requests_per_s(self) -> float:
        """Calls answered OK a second."""
        return len(self.latencies_s) / self.seconds

    @property
    def p50_ms(self) -> float:
        """Half of the calls took no longer, in milliseconds."""
        return 1000 * percentile(self.latencies_s, 50)

    @property
    def p99_ms(self) -> float:
        """Ninety-nine of a hundred calls took no longer, in milliseconds."""
        return 1000 * percentile(self.latencies_s, 99)
