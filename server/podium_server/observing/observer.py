"""Who may look on while calls are answered. The edge to gRPC knows these protocols alone, and nobody behind them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from google.protobuf.message import Message

from podium_server.servable import Servable


@dataclass(frozen=True, slots=True)
class Phase:
    """One thing that a call's time went to: its name, such as "queue", and seconds."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class BegunCall:
    """A call that came in.

    Attributes:
        method: its full name, such as "podium.v1.TextService.Generate".
        request_id: the caller's own, or one that was made for it.
        peer: the caller's address as gRPC writes it, such as "ipv4:127.0.0.1:40112".
        metadata: text values that came with it.
    """

    method: str
    request_id: str
    peer: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EndedCall:
    """How a call ended.

    Attributes:
        code: gRPC's name of its status, such as "OK".
        seconds: from the request's arrival to now.
        servable: the version that worked on it; None when it came to none.
        phases: where the time of an answered call went, in the order in which it went there.
        method: the full name of the one that takes `request` and gives `response`: the call's own, or of a streamed
            answer the one that gives the same whole, such as "podium.v1.TextService.Generate".
        request: the bytes of a single request; None where requests were streamed.
        response: the whole answer; None where there is none, or of a streamed one where nobody keeps it or it is too
            large.
    """

    code: str
    seconds: float
    servable: Servable | None = None
    phases: tuple[Phase, ...] = ()
    method: str = ""
    request: bytes | None = None
    response: Message | None = None


class CallWatch(Protocol):
    """Looks on at one call."""

    @property
    def trace_id(self) -> str:
        """The trace that keeps the call, as 32 hexadecimal digits; empty for none."""
        ...

    @property
    def keeps(self) -> bool:
        """Whether it reads the request and the answer: of a stream they are put together for who does alone."""
        ...

    def ended(self, call: EndedCall) -> None:
        """The call has ended; called once, and must not raise."""
        ...


class CallObserver(Protocol):
    """Looks on at every call. Called in the event loop, on the path of the call: what takes time goes elsewhere."""

    def began(self, call: BegunCall) -> CallWatch:
        """A call came in; must not raise."""
        ...

    def close(self) -> None:
        """Write what is not written yet, when the server ends; may take seconds."""
        ...
