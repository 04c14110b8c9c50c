"""Traces by OpenTelemetry, sent by OTLP: a server span for each call, which continues the caller's trace.

Imported when traces are on alone, and nothing else of podium imports OpenTelemetry; it comes with `podium[traces]`.
"""

import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, format_trace_id, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from podium_server.observing.observer import BegunCall, EndedCall, Phase
from podium_server.runtime.versions import runtime_versions

# Of one attempt to send what has gathered; the end of the server waits for the last one.
EXPORT_TIMEOUT_S = 5.0
# Which codes are errors of a server's span, by OpenTelemetry's conventions for RPC.
_ERRORS = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})


class Traces:
    """Makes spans and sends them from a thread of its own; when its queue is full, spans are dropped.

    Args:
        endpoint: of an OTLP collector by gRPC: `http://HOST:PORT`, or `https://` with TLS.
        share: of the traces that begin here, from 0 to 1; what a caller's trace has decided is kept to.
    """

    def __init__(self, endpoint: str, share: float) -> None:
        # OTEL_RESOURCE_ATTRIBUTES may say more, as in every program with OpenTelemetry.
        resource = Resource.create({SERVICE_NAME: "podium", SERVICE_VERSION: runtime_versions()["podium"]})
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(share)),
            resource=resource,
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(endpoint, insecure=urlsplit(endpoint).scheme == "http", timeout=EXPORT_TIMEOUT_S)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("podium")
        self._propagator = TraceContextTextMapPropagator()

    def began(self, call: BegunCall) -> "TracedCall":
        """Begin the span of a call: below the caller's where it sent a `traceparent`."""
        service, _, method = call.method.rpartition(".")
        span = self._tracer.start_span(
            f"{service}/{method}",
            self._propagator.extract(call.metadata),
            SpanKind.SERVER,
            {
                "rpc.system": "grpc",
                "rpc.service": service,
                "rpc.method": method,
                "network.peer.address": call.peer,
                "podium.request_id": call.request_id,
            },
        )
        return TracedCall(self._tracer, span)

    def close(self) -> None:
        """Send what has gathered, and end the thread."""
        self._provider.shutdown()


class TracedCall:
    """One call's span; those of its phases are made when it ends, from the numbers that metrics are made of."""

    __slots__ = ("_began_ns", "_span", "_tracer")

    keeps = False

    def __init__(self, tracer: Tracer, span: Span) -> None:
        self._tracer = tracer
        self._span = span
        self._began_ns = time.time_ns()

    @property
    def trace_id(self) -> str:
        """The trace, where it is kept."""
        return format_trace_id(self._span.get_span_context().trace_id) if self._span.is_recording() else ""

    def ended(self, call: EndedCall) -> None:
        """End the span, with a span for each phase."""
        if not self._span.is_recording():
            return
        ended_ns = self._began_ns + int(call.seconds * 1e9)
        self._span.set_attribute("rpc.response.status_code", call.code)
        if call.servable is not None:
            self._span.set_attribute("podium.model", call.servable.name)
            self._span.set_attribute("podium.version", call.servable.version)
            self._span.set_attribute("podium.execution_provider", call.servable.provider)
        if call.code in _ERRORS:
            self._span.set_status(Status(StatusCode.ERROR, call.code))
        self._add_phases(call.phases, ended_ns)
        self._span.end(ended_ns)

    def _add_phases(self, phases: Sequence[Phase], ended_ns: int) -> None:
        """Lay the phases one after the other from the call's beginning, and the last one before its end.

        They are sums where a call runs several graphs: how long each took is exact, when it began is not.
        """
        context, start_ns = set_span_in_context(self._span), self._began_ns
        for i, phase in enumerate(phases):
            length_ns = int(phase.seconds * 1e9)
            if i == len(phases) - 1:
                start_ns = max(start_ns, ended_ns - length_ns)
            end_ns = min(start_ns + length_ns, ended_ns)
            self._tracer.start_span(phase.name, context, start_time=start_ns).end(end_ns)
            start_ns = end_ns
