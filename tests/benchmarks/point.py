"""One measurement, and the middle of several."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Point:
    """What one subject did in one measured window.

    Attributes:
        per_s: requests (of ONNX Runtime alone: rows) a second.
        p50_ms: median latency of a request (of ONNX Runtime alone: of a run of its whole batch).
        p99_ms: 99th percentile of the same.
        cpu_s_per_1000: the subject's processor seconds per 1,000 requests or rows.
        generator_cpu_s_per_1000: the load generator's processor seconds per 1,000 requests; 0 without one.
        num_failed: requests that were not answered OK.
        first_p50_ms: of texts, the median time to the first token; the figures above are of tokens then, and latencies
            are the mean time between two of a text, or of a step of ONNX Runtime alone. 0 of anything else.
        first_p99_ms: 99th percentile of the same.
    """

    per_s: float
    p50_ms: float
    p99_ms: float
    cpu_s_per_1000: float
    generator_cpu_s_per_1000: float = 0.0
    num_failed: int = 0
    first_p50_ms: float = 0.0
    first_p99_ms: float = 0.0


def middle(points: Sequence[Point]) -> Point:
    """Take the median of each figure over the rounds; failures are added up."""
    return Point(
        per_s=median(p.per_s for p in points),
        p50_ms=median(p.p50_ms for p in points),
        p99_ms=median(p.p99_ms for p in points),
        cpu_s_per_1000=median(p.cpu_s_per_1000 for p in points),
        generator_cpu_s_per_1000=median(p.generator_cpu_s_per_1000 for p in points),
        num_failed=sum(p.num_failed for p in points),
        first_p50_ms=median(p.first_p50_ms for p in points),
        first_p99_ms=median(p.first_p99_ms for p in points),
    )
