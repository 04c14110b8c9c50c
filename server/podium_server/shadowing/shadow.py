"""Runs copies of answered calls on candidates, one after another, and counts how alike the answers are."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from podium_server.errors import PodiumError
from podium_server.metrics import ShadowMetrics
from podium_server.model_ref import ModelRef
from podium_server.observing.observer import EndedCall
from podium_server.shadowing.comparison import Comparison
from podium_server.shadowing.kinds import BY_RESPONSE, Kind
from podium_server.shadowing.unheard_call import unheard_call

log = logging.getLogger(__name__)

# Copies that wait, and the bytes of their requests and answers; what comes on top is dropped.
MAX_WAITING = 16
MAX_WAITING_BYTES = 64 * 2**20

Method = Callable[[Any, Any], Awaitable[Message]]


@dataclass(frozen=True, slots=True)
class _Copy:
    """A call that was answered, to be asked of a candidate."""

    kind: Kind
    answered_by: int
    candidate: ModelRef
    request: bytes
    response: Message
    num_bytes: int


class Shadow:
    """Owns the one task that works on copies; used in one event loop.

    Copies are dropped first when the server is busy: where rows wait for the version that answered, and where copies
    wait already. They count as calls of nobody, but the candidate's own series show its runs.

    Args:
        methods: what answers a call, by its method's full name; those that are not there are not copied.
        metrics: where comparisons are counted.
    """

    def __init__(self, methods: Mapping[str, Method], metrics: ShadowMetrics) -> None:
        self._methods = methods
        self._metrics = metrics
        self._waiting: asyncio.Queue[_Copy] = asyncio.Queue(MAX_WAITING)
        self._waiting_bytes = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to work on copies."""
        self._task = asyncio.get_running_loop().create_task(self._work())

    async def close(self) -> None:
        """Drop what waits, and end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def caught_up(self) -> None:
        """Wait until every copy that was taken is done with."""
        await self._waiting.join()

    def copies_to(self, candidate: ModelRef) -> "_Copier":
        """Make what copies one call to a candidate when it was answered."""
        return _Copier(self, candidate)

    def offer(self, candidate: ModelRef, ended: EndedCall) -> None:
        """Take a copy of an answered call, or drop it; returns at once."""
        if ended.code != "OK" or ended.request is None or ended.response is None or ended.servable is None:
            return
        kind = BY_RESPONSE.get(type(ended.response))
        if kind is None or kind.method not in self._methods or self._task is None:
            return
        num_bytes = len(ended.request) + ended.response.ByteSize()
        copy = _Copy(kind, ended.servable.version, candidate, ended.request, ended.response, num_bytes)
        if ended.servable.waiting_rows or self._waiting_bytes + num_bytes > MAX_WAITING_BYTES:
            self._count(copy, "dropped")
            return
        try:
            self._waiting.put_nowait(copy)
        except asyncio.QueueFull:
            self._count(copy, "dropped")
        else:
            self._waiting_bytes += num_bytes

    async def _work(self) -> None:
        while True:
            copy = await self._waiting.get()
            try:
                comparison = await self._ask(copy)
            except PodiumError as error:
                log.info("model %s version %s: a copy failed: %s", copy.candidate.name, copy.candidate.version, error)
                self._count(copy, "failed")
            except Exception:  # whatever a candidate does, the next copy is asked of it
                log.exception("model %s version %s: a copy failed", copy.candidate.name, copy.candidate.version)
                self._count(copy, "failed")
            else:
                self._count(copy, "compared")
                self._metrics.compared(*_labels(copy), comparison)
            finally:
                self._waiting_bytes -= copy.num_bytes
                self._waiting.task_done()

    async def _ask(self, copy: _Copy) -> Comparison:
        request: Any = copy.kind.request.FromString(copy.request)
        copy.kind.address(request, copy.candidate)
        _seed(request, copy.response)
        call = unheard_call()
        try:
            response = await self._methods[copy.kind.method](request, call)
        finally:
            call.let_go()
        return await asyncio.to_thread(copy.kind.compare, copy.response, response)

    def _count(self, copy: _Copy, outcome: str) -> None:
        self._metrics.calls.labels(*_labels(copy), outcome).inc()


class _Copier:
    """Looks on at one call, and offers it to the shadow when it has ended."""

    trace_id = ""
    keeps = True

    def __init__(self, shadow: Shadow, candidate: ModelRef) -> None:
        self._shadow = shadow
        self._candidate = candidate

    def ended(self, call: EndedCall) -> None:
        """The call has ended."""
        self._shadow.offer(self._candidate, call)


def _seed(request: Any, response: Any) -> None:
    """Have the candidate draw from the seed that the answer was drawn from: texts could not agree otherwise."""
    if "seed" in request.DESCRIPTOR.fields_by_name and response.metadata.HasField("seed"):
        request.seed = response.metadata.seed


def _labels(copy: _Copy) -> tuple[str, str, str]:
    """Model, the version that answered, and the candidate."""
    return copy.candidate.name, str(copy.answered_by), str(copy.candidate.version)
