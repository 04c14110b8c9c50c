"""From an error to what goes on the wire: a canonical code, a text for people, `google.rpc` details for programs."""

from urllib.parse import quote

from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode

from podium_server.errors import InvalidArgument, Overloaded, PodiumError, Unexpected

DOMAIN = "podium"
DETAILS_KEY = "grpc-status-details-bin"
# gRPC clients refuse headers beyond 8 KiB by default, and the text travels up to three times: as such, where each byte
# beyond plain ASCII takes three, and twice in the details.
MAX_TEXT_BYTES = 1_500
MAX_NAME_BYTES = 300
_PLAIN = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")  # what gRPC sends as it is


def details(error: PodiumError) -> status_pb2.Status:
    """The error as a `google.rpc.Status`: ErrorInfo always; BadRequest, RetryInfo, RequestInfo where they apply."""
    parts: list[Message] = [error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN)]
    if isinstance(error, InvalidArgument) and error.field_path:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=_cut(error.field_path, MAX_NAME_BYTES), description=text(error)
        )
        parts.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if isinstance(error, Overloaded):
        delay = duration_pb2.Duration()
        delay.FromMicroseconds(int(error.retry_after_s * 1e6))
        parts.append(error_details_pb2.RetryInfo(retry_delay=delay))
    if isinstance(error, Unexpected):
        parts.append(error_details_pb2.RequestInfo(request_id=_cut(error.request_id, MAX_NAME_BYTES)))
    packed: list[any_pb2.Any] = []
    for part in parts:
        anything = any_pb2.Any()
        anything.Pack(part)
        packed.append(anything)
    return status_pb2.Status(code=code_number(error.code), message=text(error), details=packed)


def text(error: PodiumError) -> str:
    """The error's message, cut to what a header carries."""
    return _cut(str(error), MAX_TEXT_BYTES)


def _cut(message: str, room: int) -> str:
    """Cut a text to so many bytes of a header; what UTF-8 cannot say becomes a question mark."""
    message = message.encode(errors="replace").decode()
    if len(message) <= room and len(quote(message, _PLAIN)) <= room:
        return message
    room -= len(quote("…"))
    kept = 0
    for char in message:
        room -= len(quote(char, _PLAIN))
        if room < 0:
            break
        kept += 1
    return message[:kept] + "…"


def code_number(code: StatusCode) -> int:
    """The number of a status code on the wire."""
    number: int = code.value[0]
    return number
