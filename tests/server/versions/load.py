"""Constant load of every RPC that runs a model: callers who call again as soon as they are answered."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from grpc import aio
from podium_server.oip.messages import ModelInferRequest, ModelStreamInferResponse

from tests.server.versions.questions import questions, tensor_request

STREAM = "ModelStreamInfer"


@dataclass(slots=True)
class Load:
    """What callers saw.

    Attributes:
        seconds: of each answered call, by the name of its kind.
        failures: of the calls that were not answered.
        versions: that answered, by the name of the kind.
        stopping: whether callers call no more.
        stopping_after: calls of each caller; None for any number.
    """

    seconds: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    failures: list[str] = field(default_factory=list[str])
    versions: dict[str, set[int]] = field(default_factory=dict[str, set[int]])
    stopping: bool = False
    stopping_after: int | None = None

    async def go_on(self, name: str, call: Callable[[], Awaitable[int]]) -> None:
        """Call until told to stop."""
        seconds = self.seconds.setdefault(name, [])
        while not self.stopping and (self.stopping_after is None or len(seconds) < self.stopping_after):
            began = time.monotonic()
            try:
                version = await call()
            except aio.AioRpcError as error:
                self.failures.append(f"{name}: {error.code().name}: {error.details()}")
                if self.stopping_after is not None:
                    return
                await asyncio.sleep(0)
                continue
            seconds.append(time.monotonic() - began)
            self.versions.setdefault(name, set()).add(version)

    async def go_on_streaming(self, channel: aio.Channel) -> None:
        """Ask again and again on one stream, which must not end."""
        open_stream: Any = channel.stream_stream(
            f"/inference.GRPCInferenceService/{STREAM}",
            request_serializer=ModelInferRequest.SerializeToString,
            response_deserializer=ModelStreamInferResponse.FromString,
        )
        stream = open_stream()

        async def ask() -> int:
            await stream.write(tensor_request())
            answer = await stream.read()
            if answer.error_message:
                self.failures.append(f"{STREAM}: {answer.error_message}")
            return int(answer.infer_response.model_version or 0)

        await self.go_on(STREAM, ask)
        await stream.done_writing()


def callers(channel: aio.Channel, load: Load) -> Sequence[Awaitable[None]]:
    """One caller of each kind of call."""
    asking = [load.go_on(name, partial(question.ask, channel)) for name, question in questions().items()]
    return [*asking, load.go_on_streaming(channel)]
