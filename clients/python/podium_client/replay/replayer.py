"""Asks servers captured calls again."""

from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message

from podium_client.connection import Connection
from podium_client.errors import InternalError
from podium_client.replay.captured import Captured
from podium_client.replay.comparison import Comparison, compare


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of asking again.

    Attributes:
        comparison: of both answers; None when either call failed.
        answered_by: the model, version and execution provider of the new answer, as far as it names them.
        failure: how the new call failed; empty when it was answered.
        failed_then: whether the captured call had failed.
    """

    comparison: Comparison | None
    answered_by: str = ""
    failure: str = ""
    failed_then: bool = False

    def same(self, tolerance: float = 0.0) -> bool:
        """Whether the new answer is the old one, numbers within a tolerance; or both failed."""
        if self.comparison is None:
            return self.failed_then and bool(self.failure)
        return self.comparison.within(tolerance)


class Replayer(Connection):
    """A connection for calls of any method with one request and one answer; see `Connection` for its arguments."""

    async def replay(self, captured: Captured, model: str | None = None) -> Replayed:
        """Ask the same again, and compare.

        Args:
            captured: the call.
            model: whom to ask; None: the version that answered then.

        Raises:
            PodiumError: the server cannot be reached, or refuses the call.
        """
        service, _, method = captured.kept.method.rpartition(".")
        rpc: Any = self._channel.unary_unary(
            f"/{service}/{method}",
            request_serializer=type(captured.request).SerializeToString,
            response_deserializer=captured.response_class.FromString,
        )
        try:
            answer: Message = await self._caller.call(rpc, captured.asked_again(model), self._limit_s(None))
        except InternalError as error:
            return Replayed(None, failure=str(error), failed_then=captured.response is None)
        if captured.response is None:
            return Replayed(None, _answered_by(answer), failed_then=True)
        return Replayed(compare(captured.response, answer), _answered_by(answer))


def _answered_by(answer: Message) -> str:
    metadata: Any = getattr(answer, "metadata", None)
    return f"{metadata.model}/{metadata.version} on {metadata.execution_provider}" if metadata is not None else ""
