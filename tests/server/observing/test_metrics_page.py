"""The page as its readers ask for it: Prometheus's text, OpenMetrics with exemplars; the server's own state."""

import asyncio
import platform
from importlib.metadata import version
from urllib.request import Request, urlopen

import prometheus_client.openmetrics.parser as open_metrics
import prometheus_client.parser as text
from podium_server.observing.exemplars import INTERVAL_S, Exemplars, exemplar_labels
from podium_server.observing.request_id import MAX_CHARACTERS
from prometheus_client.core import Metric

from tests.server.observing.conftest import INFER, Serve, Served

OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


async def page(served: Served, accept: str = "") -> tuple[str, str]:
    """Content type and text."""

    def get() -> tuple[str, str]:
        with urlopen(Request(served.http + "/metrics", headers={"accept": accept}), timeout=30) as response:
            return response.headers["content-type"], response.read().decode()

    return await asyncio.to_thread(get)


async def families(served: Served) -> dict[str, Metric]:
    """The families of the OpenMetrics page, which its own strict parser reads."""
    _, written = await page(served, OPEN_METRICS)
    parsed = open_metrics.text_string_to_metric_families(written)  # type: ignore[no-untyped-call]
    return {family.name: family for family in parsed}


async def test_page_is_openmetrics_for_who_asks_for_it(serve: Serve) -> None:
    """Everybody else gets the text format."""
    served = await serve()
    plain_type, plain = await page(served)
    open_type, opened = await page(served, f"{OPEN_METRICS},text/plain;version=0.0.4;q=0.5")
    assert plain_type.startswith("text/plain; version=0.0.4")
    assert open_type.startswith("application/openmetrics-text; version=1.0.0")
    assert opened.endswith("# EOF\n")
    assert {f.name for f in text.text_string_to_metric_families(plain)} >= {"podium_requests", "podium_build_info"}


async def test_request_seconds_name_a_call(serve: Serve) -> None:
    """From a bucket to the call's log: the exemplar has the id that the caller gave."""
    served = await serve()
    await served.infer(1, 2, 3, metadata=(("x-request-id", "order-22"),))
    family = (await families(served))["podium_request_seconds"]
    named = [s for s in family.samples if s.exemplar is not None and s.labels["method"] == INFER]
    (sample,) = named
    assert sample.exemplar is not None
    assert sample.exemplar.labels == {"request_id": "order-22"}
    assert sample.exemplar.value <= float(sample.labels["le"])


async def test_longest_id_fits_an_exemplar(serve: Serve) -> None:
    """OpenMetrics has room for 128 characters, which its parser counts."""
    served = await serve()
    await served.infer(1, 2, 3, metadata=(("x-request-id", "é".encode("ascii", "replace").decode() * 500),))
    assert "podium_request_seconds" in await families(served)
    assert len("request_id") + MAX_CHARACTERS <= 128


def test_slowest_of_each_second_is_named_and_few_others() -> None:
    """The first of a second, then each that is slower than all before it."""
    exemplars = Exemplars()
    seconds = [3.0, 1.0, 3.0, 4.0, 2.0, 5.0]
    assert [exemplars.choose(10.0, s) for s in seconds] == [True, False, False, True, False, True]
    assert exemplars.choose(10.0 + INTERVAL_S, 1.0)


def test_kept_trace_is_named_rather_than_the_request() -> None:
    """There is room for one of them, and the trace has the request's id."""
    assert exemplar_labels("order", "ab" * 16) == {"trace_id": "ab" * 16}
    assert exemplar_labels("order", "") == {"request_id": "order"}


async def test_build_info_has_the_versions_that_run(serve: Serve) -> None:
    """As the interpreter and the package index know them."""
    (sample,) = (await families(await serve()))["podium_build"].samples
    assert sample.value == 1
    expected = {name: version(name) for name in ("podium", "onnxruntime", "numpy", "pillow", "grpcio", "protobuf")}
    assert sample.labels == {"python": platform.python_version(), **expected}


async def test_server_shows_whether_it_is_ready_and_what_is_inside(serve: Serve) -> None:
    """Ready until it drains; a call inside is counted while it is there."""
    served = await serve()

    async def shown() -> tuple[float, float, float]:
        found = await families(served)
        names = ("podium_ready", "podium_calls_in_progress", "podium_images_waiting")
        ready, calls, images = (found[name].samples[0].value for name in names)
        return ready, calls, images

    assert await shown() == (1, 0, 0)
    served.server.gate.enter()
    assert await shown() == (1, 1, 0)
    served.server.gate.leave()
    served.server.catalogue.drain()
    assert await shown() == (0, 0, 0)


async def test_answers_are_timed_in_each_part(serve: Serve) -> None:
    """Preprocess, queue and encode count one observation a call, run one a run."""
    served = await serve()
    for _ in range(3):
        await served.infer(1, 2, 3)
    found = await families(served)
    for part in ("preprocess", "queue", "encode", "run"):
        counts = [s.value for s in found[f"podium_{part}_seconds"].samples if s.name.endswith("_count")]
        assert counts == [3], part
