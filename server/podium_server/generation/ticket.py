"""A sequence under way, as its caller holds it: belongs to the event loop."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

from podium_server.errors import PodiumError
from podium_server.generation.job import Clocked, Finish, Gathered, Hypothesis


@dataclass(frozen=True, slots=True, eq=False)
class News:
    """What the engine's thread has to tell of a sequence.

    Attributes:
        token_ids, log_probabilities: new ones.
        finish: why it ended.
        hypotheses: that a beam search found.
        clocked: where the time went.
        error: what went wrong instead.
        outputs: new ones of a sequence that is fed.
        gone: whether the thread has let go of it; the last news of each sequence says so.
    """

    token_ids: list[int] = field(default_factory=list[int])
    log_probabilities: list[float] = field(default_factory=list[float])
    finish: Finish | None = None
    hypotheses: list[Hypothesis] = field(default_factory=list[Hypothesis])
    clocked: Clocked = field(default_factory=Clocked)
    error: PodiumError | None = None
    gone: bool = False
    outputs: list[NDArray[Any]] = field(default_factory=list[NDArray[Any]])


class Ticket:
    """One sequence; implements `Ongoing`.

    Args:
        leave: told once when the caller does not want the sequence any more.
    """

    def __init__(self, leave: "Callable[[Ticket], None]") -> None:
        self._leave = leave
        self._token_ids: list[int] = []
        self._log_probabilities: list[float] = []
        self._finish: Finish | None = None
        self._hypotheses: list[Hypothesis] = []
        self._clocked = Clocked()
        self._error: PodiumError | None = None
        self._outputs: list[NDArray[Any]] = []
        self._waiter: asyncio.Future[None] | None = None
        self._is_due: Callable[[], bool] | None = None  # what the waiter waits for

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self._finish is not None or self._error is not None

    async def gather(self) -> Gathered:
        """Wait until there is something new, and take all of it; see `Ongoing`."""
        return await self._gather(self._has_news)

    async def gather_to_the_end(self) -> Gathered:
        """Wait until it has ended, and take all of it; see `Ongoing`."""
        return await self._gather(self._has_ended)

    def _has_news(self) -> bool:
        return bool(self._token_ids or self._outputs) or self.ended

    def _has_ended(self) -> bool:
        return self.ended

    async def _gather(self, is_due: Callable[[], bool]) -> Gathered:
        """Wait until `is_due` says so, and take what there is."""
        while not is_due():
            self._waiter, self._is_due = asyncio.get_running_loop().create_future(), is_due
            try:
                await self._waiter
            finally:
                self._waiter = self._is_due = None
        if self._error is not None:
            raise self._error
        gathered = Gathered(
            self._token_ids, self._log_probabilities, self._finish, self._hypotheses, self._clocked, self._outputs
        )
        self._token_ids, self._log_probabilities, self._outputs = [], [], []
        return gathered

    def cancel(self) -> None:
        """Stop it within one step; nothing, when it has ended."""
        if not self.ended:
            self.receive(News(clocked=self._clocked, finish=Finish.CANCELLED))
            self._leave(self)

    def receive(self, news: News) -> None:
        """Take what is new; nothing, once it has ended for its caller."""
        if self.ended:
            return
        self._token_ids += news.token_ids
        self._log_probabilities += news.log_probabilities
        self._outputs += news.outputs
        self._finish, self._hypotheses, self._clocked = news.finish, news.hypotheses, news.clocked
        self._error = news.error
        if self._waiter is None or self._waiter.done() or self._is_due is None:
            return
        if self._is_due():
            self._waiter.set_result(None)
