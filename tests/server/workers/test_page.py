"""One page of several workers."""

from podium_server.counted_histogram import CountedHistogram
from podium_server.metrics import Metrics
from podium_server.workers.page import COUNTED, LARGEST, SMALLEST, Page, counted, from_json, merge, to_json
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric

# Gauges that are amounts: those of several workers are one amount together.
ADDED = {
    "podium_queue_rows", "podium_plan_sessions", "podium_plan_rows_per_second", "podium_sequences_running",
    "podium_sequences_waiting", "podium_request_bytes", "podium_calls_in_progress", "podium_images_waiting",
    "process_virtual_memory_bytes", "process_resident_memory_bytes",
}  # fmt: skip


def shown(families: list[Metric]) -> CollectorRegistry:
    """A registry that shows a page, to ask it for values."""
    registry = CollectorRegistry()
    registry.register(Page(families))
    return registry


def test_counts_of_workers_add_up() -> None:
    """Counters, and each bucket of histograms; labels that one worker alone has stay."""
    registries = [CollectorRegistry() for _ in range(2)]
    for registry, model, value in zip(registries, ("a", "b"), (0.5, 2.0), strict=True):
        calls = Counter("calls", "Calls.", ("model",), registry=registry)
        calls.labels("a").inc(2)
        calls.labels(model).inc(3)
        Histogram("seconds", "Seconds.", buckets=(1, 4), registry=registry).observe(value)
    page = shown(merge([list(registry.collect()) for registry in registries]))
    assert page.get_sample_value("calls_total", {"model": "a"}) == 2 + 3 + 2
    assert page.get_sample_value("calls_total", {"model": "b"}) == 3
    assert page.get_sample_value("seconds_bucket", {"le": "1.0"}) == 1
    assert page.get_sample_value("seconds_bucket", {"le": "4.0"}) == 2
    assert page.get_sample_value("seconds_sum") == 0.5 + 2.0


def test_gauges_become_one_number_by_what_they_mean() -> None:
    """Rows that wait add up; of load times the largest counts; ready is who is ready last; files are each one's own."""
    names = "podium_queue_rows", "podium_model_load_seconds", "podium_ready", "process_open_fds", "process_max_fds"
    pages: list[list[Metric]] = []
    for values in ((3, 2.5, 1, 60, 100), (4, 1.5, 0, 50, 100)):
        registry = CollectorRegistry()
        for name, value in zip(names, values, strict=True):
            Gauge(name, "A gauge.", registry=registry).set(value)
        pages.append(list(registry.collect()))
    page = shown(merge(pages))
    assert [page.get_sample_value(name) for name in names] == [7, 2.5, 0, 60, 100]


def test_every_gauge_of_a_server_has_been_thought_of() -> None:
    """A new gauge is added, or named among those of which the largest or smallest counts: here it is decided."""
    metrics = Metrics()
    metrics.show_expiry(lambda: 0.0)
    metrics.show_request_bytes(lambda: 0)
    metrics.show_server(lambda: True, lambda: 0, lambda: 0)
    gauges = {family.name for family in metrics.registry.collect() if family.type not in COUNTED}
    assert gauges - ADDED - LARGEST - SMALLEST == set()


def test_what_a_dead_worker_counted_stays() -> None:
    """Its counters do; what it had waiting does not."""
    registry = CollectorRegistry()
    Counter("calls", "Calls.", registry=registry).inc(5)
    Gauge("podium_queue_rows", "Rows.", registry=registry).set(7)
    left = shown(counted(registry.collect()))
    assert left.get_sample_value("calls_total") == 5
    assert left.get_sample_value("podium_queue_rows") is None


def test_a_page_travels_as_json_and_keeps_exemplars() -> None:
    """What is read is what was written, and of two exemplars of a bucket the newer one is shown."""
    registry = CollectorRegistry()
    histogram = CountedHistogram("seconds", "Seconds.", (), buckets=(1.0,), registry=registry)
    pages: list[list[Metric]] = []
    for name in ("first", "second"):
        histogram.labels().observe(0.5)
        histogram.labels().name(0.5, {"request_id": name})
        pages.append(from_json(to_json(registry.collect())))
    assert pages[1] == list(registry.collect())
    (family,) = merge(pages)
    bucket = next(sample for sample in family.samples if sample.labels.get("le") == "1.0")
    assert bucket.exemplar is not None
    assert bucket.exemplar.labels == {"request_id": "second"}
    assert bucket.value == 1 + 2
