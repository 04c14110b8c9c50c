"""One call, from its arrival to the report of its answer."""

import contextlib
import time
from collections.abc import Generator, Mapping, Sequence
from typing import cast

from google.protobuf.message import Message

from podium_server.batching.batcher import Run
from podium_server.gate import Context, Gate
from podium_server.observing.observer import CallWatch, Phase
from podium_server.observing.request_id import REQUEST_ID, current_request_id, request_id_of
from podium_server.occupancy import Visit
from podium_server.security.guard import Admission
from podium_server.servable import Servable

# A deadline travels as the time left, rounded up by as much as one part in a hundred: 1.001 s arrives as 1.0096 s.
DEADLINE_ROUNDING = 0.01
DEADLINE_TRAVEL_S = 0.02


class Call:
    """What a service method knows of its call, and tells about its answer.

    Attributes:
        began: the monotonic second at which it came.
        request_id: its name in logs and traces; goes back to the caller, however the call ends.
        servable: the version that works on it, once that is known.
        phases: where its time went, once it is answered.
        watches: who looks on.
        whole: of a streamed answer all of it, as the method that gives it whole would; None where nobody keeps it.
        admission: what it holds of what is limited, and its caller's name; None where nothing is asked or limited.
    """

    __slots__ = (
        "_context", "_deadline", "_gate", "_named", "_slack_s", "_visit", "admission", "began", "phases", "request_id",
        "servable", "watches", "whole",
    )  # fmt: skip

    def __init__(self, context: Context, gate: Gate) -> None:
        self._context = context
        self._gate = gate
        self._deadline: float | None = None
        self._slack_s = 0.0
        self.began = time.monotonic()
        self.servable: Servable | None = None
        self._visit = Visit()
        self.admission: Admission | None = None
        self.phases: tuple[Phase, ...] = ()
        self.watches: Sequence[CallWatch] = ()
        self.whole: Message | None = None
        self.request_id = request_id_of(context.invocation_metadata())
        self._named = False
        current_request_id.set(self.request_id)
        remaining = cast("float | None", context.time_remaining())  # None without a deadline, whatever the stubs say
        if remaining is not None:
            self._deadline = self.began + remaining
            self._slack_s = DEADLINE_TRAVEL_S + DEADLINE_ROUNDING * remaining

    @property
    def deadline(self) -> float | None:
        """The monotonic second at which the caller stops waiting; None when it waits for ever."""
        return self._deadline

    @property
    def late(self) -> bool:
        """Whether the caller's deadline has passed, which its own clock tells it sooner than ours tells us."""
        return self._deadline is not None and time.monotonic() >= self._deadline - self._slack_s

    @property
    def is_kept(self) -> bool:
        """Whether somebody who looks on keeps the answer; known once it is known who answers."""
        return any(watch.keeps for watch in self.watches)

    @property
    def metadata(self) -> Mapping[str, str]:
        """The text values that came with the call."""
        pairs = self._context.invocation_metadata() or ()
        return {str(key): value for key, value in pairs if isinstance(value, str)}

    @contextlib.contextmanager
    def working(self, request: Message | None = None) -> Generator[None, None, None]:
        """Hold the door for one request of a stream, so that a draining server waits for its answer.

        A stream itself may stay open for days and holds up nothing.

        Args:
            request: what counts against the limits of a client and of memory; None where the call has counted it.

        Raises:
            NotReady: the server drains.
            Overloaded: the caller, or all together, have as much as they may.
        """
        admission = self.admission if request is not None else None
        num_bytes = request.ByteSize() if admission is not None and request is not None else 0
        if admission is not None:
            self._gate.check()
            admission.again(time.monotonic(), num_bytes)
        self._gate.enter()
        try:
            yield
        finally:
            self._gate.leave()
            if admission is not None:
                admission.done(num_bytes)

    def hold(self, piece: Message) -> None:
        """Count one more piece of a request that comes in pieces against the limit of memory, until the call ends.

        Raises:
            Overloaded: all together have as much as they may.
        """
        if self.admission is not None:
            self.admission.hold(piece.ByteSize())

    def serve_with(self, servable: Servable) -> Servable:
        """Name the version that works on this call: it is kept until the call ends, and errors count as its too.

        Raises:
            Overloaded: the model has as many calls as it may.
        """
        self.servable = servable
        if self.admission is not None:
            self.admission.work_for(servable.name)
        self._visit.move_to(servable.occupancy)
        return servable

    def name(self) -> None:
        """Tell the caller the name of a call that ends well, unless `answered` has."""
        if not self._named:
            self._context.set_trailing_metadata(((REQUEST_ID, self.request_id),))

    def let_go(self) -> None:
        """The call has ended: its version need not be kept for it any more."""
        self._visit.end()

    def answered(
        self,
        servable: Servable,
        *,
        preprocess_s: float,
        run: Run,
        encode_s: float = 0.0,
        written: Sequence[Phase] = (),
    ) -> None:
        """Report a successful answer: feeds metrics, usage and the trailing metadata.

        Args:
            servable: who answered.
            preprocess_s: seconds of decoding and preparing.
            run: what the batcher gave.
            encode_s: seconds of building the answer.
            written: what a run of a text was, such as prefill and decode; empty where it is one run.
        """
        self.servable = servable
        total_s = time.monotonic() - self.began
        servable.usage.answered(run, total_s=total_s, preprocess_s=preprocess_s, encode_s=encode_s)
        self._tell(total_s, preprocess_s, run)
        if self.watches:
            runs = written or (Phase("run", run.run_s),)
            self.phases = (
                Phase("preprocess", preprocess_s), Phase("queue", run.queue_s), *runs, Phase("encode", encode_s),
            )  # fmt: skip

    def _tell(self, total_s: float, preprocess_s: float, run: Run) -> None:
        """Tell the caller the call's name and where its time went, with the answer."""
        timing = _server_timing(total_s, preprocess_s, run)
        self._context.set_trailing_metadata(((REQUEST_ID, self.request_id), ("server-timing", timing)))
        self._named = True


def _server_timing(total_s: float, preprocess_s: float, run: Run) -> str:
    """Milliseconds by part, in the form of the W3C's Server-Timing header."""
    return (
        f"total;dur={total_s * 1e3:.3f}, preprocess;dur={preprocess_s * 1e3:.3f}, "
        f"queue;dur={run.queue_s * 1e3:.3f}, run;dur={run.run_s * 1e3:.3f}"
    )
