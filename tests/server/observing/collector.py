"""An OTLP collector that keeps what it is sent: the protocol's own service on a free port."""

import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)


class Collector(TraceServiceServicer):
    """Keeps every request."""

    def __init__(self) -> None:
        self.endpoint = ""
        self._lock = threading.Lock()
        self._requests: list[Any] = []

    def Export(self, request: Any, context: Any) -> Any:
        """Take spans."""
        del context
        with self._lock:
            self._requests.append(request)
        return ExportTraceServiceResponse()

    @property
    def resources(self) -> list[dict[str, str]]:
        """What the senders say of themselves."""
        return [attributes(sent.resource) for request in self._requests for sent in request.resource_spans]

    @property
    def spans(self) -> list[Any]:
        """All spans, as the protocol has them."""
        return [
            span
            for request in self._requests
            for sent in request.resource_spans
            for scope in sent.scope_spans
            for span in scope.spans
        ]


def attributes(of: Any) -> dict[str, Any]:
    """Attributes by name."""
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in of.attributes}


@contextmanager
def collecting() -> Generator[Collector]:
    """Run a collector until the block ends."""
    collector = Collector()
    server = grpc.server(ThreadPoolExecutor(1))
    add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    collector.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield collector
    finally:
        server.stop(None).wait()
