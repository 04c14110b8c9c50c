"""Stand-ins for step graphs that a test holds in its hand, and an observer that counts."""

import asyncio
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from podium_server.generation.job import Finish
from podium_server.generation.tally import Tally

from tests.server.generation.networks import step_manifest

Arrays = tuple[NDArray[Any], ...]

PATIENCE_S = 30.0
SIZE = 16
POISON, NONSENSE = 14, 15


class FakeStep:
    """A network that counts: the state is the sum of all tokens, and the next token the sum modulo 13.

    A run with POISON fails whole; a row with NONSENSE gets logits that are no numbers. It keeps the shapes of its runs.
    """

    def __init__(self, end_ids: Sequence[int] = ()) -> None:
        self.manifest = step_manifest([("total", ("batch", 1))], vocabulary=SIZE, end_ids=end_ids)
        self.shapes: list[tuple[int, ...]] = []
        self.seen: list[list[int]] = []

    def run(self, inputs: Sequence[NDArray[Any]]) -> Arrays:
        """Run at once."""
        tokens, total = inputs
        self.shapes.append(tokens.shape)
        self.seen.append(tokens[:, -1].tolist())
        if (tokens == POISON).any():
            raise RuntimeError("poisoned")
        after = total + tokens.sum(axis=1, keepdims=True).astype(np.float32)
        logits = np.where(np.arange(SIZE) == after % 13, 5.0, 0.0).astype(np.float32)
        logits[(tokens == NONSENSE).any(axis=1)] = np.nan
        return logits, after


class HeldStep(FakeStep):
    """The same, whose runs end only when the test says so."""

    def __init__(self, end_ids: Sequence[int] = ()) -> None:
        super().__init__(end_ids)
        self._begun = threading.Semaphore(0)
        self._go = threading.Semaphore(0)

    def run(self, inputs: Sequence[NDArray[Any]]) -> Arrays:
        """Run when let go."""
        self._begun.release()
        assert self._go.acquire(timeout=PATIENCE_S), "the test never let this run go"
        return super().run(inputs)

    async def begun(self) -> None:
        """Wait until one more run has begun."""
        assert await asyncio.to_thread(self._begun.acquire, timeout=PATIENCE_S), "no run began"

    def let_go(self, runs: int = 1) -> None:
        """Let so many runs end."""
        self._go.release(runs)

    def open(self) -> None:
        """Let all runs end, now and later."""
        self.let_go(1_000_000)


def written(prompt: Sequence[int], count: int) -> list[int]:
    """What the fake network writes after a prompt."""
    tokens = list(prompt)
    for _ in range(count):
        tokens.append(sum(tokens) % 13)
    return tokens[len(prompt) :]


@dataclass
class Counts:
    """A `GenerationObserver` that counts."""

    num_refused: int = 0
    num_expired: int = 0
    num_cancelled: int = 0
    num_failed: int = 0
    num_steps: int = 0
    num_rows: int = 0
    prompt_tokens: int = 0
    output_tokens: int = 0
    prefill_tokens: int = 0
    decode_tokens: int = 0
    num_first: int = 0
    num_gaps: int = 0
    finished: dict[Finish, int] = field(default_factory=dict[Finish, int])

    def stepped(self, tally: Tally) -> None:
        """Add up."""
        self.num_failed += tally.failed
        self.num_steps += sum(runs.count for runs in tally.steps.values())
        self.num_rows += sum(rows * runs.count for rows, runs in tally.steps.items())
        self.prompt_tokens += tally.prompt_tokens
        self.output_tokens += tally.output_tokens
        self.prefill_tokens += tally.prefill_tokens
        self.decode_tokens += tally.decode_tokens
        self.num_first += len(tally.first_token_s)
        self.num_gaps += sum(count for _, count in tally.gaps)
        for reason, count in tally.finished.items():
            self.finished[reason] = self.finished.get(reason, 0) + count
        assert all(seconds >= 0 for seconds, _ in tally.gaps)
        assert all(seconds >= 0 for seconds in tally.first_token_s)

    def refused(self) -> None:
        """Count a refusal."""
        self.num_refused += 1

    def expired(self) -> None:
        """Count a passed deadline."""
        self.num_expired += 1

    def cancelled(self) -> None:
        """Count a caller who left."""
        self.num_cancelled += 1
