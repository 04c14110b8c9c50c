"""A histogram that takes many observations at once shows what the library's own shows."""

from podium_server.counted_histogram import CountedHistogram
from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_open_metrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families

BOUNDS = (0.1, 1.0, 10.0)


def test_page_is_that_of_the_librarys_histogram() -> None:
    """Values on a bound and beyond the last, observed three at a time here and one at a time there."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    counted = CountedHistogram("seconds", "Of something.", ("model",), buckets=BOUNDS, registry=ours)
    plain = Histogram("seconds", "Of something.", ("model",), buckets=BOUNDS, registry=theirs)
    for model in ("a", "b"):
        for value in (0.05, 0.1, 0.5, 1.0, 11.0):
            counted.labels(model).observe(value, 3)
            for _ in range(3):
                plain.labels(model).observe(value)

    def lines(registry: CollectorRegistry) -> list[str]:
        page = generate_latest(registry).decode().splitlines()
        return [line for line in page if "_created" not in line]

    assert [line.rsplit(" ", 1)[0] for line in lines(ours)] == [line.rsplit(" ", 1)[0] for line in lines(theirs)]
    for ours_line, theirs_line in zip(lines(ours), lines(theirs), strict=True):
        if not ours_line.startswith("#"):
            assert abs(float(ours_line.split()[-1]) - float(theirs_line.split()[-1])) < 1e-9


def test_named_observation_is_its_buckets_exemplar() -> None:
    """The last one of a bucket, in OpenMetrics; a value on a bound belongs to that bound's bucket."""
    registry = CollectorRegistry()
    counted = CountedHistogram("seconds", "Of something.", ("model",), buckets=BOUNDS, registry=registry)
    for value, name in ((0.5, "first"), (1.0, "second"), (11.0, "third")):
        counted.labels("a").observe(value)
        counted.labels("a").name(value, {"request_id": name})
    page: str = generate_open_metrics(registry).decode()  # type: ignore[no-untyped-call]
    (family,) = text_string_to_metric_families(page)  # type: ignore[no-untyped-call]
    named = {s.labels["le"]: s.exemplar for s in family.samples if s.exemplar is not None}
    assert {bound: (e.value, e.labels["request_id"]) for bound, e in named.items()} == {
        "1.0": (1.0, "second"),
        "+Inf": (11.0, "third"),
    }
    assert b"first" not in generate_latest(registry)
