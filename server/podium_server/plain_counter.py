"""A Prometheus counter that costs an addition.

The library's takes a lock and four calls to count one, which is as much as all else that is counted of a call. Here is
no lock: one thread counts, others only make pages.
"""

from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector


class Count:
    """The series of one set of labels.

    Attributes:
        value: so many; who counts adds to it.
    """

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0


class PlainCounter(Collector):
    """One counter with its labels.

    Args:
        name: of the series, without "_total".
        documentation: what it counts.
        labels: their names.
        registry: where it is shown.
    """

    def __init__(self, name: str, documentation: str, labels: Sequence[str], *, registry: CollectorRegistry) -> None:
        self._name, self._documentation, self._labels = name, documentation, labels
        self._series: dict[tuple[str, ...], Count] = {}
        registry.register(self)

    def labels(self, *values: str) -> Count:
        """The series of these labels."""
        return self._series.setdefault(values, Count())

    def describe(self) -> Iterator[CounterMetricFamily]:
        """Name the series without its values."""
        yield CounterMetricFamily(self._name, self._documentation, labels=self._labels)

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Show the series."""
        family = CounterMetricFamily(self._name, self._documentation, labels=self._labels)
        for values, count in list(self._series.items()):
            family.add_metric(values, count.value)
        yield family
