"""Sends mutated requests, many at a time, and keeps how each ended."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode, aio

from tests.security.fuzz.methods import Method
from tests.security.fuzz.mutation import Mutator
from tests.security.fuzz.seeds import SEEDS

TIMEOUTS_S = (0.02, 2.0, 10.0, 10.0, 10.0)
PATIENCE_S = 30.0
MOST_ANSWERS = 300  # of a stream; then the caller leaves
ENDLESS = frozenset({"grpc.health.v1.Health.Watch"})  # here after the first
LOAD = "podium.v1.ModelService.LoadModel"
# What gRPC's client says where a stream has ended before all was written; how it ended, it then does not tell.
_WROTE_TOO_LATE = "Internal error from Core"
DOCUMENTED = frozenset(
    {
        "OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "UNIMPLEMENTED", "RESOURCE_EXHAUSTED",
        "UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED",
    }
)  # fmt: skip
# INTERNAL is right for one thing: a provider that fails on this input, as a lookup beyond its table.
RUN_FAILED = "RUN_FAILED"


@dataclass(slots=True)
class Outcome:
    """What came of the calls.

    Attributes:
        codes: how often each method ended with each code.
        faults: calls that ended as none may, with what shows it.
    """

    codes: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    faults: list[str] = field(default_factory=list[str])


class Attack:
    """Calls a server.

    Args:
        channel: to it.
        methods: what it has.
        seed: of all choices.
    """

    def __init__(self, channel: aio.Channel, methods: Sequence[Method], seed: int) -> None:
        self.outcome = Outcome()
        self._channel = channel
        self._methods = methods
        self._mutator = Mutator(seed)
        self._random: random.Random = self._mutator.random

    async def run(self, calls: int, callers: int = 16) -> None:
        """Send so many calls, so many at a time."""
        left = iter(range(calls))

        async def caller() -> None:
            for _ in left:
                await self._call(self._random.choice(self._methods))

        await asyncio.gather(*(caller() for _ in range(callers)))

    async def restore(self, models: Sequence[str]) -> None:
        """Load every model again: some were unloaded, as they were asked to be."""
        load = next(method for method in self._methods if method.name == LOAD)
        for model in models:
            await self._send(load, [_parse(load, {"model": model}).SerializeToString()], PATIENCE_S, leaving=False)

    async def valid(self) -> None:
        """Send every request to begin with as it is: the server must still do its work."""
        for method in self._methods:
            for seed in SEEDS.get(method.name, ()):
                requests = [_parse(method, message).SerializeToString() for message in seed]
                code = await self._send(method, requests, PATIENCE_S, leaving=False)
                alias = method.name.endswith("GetModel") and "@" in str(seed)  # nobody made it
                film = method.name.endswith("ClassifyVideo") and "filePiece" in str(seed)  # a model of tensors
                if code != "OK" and not alias and not film:
                    self.outcome.faults.append(f"{method.name}: a valid request ended with {code}: {seed}"[:2000])

    async def _call(self, method: Method) -> None:
        leaving = self._random.random() < 0.03
        await self._send(method, self._requests(method), self._random.choice(TIMEOUTS_S), leaving=leaving)

    def _requests(self, method: Method) -> list[bytes]:
        seeds = SEEDS.get(method.name, ())
        if not seeds or self._random.random() < 0.1:
            count = self._random.choice((0, 1, 2, 4)) if method.descriptor.client_streaming else 1
            made = [self._mutator.make(method.descriptor.input_type) for _ in range(count)]
            return [self._mutator.mutate(message) for message in made]
        messages = [_parse(method, message) for message in self._random.choice(seeds)]
        if method.descriptor.client_streaming and self._random.random() < 0.3:
            self._random.shuffle(messages)
            del messages[self._random.randrange(len(messages) + 1) :]
        return [
            self._mutator.mutate(message) if self._random.random() < 0.7 else message.SerializeToString()
            for message in messages
        ]

    async def _send(self, method: Method, requests: Sequence[bytes], timeout_s: float, *, leaving: bool) -> str:
        try:
            code = await self._answers(method, requests, timeout_s, leaving=leaving)
        except aio.AioRpcError as error:
            code = error.code().name
            if error.details() == _WROTE_TOO_LATE:
                code = "ENDED_EARLY"
            else:
                self._judge(method, requests, error)
        except asyncio.CancelledError:
            code = "CANCELLED"
        self.outcome.codes[method.name, code] += 1
        return code

    async def _answers(self, method: Method, requests: Sequence[bytes], timeout_s: float, *, leaving: bool) -> str:
        """Make a call and take its answers."""
        descriptor = method.descriptor
        if descriptor.client_streaming:
            many: Any = self._channel.stream_stream if descriptor.server_streaming else self._channel.stream_unary
            call: Any = many(method.path)(_each(requests), timeout=timeout_s)
        else:
            one: Any = self._channel.unary_stream if descriptor.server_streaming else self._channel.unary_unary
            call = one(method.path)(requests[0], timeout=timeout_s)
        if leaving:
            await asyncio.sleep(self._random.random() / 50)
            call.cancel()
        if not descriptor.server_streaming:
            await call
            return "OK"
        count = 0
        async for _ in call:
            count += 1
            if count == (1 if method.name in ENDLESS else MOST_ANSWERS):
                call.cancel()
        return "OK"

    def _judge(self, method: Method, requests: Sequence[bytes], error: aio.AioRpcError) -> None:
        code = error.code()
        if code.name in DOCUMENTED or (code is StatusCode.INTERNAL and _reason(error) == RUN_FAILED):
            return
        shown = [request[:400].hex() for request in requests[:4]]
        self.outcome.faults.append(f"{method.name}: {code.name}: {str(error.details())[:300]}; requests {shown}")


async def _each(requests: Sequence[bytes]) -> AsyncIterator[bytes]:
    for request in requests:
        yield request


def _parse(method: Method, message: Mapping[str, object]) -> Message:
    return json_format.ParseDict(dict(message), GetMessageClass(method.descriptor.input_type)())


def _reason(error: aio.AioRpcError) -> str:
    trailing = error.trailing_metadata() or ()
    data = next((value for key, value in trailing if key == "grpc-status-details-bin"), b"")
    for detail in status_pb2.Status.FromString(data if isinstance(data, bytes) else b"").details:
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return str(info.reason)
    return ""
