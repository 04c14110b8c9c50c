"""Runs one batch: stack the requests, run, give each its rows; keep one's bad input from the others."""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from podium_server.batching.batch_queue import Ticket
from podium_server.errors import PodiumError, RunFailed

Rows: TypeAlias = tuple[NDArray[Any], ...]

log = logging.getLogger(__name__)


class Runnable(Protocol):
    """What runs a graph: `podium_server.runtime.session.Session`, or a fake of it."""

    def run(self, inputs: Sequence[NDArray[Any]]) -> Rows:
        """Run the graph once; both sides in the signature's order."""
        ...


@dataclass(frozen=True, slots=True)
class Run:
    """What one request gets of a run.

    Attributes:
        outputs: in the signature's order, this request's rows only. Views into the batch: not to be written to.
        queue_s: seconds spent waiting for a session.
        run_s: seconds inside the execution provider, for the whole batch.
    """

    outputs: Rows
    queue_s: float
    run_s: float


@dataclass(slots=True, eq=False)
class Waiting:
    """What a waiting request is: what to run, and whom to tell.

    Attributes:
        inputs: in the signature's order.
        future: belongs to the event loop; only `Batcher` touches it.
        since: the monotonic second of its arrival.
        request_id: names it in the log.
    """

    inputs: Rows
    future: "asyncio.Future[Run]"
    since: float
    request_id: str = ""


Outcome: TypeAlias = tuple[Ticket[Waiting], Run | PodiumError]


@dataclass(frozen=True, slots=True)
class Finished:
    """What one batch came to: an outcome for each of its requests, and the seconds it took."""

    outcomes: list[Outcome]
    run_s: float


def run_batch(session: Runnable, tickets: list[Ticket[Waiting]]) -> Finished:
    """Run a batch of one request or more; never raises.

    When a batch of several fails, each of its requests is run alone, so that only the one at fault sees an error.
    """
    began = time.monotonic()
    try:
        outputs = session.run(_join(tickets))
        run_s = time.monotonic() - began
        return Finished(_split(tickets, outputs, began, run_s), run_s)
    except BaseException as error:  # whatever the provider raises, the thread must live on
        if len(tickets) > 1:
            alone = [run_batch(session, [ticket]) for ticket in tickets]
            return Finished([one for part in alone for one in part.outcomes], time.monotonic() - began)
        if not isinstance(error, PodiumError):
            log.exception("a run failed", extra={"request_id": tickets[0].payload.request_id})
            error = RunFailed("the model failed on this input; the server's log says why")
        return Finished([(tickets[0], error)], time.monotonic() - began)


def _join(tickets: list[Ticket[Waiting]]) -> Sequence[NDArray[Any]]:
    """Stack the inputs along axis 0."""
    if len(tickets) == 1:
        return tickets[0].payload.inputs
    return [np.concatenate(column) for column in zip(*(t.payload.inputs for t in tickets), strict=True)]


def _split(tickets: list[Ticket[Waiting]], outputs: Rows, began: float, run_s: float) -> list[Outcome]:
    """Give each request its rows; outputs of another length are nobody's."""
    if len(tickets) == 1:
        return [(tickets[0], Run(outputs, began - tickets[0].payload.since, run_s))]
    lengths = [len(ticket.payload.inputs[0]) for ticket in tickets]
    if any(output.shape[:1] != (sum(lengths),) for output in outputs):
        raise RunFailed(f"{sum(lengths)} rows in, outputs of shapes {[output.shape for output in outputs]}")
    outcomes: list[Outcome] = []
    start = 0
    for ticket, length in zip(tickets, lengths, strict=True):
        end = start + length
        rows = tuple(output[start:end] for output in outputs)
        outcomes.append((ticket, Run(rows, began - ticket.payload.since, run_s)))
        start = end
    return outcomes
