"""A counter that is counted without a lock shows what the library's would."""

from podium_server.plain_counter import PlainCounter
from prometheus_client import CollectorRegistry, Counter, disable_created_metrics, generate_latest

LABELS, NAME, WHAT = ("method", "code"), "calls", "Calls by code."


def test_the_page_is_that_of_the_librarys_counter() -> None:
    """Byte for byte, before anything is counted and after."""
    disable_created_metrics()  # type: ignore[no-untyped-call]
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    plain, usual = PlainCounter(NAME, WHAT, LABELS, registry=ours), Counter(NAME, WHAT, LABELS, registry=theirs)
    assert generate_latest(ours) == generate_latest(theirs)
    for code, times in (("OK", 3), ("NOT_FOUND", 1), ("OK", 2)):
        plain.labels("Classify", code).value += times
        usual.labels("Classify", code).inc(times)
    assert generate_latest(ours) == generate_latest(theirs)
    assert ours.get_sample_value("calls_total", {"method": "Classify", "code": "OK"}) == 5
