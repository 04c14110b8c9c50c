"""The guard at the door of every call: who comes in, and how much at a time; absent where nothing is set."""

import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from podium_server.errors import Overloaded
from podium_server.metrics import Metrics
from podium_server.security.access import Access, scope_of
from podium_server.security.client_limits import ClientLimits
from podium_server.security.model_limits import ModelLimits
from podium_server.security.request_memory import RequestMemory
from podium_server.security.tokens import Scope


class CallContext(Protocol):
    """What gRPC knows of who calls."""

    def invocation_metadata(self) -> Any:
        """The pairs that came with the call."""
        ...

    def peer(self) -> str:
        """The address, as "ipv4:10.0.0.7:50001"."""
        ...


@dataclass(frozen=True, slots=True)
class Guard:
    """What is checked and counted; each part None where it is not set.

    Attributes:
        metrics: where refusals are counted.
        access: what is asked of callers.
        clients: what a client may have at a time.
        models: what a model may have at a time.
        memory: how many bytes of requests there may be.
    """

    metrics: Metrics
    access: Access = field(default_factory=Access)
    clients: ClientLimits | None = None
    models: ModelLimits | None = None
    memory: RequestMemory | None = None

    def entrance(self, method: str) -> "Entrance | None":
        """Make what a method's calls pass; None where there is nothing to pass."""
        scope = scope_of(method)
        limits = (self.clients, self.models, self.memory)
        if not self.access.asks_for(scope) and all(limit is None for limit in limits):
            return None
        return Entrance(self, scope)


class Entrance:
    """What the calls of one method pass.

    Args:
        guard: what is checked.
        scope: what the method needs.
    """

    def __init__(self, guard: Guard, scope: Scope) -> None:
        self._guard = guard
        self._scope = scope

    def enter(self, context: CallContext, now: float, num_bytes: int) -> "Admission":
        """Let a call in; `Admission.leave` must follow.

        Args:
            context: gRPC's.
            now: the monotonic second.
            num_bytes: its request's length.

        Raises:
            Unauthenticated, PermissionDenied: who calls may not do this.
            Overloaded: its client, or all together, have as much as they may.
        """
        guard, client = self._guard, None
        if guard.access.asks_for(self._scope):
            client = guard.access.check(context.invocation_metadata() or (), self._scope, now)
        counted_as = ""
        if guard.clients is not None:
            counted_as = client.name if client else context.peer().rpartition(":")[0]
        admission = Admission(guard, client.name if client else "", counted_as)
        admission.begin(now, num_bytes)
        return admission


class Admission:
    """A call that is inside, and what it holds.

    Attributes:
        client: the name that its token has; empty where nobody needs one.
    """

    __slots__ = ("_counted_as", "_guard", "_model", "_num_bytes", "client")

    def __init__(self, guard: Guard, client: str, counted_as: str) -> None:
        self.client = client
        self._guard = guard
        self._counted_as = counted_as
        self._model = ""
        self._num_bytes = 0

    def begin(self, now: float, num_bytes: int) -> None:
        """Take what a new call needs, or raise and take nothing."""
        clients = self._guard.clients
        try:
            if clients is not None:
                clients.enter(self._counted_as, now)
            try:
                self._take(num_bytes)
            except Overloaded:
                if clients is not None:
                    clients.leave(self._counted_as, now)
                raise
        except Overloaded as error:
            raise self._count(error) from None
        self._num_bytes = num_bytes

    def again(self, now: float, num_bytes: int) -> None:
        """Take what one more request of a stream needs; `done` must follow.

        Raises:
            Overloaded: it must wait.
        """
        try:
            if self._guard.clients is not None:
                self._guard.clients.again(self._counted_as, now)
            self._take(num_bytes)
        except Overloaded as error:
            raise self._count(error) from None

    def hold(self, num_bytes: int) -> None:
        """Take memory for one more piece of the call's request, until the call leaves.

        Raises:
            Overloaded: there is too little.
        """
        try:
            self._take(num_bytes)
        except Overloaded as error:
            raise self._count(error) from None
        self._num_bytes += num_bytes

    def done(self, num_bytes: int) -> None:
        """Give back what a stream's request held."""
        if self._guard.memory is not None:
            self._guard.memory.give_back(num_bytes)

    def work_for(self, model: str) -> None:
        """Take a place at a model.

        Raises:
            Overloaded: it has none.
        """
        if self._guard.models is None or self._model:
            return
        try:
            self._guard.models.enter(model)
        except Overloaded as error:
            raise self._count(error) from None
        self._model = model

    def leave(self) -> None:
        """Give back everything."""
        guard = self._guard
        if guard.clients is not None:
            guard.clients.leave(self._counted_as, time.monotonic())
        if guard.memory is not None:
            guard.memory.give_back(self._num_bytes)
        if guard.models is not None and self._model:
            guard.models.leave(self._model)

    def _take(self, num_bytes: int) -> None:
        if self._guard.memory is not None:
            self._guard.memory.take(num_bytes)

    def _count(self, error: Overloaded) -> Overloaded:
        self._guard.metrics.limited.labels(error.reason).inc()
        return error
