"""Asks servers captured calls again."""

import time
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from podium_client.errors import (
    InternalError,
    InvalidArgumentError,
    ModelNotFoundError,
    PodiumError,
    TooLargeError,
    UnsupportedError,
    WrongTaskError,
)  # fmt: skip
from podium_client.model_calls import ModelCalls
from podium_client.replay.answerer import Answerer, who_is_described
from podium_client.replay.captured import Captured
from podium_client.replay.comparison import Comparison, compare

# What a server says of one call: the next one may be answered.
_REFUSALS = (InvalidArgumentError, ModelNotFoundError, TooLargeError, UnsupportedError, WrongTaskError)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of asking again.

    Attributes:
        comparison: of both answers; None when either call failed.
        answered_by: who gave the new answer, or failed to, as far as the server tells.
        failure: how the new call failed, or was refused; empty when it was answered.
        failed_then: whether the captured call had failed.
        refused: whether the new call was refused: whom it was asked of takes no such call.
    """

    comparison: Comparison | None
    answered_by: Answerer | None = None
    failure: str = ""
    failed_then: bool = False
    refused: bool = False

    def same(self, tolerance: float = 0.0) -> bool:
        """Whether the new answer is the old one, numbers within a tolerance; or both failed alike."""
        if self.comparison is None:
            return self.failed_then and bool(self.failure) and not self.refused
        return self.comparison.within(tolerance)


class Replayer(ModelCalls):
    """A connection for calls of any method with one request and one answer; see `Connection` for its arguments.

    Its timeout is for both: the answer, and what the server says of who gave it.
    """

    async def replay(self, captured: Captured, model: str | None = None) -> Replayed:
        """Ask the same again, and compare.

        Args:
            captured: the call.
            model: whom to ask; None: the version that answered then.

        Raises:
            PodiumError: the server cannot be reached, or lets this caller make no such call.
        """
        service, _, method = captured.kept.method.rpartition(".")
        rpc: Any = self._channel.unary_unary(
            f"/{service}/{method}",
            request_serializer=type(captured.request).SerializeToString,
            response_deserializer=captured.response_class.FromString,
        )
        limit_s, began = self._limit_s(None), time.monotonic()
        try:
            answer: Message = await self._caller.call(rpc, captured.asked_again(model), limit_s)
        except _REFUSALS as error:
            return Replayed(None, failure=str(error), failed_then=captured.response is None, refused=True)
        except InternalError as error:
            asked = await self._described(model or f"{captured.kept.model}/{captured.kept.version}", limit_s, began)
            return Replayed(None, asked, failure=str(error), failed_then=captured.response is None)
        named = _named(answer)
        answered_by = await self._described(f"{named.model}/{named.version}", limit_s, began) or named
        if captured.response is None:
            return Replayed(None, answered_by, failed_then=True)
        return Replayed(compare(captured.response, answer), answered_by)

    async def _described(self, model: str, limit_s: float, began: float) -> Answerer | None:
        """Ask what a version is, in what is left of the time; None where the server does not tell."""
        left_s = max(0.0, limit_s - (time.monotonic() - began))
        try:
            return who_is_described(await self.model(model, timeout=left_s))
        except PodiumError:  # another server of the Open Inference Protocol, or the version has just been unloaded
            return None


def _named(answer: Any) -> Answerer:
    """Who answered, as the answer itself has it; of an answer of any method."""
    if "metadata" in answer.DESCRIPTOR.fields_by_name:
        metadata = answer.metadata
        return Answerer(metadata.model, metadata.version, execution_provider=metadata.execution_provider)
    number = answer.model_version
    return Answerer(answer.model_name, int(number) if number.isdecimal() else 0)
