"""Stand-ins for the server's inner parts that a test holds in its hand."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from podium_server.elements import BY_OIP
from podium_server.signature import Signature, TensorSpec

Rows = tuple[NDArray[Any], ...]

PATIENCE_S = 30.0


def signature(*axes: int | str | None, batched: bool = True, oip: str = "FP32") -> Signature:
    """A graph x -> y of one type; `axes` are those beside the batch."""
    shape = ("batch", *axes)
    return Signature((TensorSpec("x", BY_OIP[oip], shape),), (TensorSpec("y", BY_OIP[oip], shape),), batched=batched)


def rows(*values: float) -> Rows:
    """One input of shape (rows, 1)."""
    return (np.array(values, np.float32)[:, None],)


class Doubler:
    """The graph y = 2x; keeps what it was fed."""

    def __init__(self) -> None:
        self.batches: list[NDArray[Any]] = []

    def run(self, inputs: Sequence[NDArray[Any]]) -> Rows:
        """Run at once."""
        self.batches.append(np.array(inputs[0]))
        return (inputs[0] * 2,)

    @property
    def seen(self) -> list[float]:
        """The first element of each row that was run, in order."""
        return [float(row.ravel()[0]) for batch in self.batches for row in batch]


class HeldDoubler(Doubler):
    """The graph y = 2x, whose runs end only when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self._begun = threading.Semaphore(0)
        self._go = threading.Semaphore(0)

    def run(self, inputs: Sequence[NDArray[Any]]) -> Rows:
        """Run when let go."""
        answer = super().run(inputs)
        self._begun.release()
        assert self._go.acquire(timeout=PATIENCE_S), "the test never let this run go"
        return answer

    async def begun(self) -> None:
        """Wait until one more run has begun."""
        assert await asyncio.to_thread(self._begun.acquire, timeout=PATIENCE_S), "no run began"

    def let_go(self, runs: int = 1) -> None:
        """Let so many runs end."""
        self._go.release(runs)

    def open(self) -> None:
        """Let all runs end, now and later."""
        self.let_go(1_000_000)


@dataclass
class Counts:
    """A `BatchObserver` that counts."""

    runs: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    num_refused: int = 0
    num_expired: int = 0
    num_cancelled: int = 0

    @property
    def num_run(self) -> int:
        """Requests that were run."""
        return sum(requests for requests, _ in self.runs)

    def ran(self, *, requests: int, rows: int, run_s: float) -> None:
        """Count a run."""
        assert run_s >= 0
        self.runs.append((requests, rows))

    def refused(self) -> None:
        """Count a refusal."""
        self.num_refused += 1

    def expired(self) -> None:
        """Count a passed deadline."""
        self.num_expired += 1

    def cancelled(self) -> None:
        """Count a caller who left."""
        self.num_cancelled += 1
