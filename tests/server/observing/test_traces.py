"""Traces as a collector gets them: what was called, below whose span, and where the time went."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from grpc import aio
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from podium.v1 import text_service_pb2 as wire
from podium.v1 import text_service_pb2_grpc as stubs
from podium_server.observing.chosen import ObserverUnavailable, choose_observers
from podium_server.settings import Settings

from tests.server.observing.collector import Collector, attributes, collecting
from tests.server.observing.conftest import Serve, break_runs
from tests.server.services.networks import write_letters

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"  # the example of W3C's Trace Context
SAMPLED = ("traceparent", f"00-{TRACE}-{PARENT}-01")
NOT_SAMPLED = ("traceparent", f"00-{TRACE}-{PARENT}-00")


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A collector."""
    with collecting() as collector:
        yield collector


async def end(served: Any) -> None:
    """Stop a server, which sends what has gathered."""
    await served.channel.close()
    await served.server.stop()


def roots(collector: Collector) -> list[Any]:
    """The servers' spans."""
    return [span for span in collector.spans if span.kind == Span.SPAN_KIND_SERVER]


async def test_call_continues_its_callers_trace(serve: Serve, collector: Collector) -> None:
    """The server's span lies below the caller's, and says what was called and who answered."""
    served = await serve(traces=collector.endpoint)
    await served.infer(1, 2, 3, metadata=(SAMPLED, ("x-request-id", "order-23")))
    await end(served)
    (span,) = roots(collector)
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert span.name == "inference.GRPCInferenceService/ModelInfer"
    assert attributes(span) | {"network.peer.address": ""} == {
        "rpc.system": "grpc",
        "rpc.service": "inference.GRPCInferenceService",
        "rpc.method": "ModelInfer",
        "rpc.response.status_code": "OK",
        "network.peer.address": "",
        "podium.request_id": "order-23",
        "podium.model": "double",
        "podium.version": 1,
        "podium.execution_provider": "CPUExecutionProvider",
    }
    (resource,) = collector.resources
    assert resource["service.name"] == "podium"


async def test_parts_of_a_call_are_spans_below_its_own(serve: Serve, collector: Collector) -> None:
    """In the order in which they happen, one after the other, within the call."""
    served = await serve(traces=collector.endpoint)
    await served.infer(1, 2, 3)
    await end(served)
    (root,) = roots(collector)
    parts = [span for span in collector.spans if span.parent_span_id == root.span_id]
    assert [part.name for part in parts] == ["preprocess", "queue", "run", "encode"]
    edges = [edge for part in parts for edge in (part.start_time_unix_nano, part.end_time_unix_nano)]
    edges = [root.start_time_unix_nano, *edges, root.end_time_unix_nano]
    assert edges == sorted(edges)
    assert {part.trace_id for part in parts} == {root.trace_id}


async def test_text_is_prefilled_and_decoded(serve: Serve, collector: Collector, repository: Path) -> None:
    """A text's run is two spans: up to its first token, and from there to its last."""
    write_letters(repository / "letters" / "1")
    served = await serve(traces=collector.endpoint)
    texts: Any = stubs.TextServiceStub(served.channel)
    await texts.Generate(wire.GenerateRequest(model="letters", prompt="a cab"))
    await end(served)
    (root,) = roots(collector)
    parts = [span.name for span in collector.spans if span.parent_span_id == root.span_id]
    assert parts == ["preprocess", "queue", "prefill", "decode", "encode"]


async def test_refusal_that_is_the_callers_is_no_error_of_the_server(serve: Serve, collector: Collector) -> None:
    """As OpenTelemetry has it for a server's span: NOT_FOUND is an answer, INTERNAL an error."""
    served = await serve(traces=collector.endpoint)
    with pytest.raises(aio.AioRpcError):
        await served.infer(1, 2, 3, model="nobody")
    break_runs(served)
    with pytest.raises(aio.AioRpcError):
        await served.infer(1, 2, 3)
    await end(served)
    by_code = {attributes(span)["rpc.response.status_code"]: span for span in roots(collector)}
    assert by_code["NOT_FOUND"].status.code == Status.STATUS_CODE_UNSET
    assert by_code["INTERNAL"].status.code == Status.STATUS_CODE_ERROR


async def test_callers_decide_of_their_traces_and_the_share_of_the_others(serve: Serve, collector: Collector) -> None:
    """With a share of none, who sends a sampled trace is in it; who sends one that is not kept is not."""
    served = await serve(traces=collector.endpoint, trace_share=0.0)
    await served.infer(1, 2, 3)
    await served.infer(1, 2, 3, metadata=(NOT_SAMPLED,))
    await served.infer(1, 2, 3, metadata=(SAMPLED,))
    await end(served)
    (root,) = roots(collector)
    assert root.trace_id.hex() == TRACE


@pytest.mark.parametrize("sent", ["", "00-0-0-01", "00-" + "0" * 32 + "-" + "1" * 16 + "-01", "x" * 5_000])
async def test_what_is_no_traceparent_begins_a_trace(serve: Serve, collector: Collector, sent: str) -> None:
    """Whatever a caller sends, its call is answered and traced."""
    served = await serve(traces=collector.endpoint)
    await served.infer(1, 2, 3, metadata=(("traceparent", sent),))
    await end(served)
    (root,) = roots(collector)
    assert not root.parent_span_id


async def test_exemplar_names_the_trace_that_is_kept(serve: Serve, collector: Collector) -> None:
    """From a bucket to the trace."""
    served = await serve(traces=collector.endpoint)
    await served.infer(1, 2, 3, metadata=(SAMPLED,))
    series = served.server.metrics.request_seconds.labels("inference.GRPCInferenceService.ModelInfer", "double", "1")
    (exemplar,) = [one for one in series.exemplars if one is not None]
    assert exemplar.labels == {"trace_id": TRACE}


async def test_collector_that_is_not_there_costs_spans_and_no_calls(serve: Serve) -> None:
    """Calls are answered, and the server ends."""
    served = await serve(traces="http://127.0.0.1:9")
    for _ in range(10):
        assert (await served.infer(1, 2, 3)).model_name == "double"
    await end(served)


def test_opentelemetry_is_imported_when_traces_are_on_alone() -> None:
    """A server without traces pays nothing for them, not even their import."""
    program = "import sys, podium_server.serving as s; print(sorted(m for m in sys.modules if 'opentelemetry' in m))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_traces_without_opentelemetry_say_what_to_install(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The start stops with the setting's name and the remedy."""
    monkeypatch.setitem(sys.modules, "podium_server.observing.traces", None)
    with pytest.raises(
        ObserverUnavailable, match=r"traces: OpenTelemetry is not installed.*pip install 'podium\[traces\]'"
    ):
        choose_observers(Settings(repository=repository, traces="http://127.0.0.1:4317"))


@pytest.mark.parametrize("wrong", ["127.0.0.1:4317", "ftp://host:1", "http://", "http://host:4318/v1/traces"])
def test_endpoint_that_is_none_is_refused(repository: Path, wrong: str) -> None:
    """It names what would be right."""
    with pytest.raises(ValueError, match="must be http://HOST:PORT"):
        Settings(repository=repository, traces=wrong)
