"""One page of metrics for all workers: what of each is one number in the end.

Not prometheus_client's own way for several processes, which keeps every series in files that processes map: it knows
neither gauges that are read when asked, nor exemplars, nor series that are counted in bulk, and each count costs a
write to a file. Workers are asked when somebody asks for the page instead, and what those who ended had counted is
kept, so that no counter ever falls.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar, Sample

Key: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]

# How a gauge of several workers becomes one number; the others add up. What is the same everywhere stays so. Open
# files are held to a limit that each process has for itself, so whoever has the most is the one to look at.
LARGEST = frozenset({
    "podium_model_load_seconds", "podium_model_state", "podium_model_info", "podium_plan_batch_rows",
    "podium_plan_threads", "podium_build", "python_info", "process_open_fds",
})  # fmt: skip
SMALLEST = frozenset({
    "podium_ready", "podium_certificate_expiry_timestamp_seconds", "process_start_time_seconds",
    "process_max_fds",
})  # fmt: skip
COUNTED = frozenset({"counter", "histogram", "summary"})


class Page(Collector):
    """Families of metrics, as they are shown."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self.families = list(families)

    def collect(self) -> Iterator[Metric]:
        """Show them."""
        yield from self.families


def merge(pages: Sequence[Iterable[Metric]]) -> list[Metric]:
    """Add up the pages of several workers.

    Counters and histograms are summed; gauges are summed, or the largest or smallest is taken, by their names above.
    Of the exemplars of a bucket the newest stays.
    """
    merged: dict[str, Metric] = {}
    samples: dict[str, dict[Key, Sample]] = {}
    for family in (family for page in pages for family in page):
        if family.name not in merged:
            merged[family.name] = Metric(family.name, family.documentation, family.type, family.unit)
        known = samples.setdefault(family.name, {})
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            known[key] = _join(family, known[key], sample) if key in known else sample
    for name, family in merged.items():
        family.samples = list(samples[name].values())
    return list(merged.values())


def team_page(num_workers: int, num_ready: int, num_restarts: int) -> list[Metric]:
    """What the supervisor itself shows."""
    return [
        GaugeMetricFamily("podium_workers", "Workers that there should be.", value=num_workers),
        GaugeMetricFamily("podium_workers_ready", "Workers that run and have loaded their models.", value=num_ready),
        CounterMetricFamily("podium_worker_restarts", "Workers that died and were begun again.", value=num_restarts),
    ]


def counted(page: Iterable[Metric]) -> list[Metric]:
    """What is left of a worker that has ended: what it had counted."""
    return [family for family in page if family.type in COUNTED]


def _join(family: Metric, one: Sample, other: Sample) -> Sample:
    """Make one sample of two workers' of the same name and labels."""
    if family.name in LARGEST:
        value = max(one.value, other.value)
    elif family.name in SMALLEST or one.name.endswith("_created"):
        value = min(one.value, other.value)
    else:
        value = one.value + other.value
    return Sample(one.name, one.labels, value, None, _newest(one.exemplar, other.exemplar))


def _newest(one: Exemplar | None, other: Exemplar | None) -> Exemplar | None:
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda exemplar: float(exemplar.timestamp or 0))


def to_json(page: Iterable[Metric]) -> Any:
    """Write families as what JSON holds."""
    return [
        [
            family.name,
            family.documentation,
            family.type,
            family.unit,
            [[s.name, s.labels, s.value, _exemplar_to_json(s.exemplar)] for s in family.samples],
        ]
        for family in page
    ]


def from_json(content: Any) -> list[Metric]:
    """Read what `to_json` wrote."""
    families: list[Metric] = []
    for name, documentation, kind, unit, samples in content:
        family = Metric(name, documentation, kind, unit)
        family.samples = [
            Sample(sample, labels, value, None, Exemplar(*exemplar) if exemplar else None)
            for sample, labels, value, exemplar in samples
        ]
        families.append(family)
    return families


def _exemplar_to_json(exemplar: Exemplar | None) -> list[Any] | None:
    if exemplar is None:
        return None
    seconds = None if exemplar.timestamp is None else float(exemplar.timestamp)
    return [dict(exemplar.labels), exemplar.value, seconds]
