"""Closed-loop readers of texts: each asks for its next one when its last one has ended."""

import asyncio
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from time import perf_counter, process_time

from grpc import ChannelCredentials

from podium_client.answers import ResponseMetadata
from podium_client.async_client import AsyncClient
from podium_client.errors import PodiumError
from podium_client.load.measured import percentile
from podium_client.retries import RetryPolicy

_TICK_S = 0.25
_PAUSE_S = 0.01  # after a refusal, so that a full server is not asked as fast as it can refuse


@dataclass(frozen=True, slots=True)
class TextLoad:
    """What is asked for, and for how long.

    Attributes:
        address: HOST:PORT of the server.
        model: "name", "name/version" or "name@alias".
        prompt: of every text.
        max_tokens: the most tokens of a text, 1 or more.
        seed: of the first text; each has the next one.
        streams: texts under way at any moment, 1 or more.
        warmup_s: seconds of load before the measured window.
        seconds: the measured window.
        credentials: for TLS; None: without.
        token: says who calls; None: nothing does.
    """

    address: str
    model: str
    prompt: str
    max_tokens: int
    seed: int
    streams: int
    warmup_s: float = 1.0
    seconds: float = 10.0
    credentials: ChannelCredentials | None = None
    token: str | None = None


@dataclass(slots=True)
class StreamTimes:
    """When one text's tokens came, in seconds of a monotonic clock.

    Attributes:
        asked_s: when it was asked for.
        first_s: when its first tokens came; None: they have not.
        last_s: when its latest ones came.
        num_tokens: how many have come.
        num_first: how many of them came first.
    """

    asked_s: float
    first_s: float | None = None
    last_s: float = 0.0
    num_tokens: int = 0
    num_first: int = 0

    def came(self, num_tokens: int, now_s: float) -> None:
        """Count tokens that came together; a piece may have none."""
        if num_tokens and self.first_s is None:
            self.first_s, self.num_first = now_s, num_tokens
        if num_tokens:
            self.last_s = now_s
        self.num_tokens += num_tokens

    @property
    def between_s(self) -> float | None:
        """Seconds a token after the first ones, on average; None while there are none."""
        later = self.num_tokens - self.num_first
        return (self.last_s - self.first_s) / later if later and self.first_s is not None else None


@dataclass(slots=True)
class _Tally:
    """What has been counted since the window began."""

    num_tokens: int = 0
    num_texts: int = 0
    first_token_s: "array[float]" = field(default_factory=lambda: array("d"))
    between_tokens_s: "array[float]" = field(default_factory=lambda: array("d"))
    errors: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class TextsMeasured:
    """What readers of texts saw in the measured window.

    Attributes:
        metadata: who answered.
        seconds: the window's length.
        num_tokens: tokens that came in it.
        num_texts: texts that ended in it.
        first_token_s: how long the first token took of the texts whose first came in it, ascending.
        between_tokens_s: the mean time between tokens of the texts that ended in it, ascending.
        errors: how many texts ended otherwise, by canonical code.
        generator_cpu_s: processor time of the load generator itself in the window.
    """

    metadata: ResponseMetadata
    seconds: float
    num_tokens: int
    num_texts: int
    first_token_s: Sequence[float]
    between_tokens_s: Sequence[float]
    errors: dict[str, int]
    generator_cpu_s: float

    @property
    def tokens_per_s(self) -> float:
        """Tokens a second, of all texts together."""
        return self.num_tokens / self.seconds

    def first_token_ms(self, percent: float) -> float:
        """So many of a hundred first tokens took no longer, in milliseconds."""
        return 1e3 * percentile(self.first_token_s, percent)

    def between_tokens_ms(self, percent: float) -> float:
        """So many of a hundred texts had no more between two tokens on average, in milliseconds."""
        return 1e3 * percentile(self.between_tokens_s, percent)


class _Readers:
    """The readers of one load."""

    def __init__(self, client: AsyncClient, load: TextLoad) -> None:
        self._client, self._load = client, load
        self._seeds = count(load.seed)
        self.tally = _Tally()

    async def read(self, max_tokens: int) -> None:
        """Read one text after another, for ever; the first has a length of its own."""
        while True:
            times = StreamTimes(perf_counter())
            stream = self._client.generate(
                self._load.model, self._load.prompt, seed=next(self._seeds), max_tokens=max_tokens
            )
            max_tokens = self._load.max_tokens
            try:
                async for piece in stream:
                    self._count(times, len(piece.token_ids))
            except PodiumError as error:
                self.tally.errors[error.code.name if error.code else "UNKNOWN"] += 1
                await asyncio.sleep(_PAUSE_S)
            else:
                self.tally.num_texts += 1
                if times.between_s is not None:
                    self.tally.between_tokens_s.append(times.between_s)

    def _count(self, times: StreamTimes, num_tokens: int) -> None:
        waited = times.first_s is None
        times.came(num_tokens, perf_counter())
        self.tally.num_tokens += num_tokens
        if waited and times.first_s is not None:
            self.tally.first_token_s.append(times.first_s - times.asked_s)


async def drive_texts(load: TextLoad, on_tick: Callable[[float], None] = lambda _: None) -> TextsMeasured:
    """Load a server with streams of texts and measure it.

    Args:
        load: what to ask for, and for how long.
        on_tick: called a few times a second with the seconds since the start, warm-up included.

    Raises:
        PodiumError: the first text, asked for alone, says what is wrong before there is any load.
    """
    async with AsyncClient(
        load.address,
        timeout=float("inf"),
        retries=RetryPolicy(max_attempts=1),
        credentials=load.credentials,
        token=load.token,
    ) as client:
        trial = await client.complete(load.model, load.prompt, seed=load.seed, max_tokens=load.max_tokens)
        readers = _Readers(client, load)
        # The first texts end one after another: readers who began together would begin each text together.
        lengths = [-(-load.max_tokens * n // load.streams) for n in range(1, load.streams + 1)]
        tasks = [asyncio.create_task(readers.read(max_tokens)) for max_tokens in lengths]
        try:
            began = perf_counter()
            await _pass(load.warmup_s, began, on_tick)
            readers.tally = tally = _Tally()
            opened, cpu_s = perf_counter(), process_time()
            await _pass(load.seconds, began, on_tick)
            seconds, cpu_s = perf_counter() - opened, process_time() - cpu_s
            readers.tally = _Tally()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    return TextsMeasured(
        metadata=trial.metadata,
        seconds=seconds,
        num_tokens=tally.num_tokens,
        num_texts=tally.num_texts,
        first_token_s=sorted(tally.first_token_s),
        between_tokens_s=sorted(tally.between_tokens_s),
        errors=dict(tally.errors),
        generator_cpu_s=cpu_s,
    )


async def _pass(seconds: float, began: float, on_tick: Callable[[float], None]) -> None:
    """Let time pass while the readers read."""
    end = perf_counter() + seconds
    while (left := end - perf_counter()) > 0:
        await asyncio.sleep(min(left, _TICK_S))
        on_tick(perf_counter() - began)
