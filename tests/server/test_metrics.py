"""What an operator sees: a page that Prometheus reads, and series that say what happened."""

import numpy as np
from podium_server.batching.batcher import Run
from podium_server.metrics import Metrics
from podium_server.usage import BatchUsage, Usage
from prometheus_client import generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families


def page(metrics: Metrics) -> dict[str, Metric]:
    """The families of a page, by name."""
    families = text_string_to_metric_families(generate_latest(metrics.registry).decode())
    return {family.name: family for family in families}


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """One sample of the page."""
    return metrics.registry.get_sample_value(name, labels)


DIGITS = {"model": "digits", "version": "3"}


def test_page_is_what_prometheus_reads(metrics: Metrics) -> None:
    """Every family has a help text and a unit or a count in its name; process and memory are among them."""
    families = page(metrics)
    assert {"process_cpu_seconds", "process_resident_memory_bytes", "python_info"} <= set(families)
    own = {name: family for name, family in families.items() if name.startswith("podium_")}
    assert {
        "podium_requests", "podium_request_seconds", "podium_queue_seconds", "podium_preprocess_seconds",
        "podium_run_seconds", "podium_run_rows", "podium_queue_rows", "podium_refused", "podium_expired",
        "podium_cancelled", "podium_model_load_seconds", "podium_model_state", "podium_model_info",
        "podium_plan_batch_rows", "podium_plan_sessions", "podium_plan_threads", "podium_plan_rows_per_second",
    } <= set(own)  # fmt: skip
    assert all(family.documentation.endswith(".") for family in own.values())


def test_two_servers_in_one_process_do_not_share_series() -> None:
    """Each has a registry of its own."""
    first, second = Metrics(), Metrics()
    first.version("digits", 3).refused.inc()
    assert value(first, "podium_refused_total", **DIGITS) == 1
    assert value(second, "podium_refused_total", **DIGITS) is None


def test_run_is_counted_for_statistics_and_histograms_alike(metrics: Metrics) -> None:
    """Rows, runs and seconds, from the same numbers."""
    usage = Usage(metrics.version("digits", 3))
    for rows, run_s in ((4, 0.5), (4, 0.25), (1, 0.125)):
        usage.ran(requests=1, rows=rows, run_s=run_s)
    assert (usage.execution_count, usage.inference_count) == (3, 9)
    assert usage.batches == {4: BatchUsage(2, 750_000_000), 1: BatchUsage(1, 125_000_000)}
    assert usage.last_inference_ms > 1_600_000_000_000
    assert value(metrics, "podium_run_rows_sum", **DIGITS) == 9
    assert value(metrics, "podium_run_rows_bucket", le="1.0", **DIGITS) == 1
    assert value(metrics, "podium_run_rows_bucket", le="4.0", **DIGITS) == 3
    assert value(metrics, "podium_run_seconds_sum", **DIGITS) == 0.875


def test_outcomes_without_a_run_are_counted_apart(metrics: Metrics) -> None:
    """Refused, expired and cancelled are three series."""
    usage = Usage(metrics.version("digits", 3))
    usage.refused()
    usage.expired()
    usage.expired()
    for _ in range(3):
        usage.cancelled()
    counts = [value(metrics, f"podium_{what}_total", **DIGITS) for what in ("refused", "expired", "cancelled")]
    assert counts == [1, 2, 3]


def test_answers_are_timed_by_part(metrics: Metrics) -> None:
    """Queue and preprocessing have histograms; the statistics have nanoseconds."""
    usage = Usage(metrics.version("digits", 3))
    run = Run((np.zeros(1),), queue_s=0.25, run_s=0.5)
    usage.answered(run, total_s=1.0, preprocess_s=0.125, encode_s=0.0625)
    usage.failed(2.0)
    assert (usage.success_count, usage.success_ns, usage.fail_count, usage.fail_ns) == (1, 10**9, 1, 2 * 10**9)
    assert value(metrics, "podium_queue_seconds_sum", **DIGITS) == 0.25
    assert value(metrics, "podium_preprocess_seconds_sum", **DIGITS) == 0.125


def test_version_is_in_one_state_at_a_time(metrics: Metrics) -> None:
    """The states add up to 1, until the version is forgotten."""
    states = ["LOADING", "READY"]
    for current in states:
        metrics.show_state("digits", 3, current, states)
    shown = {state: value(metrics, "podium_model_state", state=state, **DIGITS) for state in states}
    assert shown == {"LOADING": 0, "READY": 1}
    metrics.forget_state("digits", 3, states)
    assert page(metrics)["podium_model_state"].samples == []


def test_unloaded_version_leaves_only_its_counters(metrics: Metrics) -> None:
    """What is only true of a loaded version is taken back; the queue is read when the page is made."""
    version, waiting = metrics.version("digits", 3), [7]
    version.loaded("image_classification", "CPUExecutionProvider", 0.5, lambda: waiting[0])
    version.planned("model", 4, 2, 1, 430.0)
    version.refused.inc()
    assert value(metrics, "podium_queue_rows", **DIGITS) == 7
    waiting[0] = 0
    assert value(metrics, "podium_queue_rows", **DIGITS) == 0
    assert value(metrics, "podium_plan_rows_per_second", graph="model", **DIGITS) == 430
    version.unloaded("image_classification", "CPUExecutionProvider", ["model"])
    families = page(metrics)
    for name in ("model_info", "model_load_seconds", "queue_rows", "plan_batch_rows", "plan_rows_per_second"):
        assert families[f"podium_{name}"].samples == []
    assert value(metrics, "podium_refused_total", **DIGITS) == 1
