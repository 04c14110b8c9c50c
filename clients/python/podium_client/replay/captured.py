"""A captured call from its file, and as it is asked again."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError, Message
from podium.v1 import captured_call_pb2 as pb

from podium_client.errors import InvalidArgumentError
from podium_client.replay.messages import MODEL_INFER, message_classes


@dataclass(frozen=True, slots=True)
class Captured:
    """A call that a server kept.

    Attributes:
        kept: what its file holds.
        request: the request as it came.
        response: the answer as it went; None where the call failed.
        response_class: of the method's answers.
    """

    kept: pb.CapturedCall
    request: Message
    response: Message | None
    response_class: type[Message]

    def asked_again(self, model: str | None = None) -> Message:
        """Make the request that should give the same answer: with the seed that was used, of the same version.

        Args:
            model: another one to ask: name, name/version or name@alias; of ModelInfer, name or name/version.
        """
        again = type(self.request)()
        again.CopyFrom(self.request)
        request: Any = again  # of a class that is known by its method's name alone
        asked = model or f"{self.kept.model}/{self.kept.version}"
        if self.kept.method == MODEL_INFER:
            request.model_name, _, request.model_version = asked.partition("/")
            return again
        request.model = asked
        if self.kept.HasField("seed") and "seed" in request.DESCRIPTOR.fields_by_name:
            request.seed = self.kept.seed
        return again


def read_captured(file: Path) -> Captured:
    """Read a call from its file.

    Raises:
        InvalidArgumentError: it holds no call that this client can ask again.
    """
    try:
        kept = pb.CapturedCall.FromString(file.read_bytes())
        request_class, response_class = message_classes(kept.method)
        request = request_class.FromString(kept.request)
        response = response_class.FromString(kept.response) if kept.code == "OK" else None
    except DecodeError as error:
        message = f"{file}: is no captured call ({error}); give a file that `podium serve --capture-dir` wrote"
        raise InvalidArgumentError(message) from error
    return Captured(kept, request, response, response_class)
