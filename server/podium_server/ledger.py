"""Counts the calls of one method, and shows them to who looks on."""

import time
from collections.abc import Iterator, Sequence

from google.protobuf.message import Message
from prometheus_client import Counter

from podium_server.call import Call
from podium_server.counted_histogram import Observations
from podium_server.gate import Context, Gate
from podium_server.metrics import Metrics
from podium_server.observing.exemplars import Exemplars, exemplar_labels
from podium_server.observing.observer import BegunCall, CallObserver, EndedCall
from podium_server.security.guard import Entrance


class Ledger:
    """Counts the calls of one method, and lets observers look on.

    Args:
        metrics: where calls are counted.
        method: its full name.
        observers: who looks on.
        entrance: who may call; None: everybody.
        whole_method: the full name of the method that gives the same answer whole; empty: this one does.
    """

    def __init__(
        self,
        metrics: Metrics,
        method: str,
        observers: Sequence[CallObserver] = (),
        entrance: Entrance | None = None,
        whole_method: str = "",
    ) -> None:
        self.entrance = entrance
        self._metrics = metrics
        self._method = method
        self._whole_method = whole_method or method
        self._observers = observers
        self._exemplars = Exemplars()
        self._series: dict[tuple[str, str, str, str], tuple[Counter, Observations]] = {}

    def open(self, context: Context, gate: Gate) -> Call:
        """Begin a call."""
        call = Call(context, gate)
        if self._observers:
            begun = BegunCall(self._method, call.request_id, context.peer(), call.metadata)
            call.watches = [observer.began(begun) for observer in self._observers]
        return call

    def close(
        self, call: Call, code: str, request: object = None, response: Message | None = None, limit: str = ""
    ) -> None:
        """Count one call that has ended.

        Args:
            call: the call.
            code: gRPC's name of its status.
            request: its bytes, where it is a single one; anything else is passed over.
            response: its whole answer.
            limit: what refused it, such as "QUEUE_FULL"; empty for none.
        """
        call.let_go()
        servable, now = call.servable, time.monotonic()
        seconds = now - call.began
        model, version = (servable.name, str(servable.version)) if servable else ("", "")
        key = (model, version, code, limit)
        counter, histogram = self._series.get(key) or self._look_up(*key)
        counter.inc()
        histogram.observe(seconds)
        if self._exemplars.choose(now, seconds):
            histogram.name(seconds, exemplar_labels(call.request_id, next(_traces(call), "")))
        if call.admission is not None and call.admission.client:
            self._metrics.client_requests.labels(call.admission.client, code).inc()
        if servable is not None and code != "OK":
            servable.usage.failed(seconds)
        if call.watches:
            data = request if isinstance(request, bytes) else None
            ended = EndedCall(code, seconds, servable, call.phases, self._whole_method, data, response)
            for watch in call.watches:
                watch.ended(ended)

    def _look_up(self, model: str, version: str, code: str, limit: str) -> tuple[Counter, Observations]:
        """Find the series of one outcome once: looking labels up costs more than counting."""
        counter = self._metrics.requests.labels(self._method, model, version, code, limit)
        histogram = self._metrics.request_seconds.labels(self._method, model, version)
        self._series[model, version, code, limit] = counter, histogram
        return counter, histogram


def _traces(call: Call) -> Iterator[str]:
    """The traces that keep a call."""
    return (watch.trace_id for watch in call.watches if watch.trace_id)
