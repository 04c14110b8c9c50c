"""Callers of every kind at once: patient ones, those who leave, those in a hurry, those who are wrong, and crowds."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc import aio
from podium_server.observing.request_id import REQUEST_ID
from podium_server.status import DETAILS_KEY

from tests.security.fuzz.methods import Method
from tests.security.fuzz.mutation import Mutator
from tests.security.fuzz.seeds import SEEDS
from tests.security.slow_model import slow_request

# What changes which models there are is called as it is, in this order, and seldom: the others are to find theirs.
CHANGING = ("SetAlias", "DeleteAlias", "UnloadModel", "LoadModel", "RepositoryModelUnload", "RepositoryModelLoad")
PATIENCE_S = 60.0
CROWD = 80  # calls at once of a model that is slow: more than wait and run, and than one client may have
CALLS_BETWEEN_CROWDS = 1_000


@dataclass(frozen=True, slots=True)
class Ended:
    """How one call ended for its caller.

    Attributes:
        method: its full name.
        told: the code that the server told; empty where the call ended before that: its caller left, its deadline
            passed, or the server ended a stream while its caller still wrote.
        reason: why nothing was told: "left", "late", "wrote", or "?", which must not be.
    """

    method: str
    told: str
    reason: str = ""


class Crowd:
    """Calls a server, and keeps how each call ended, by its request id.

    Args:
        channel: to the server.
        methods: what it has; those that are not podium's own are left out.
        seed: of all choices.

    Attributes:
        ended: how each call ended, by its request id.
        methods: the names of all that is called.
    """

    def __init__(self, channel: aio.Channel, methods: Sequence[Method], seed: int) -> None:
        self.ended: dict[str, Ended] = {}
        self._channel = channel
        served = {m.descriptor.name: m for m in methods if m.name.startswith(("podium.v1.", "inference."))}
        self.methods = {method.name for method in served.values()}
        self._usual = [method for name, method in served.items() if name not in CHANGING]
        self._changing = itertools.cycle([served[name] for name in CHANGING])
        self._infer = served["ModelInfer"]
        self._mutator = Mutator(seed)
        self._random: random.Random = self._mutator.random
        self._num_begun = 0
        self._next_crowd = CALLS_BETWEEN_CROWDS // 2

    async def call(self, num_calls: int, callers: int = 24) -> None:
        """Make so many calls or a crowd's more, so many at a time; a crowd's come on top of those."""
        last = self._num_begun + num_calls

        async def go_on() -> None:
            while self._num_begun < last:
                if self._num_begun >= self._next_crowd:
                    self._next_crowd += CALLS_BETWEEN_CROWDS
                    await self._crowd()
                else:
                    await self._one()

        await asyncio.gather(*(go_on() for _ in range(callers)))

    async def _crowd(self) -> None:
        request = slow_request(0).SerializeToString()
        await asyncio.gather(*(self._send(self._infer, [request]) for _ in range(CROWD)))

    async def _one(self) -> None:
        choice = self._random.random()
        if choice < 0.005:
            method = next(self._changing)
            await self._send(method, self._right(method))
            return
        method = self._random.choice(self._usual)
        if choice < 0.65:
            await self._send(method, self._right(method))
        elif choice < 0.75:
            await self._send(method, self._right(method), leaves_after_s=self._random.random() / 50)
        elif choice < 0.82:
            await self._send(method, self._right(method), timeout_s=self._random.uniform(0.0005, 0.02))
        else:
            await self._send(method, self._wrong(method))

    def _messages(self, method: Method) -> list[Message]:
        make = GetMessageClass(method.descriptor.input_type)
        seeds = SEEDS.get(method.name, ([{}],))
        return [json_format.ParseDict(dict(message), make()) for message in self._random.choice(seeds)]

    def _right(self, method: Method) -> list[bytes]:
        return [message.SerializeToString() for message in self._messages(method)]

    def _wrong(self, method: Method) -> list[bytes]:
        """Requests of which some make no sense."""
        return [
            self._mutator.mutate(message) if self._random.random() < 0.7 else message.SerializeToString()
            for message in self._messages(method)
        ]

    async def _send(
        self,
        method: Method,
        requests: Sequence[bytes],
        timeout_s: float = PATIENCE_S,
        leaves_after_s: float | None = None,
    ) -> None:
        """Make one call under an id of its own, to its end."""
        request_id = f"soak-{self._num_begun}"
        self._num_begun += 1
        call = self._begin(method, requests, timeout=timeout_s, metadata=((REQUEST_ID, request_id),))
        leaving = None
        if leaves_after_s is not None:
            leaving = asyncio.get_running_loop().call_later(leaves_after_s, call.cancel)
        try:
            if method.descriptor.server_streaming:
                async for _ in call:
                    pass
            else:
                await call
        except (aio.AioRpcError, asyncio.CancelledError):
            pass  # how it ended is asked below
        finally:
            if leaving is not None:
                leaving.cancel()
        code, keys = (await call.code()).name, {key for key, _ in await call.trailing_metadata() or ()}
        # A caller whose time is up just then has the server's metadata, of an answer, and a code of its own making.
        if REQUEST_ID in keys and (code == "OK" or DETAILS_KEY in keys):
            self.ended[request_id] = Ended(method.name, code)
        else:
            self.ended[request_id] = Ended(method.name, "", _why(code, await call.details()))

    def _begin(self, method: Method, requests: Sequence[bytes], **options: Any) -> Any:
        descriptor = method.descriptor
        if descriptor.client_streaming:
            many: Any = self._channel.stream_stream if descriptor.server_streaming else self._channel.stream_unary
            return many(method.path)(_each(requests), **options)
        one: Any = self._channel.unary_stream if descriptor.server_streaming else self._channel.unary_unary
        return one(method.path)(requests[0], **options)


async def _each(requests: Sequence[bytes]) -> AsyncIterator[bytes]:
    for request in requests:
        yield request


def _why(code: str, told: str | None) -> str:
    """Why a call ended without the server's word."""
    if code == "INTERNAL" and told == "Internal error from Core":  # gRPC's client, of a write after the end
        return "wrote"
    return {"CANCELLED": "left", "DEADLINE_EXCEEDED": "late"}.get(code, "?")
