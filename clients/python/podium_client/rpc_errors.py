"""From a failed call to the class of error that says who is to blame."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode
from grpc.aio import AioRpcError, Metadata

from podium_client import errors

_DETAILS_KEY = "grpc-status-details-bin"

_CLASS_BY_CODE: Mapping[StatusCode, type[errors.PodiumError]] = {
    StatusCode.NOT_FOUND: errors.ModelNotFoundError,
    StatusCode.FAILED_PRECONDITION: errors.RequestError,
    StatusCode.PERMISSION_DENIED: errors.PermissionDeniedError,
    StatusCode.UNAUTHENTICATED: errors.UnauthenticatedError,
    StatusCode.OUT_OF_RANGE: errors.RequestError,
    StatusCode.UNIMPLEMENTED: errors.UnsupportedError,
    StatusCode.DEADLINE_EXCEEDED: errors.DeadlineError,
    StatusCode.UNAVAILABLE: errors.UnavailableError,
}

# Codes that stand for more than one thing are told apart by the reason.
_CLASS_BY_REASON: Mapping[str, type[errors.PodiumError]] = {
    "WRONG_TASK": errors.WrongTaskError,
    "LOAD_FAILED": errors.LoadFailedError,
    "REPOSITORY_UNWRITABLE": errors.ServerError,
}


@dataclass(frozen=True, slots=True)
class Sent:
    """The call that failed.

    Attributes:
        address: who was called.
        timeout_s: seconds that it was given, retries included; infinite: no limit.
        request_id: what finds it in the server's log.
        secure: whether it was sent over TLS.
    """

    address: str
    timeout_s: float
    request_id: str = ""
    secure: bool = False


@dataclass(frozen=True, slots=True)
class Details:
    """What google.rpc details say of an error; empty or None where they are silent."""

    reason: str = ""
    field: str = ""
    request_id: str = ""
    retry_after_s: float | None = None


def from_rpc_error(error: AioRpcError, sent: Sent) -> errors.PodiumError:
    """Name an error of a call by who is to blame."""
    code, message, details = error.code(), error.details() or error.code().name, _details(error)
    request_id = details.request_id or sent.request_id
    if not details.reason:
        made_here = _from_transport(code, message, sent)
        if made_here is not None:
            return made_here
    if code is StatusCode.UNAUTHENTICATED:
        message += " (here: `token=`; of the commands PODIUM_TOKEN, or --token)"
    known = (message, details.reason or code.name, code, request_id)
    if code is StatusCode.INVALID_ARGUMENT:
        return errors.InvalidArgumentError(*known, details.field)
    if code is StatusCode.RESOURCE_EXHAUSTED:
        return errors.OverloadedError(*known, details.retry_after_s)
    by_code = _CLASS_BY_CODE.get(code, errors.InternalError)
    return _CLASS_BY_REASON.get(details.reason, by_code)(*known)


def too_late(sent: Sent) -> errors.DeadlineError:
    """Say that a call has no answer within its time."""
    within = "" if math.isinf(sent.timeout_s) else f" within {sent.timeout_s:g} s"
    code = StatusCode.DEADLINE_EXCEEDED
    return errors.DeadlineError(f"no answer from {sent.address}{within}", code.name, code, sent.request_id)


def _from_transport(code: StatusCode, message: str, sent: Sent) -> errors.PodiumError | None:
    """Name what no podium server said: gRPC itself did, in its own words."""
    if code is StatusCode.UNAVAILABLE:
        return errors.NoServerError(_why_unavailable(message, sent), "NO_SERVER", code, sent.request_id)
    if code is StatusCode.DEADLINE_EXCEEDED:
        return too_late(sent)
    if code is StatusCode.CANCELLED:
        # Not this side: who cancels a call here sees that. A server that stops does so with calls it has not looked at.
        text = f"{sent.address} ended the call without an answer; it is probably shutting down"
        return errors.NoServerError(text, "NO_SERVER", code, sent.request_id)
    if code is StatusCode.RESOURCE_EXHAUSTED and "larger than max" in message:
        text = f"{message}; send fewer or smaller pictures a call, or raise the server's max-message-bytes"
        return errors.TooLargeError(text, "TOO_LARGE", code, sent.request_id)
    return None


def _why_unavailable(message: str, sent: Sent) -> str:
    """Say what gRPC's words mean for who sees them."""
    at = sent.address
    if "CERTIFICATE_VERIFY_FAILED" in message:
        why = message.partition("CERTIFICATE_VERIFY_FAILED: ")[2].removesuffix("]").removesuffix(": OK")
        return f"the certificate of {at} is not trusted: {why}; give its authority's, `--ca FILE` of the commands"
    if "not in peer certificate" in message or "Hostname Verification" in message:
        return f"the certificate of {at} is for another name; call the server by the name in its certificate"
    if "WRONG_VERSION_NUMBER" in message:
        return f"{at} does not speak TLS; leave out the credentials, `--tls` of the commands"
    if "failed to connect" in message and "Socket closed" in message:
        if sent.secure:
            wants = "does it want a certificate of yours, `--client-certificate` and `--client-key` of the commands?"
        else:
            wants = "does it want TLS, `credentials=`, or `--tls` and `--ca` of the commands?"
        return f"{at} closed the connection at once; {wants}"
    cause = message.rpartition(": ")[2]  # of a chain of circumstances, the last is the one to act on
    hint = "is `podium serve` running there?"
    if "[" not in cause:
        cause = cause.removesuffix("]")  # of the list of addresses that were tried
    if "http1" in message.lower() or "ALPN" in message:
        hint = "that is an HTTP port; podium's gRPC port is 8001 unless told otherwise"
    return f"no server at {at}: {cause}; {hint}"


def _details(error: AioRpcError) -> Details:
    reason, field, request_id, retry_after_s = "", "", "", None
    for detail in _status(error).details:
        name = detail.TypeName().removeprefix("google.rpc.")
        if name == "ErrorInfo":
            info = error_details_pb2.ErrorInfo.FromString(detail.value)
            reason = info.reason
            request_id = request_id or info.metadata.get("request_id", "")
        elif name == "BadRequest":
            violations = error_details_pb2.BadRequest.FromString(detail.value).field_violations
            field = violations[0].field if violations else ""
        elif name == "RetryInfo":
            delay = error_details_pb2.RetryInfo.FromString(detail.value).retry_delay
            retry_after_s = delay.seconds + delay.nanos / 1e9
        elif name == "RequestInfo":
            request_id = error_details_pb2.RequestInfo.FromString(detail.value).request_id
    return Details(reason, field, request_id, retry_after_s)


def _status(error: AioRpcError) -> status_pb2.Status:
    value = cast("Metadata", error.trailing_metadata() or Metadata()).get(_DETAILS_KEY)
    return status_pb2.Status.FromString(value) if isinstance(value, bytes) else status_pb2.Status()
