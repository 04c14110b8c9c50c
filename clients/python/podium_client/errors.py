"""Every error of the client, divided by who is to blame.

PodiumError
├── RequestError               yours: sending the same again gives the same
│   ├── InvalidArgumentError     a value that may not be: `.field` names it (also a ValueError)
│   ├── ModelNotFoundError       no such model, version or alias (also a LookupError)
│   ├── WrongTaskError           the model is there, and is for something else
│   ├── UnauthenticatedError     the server asks who you are: no token, or none that is good there
│   ├── PermissionDeniedError    it knows, and you may not do this (also a PermissionError)
│   ├── TooLargeError            a message above the server's limit
│   └── UnsupportedError         this server or this model never does that
├── ServerError                the server's: tell its operator, `.request_id` finds it in the log
│   ├── LoadFailedError          no version of a model can be loaded
│   └── InternalError            it broke on this request
└── MomentError                nobody's: the same request may succeed later
    ├── OverloadedError          a queue is full: `.retry_after_s` says when to come back
    ├── UnavailableError         loading, unloading or draining; nothing was run
    │   └── NoServerError        nobody answers at the address (also a ConnectionError)
    └── DeadlineError            no answer within the timeout (also a TimeoutError)
"""

from dataclasses import dataclass

from grpc import StatusCode


@dataclass(eq=False)
class PodiumError(Exception):
    """The root of every error that a call raises.

    Attributes:
        message: what is wrong, for people.
        reason: a stable name for programs, such as "QUEUE_FULL"; empty when the server sent none.
        code: gRPC's canonical code; None for what was refused before anything was sent.
        request_id: what finds this call in the server's log; empty for what was never sent.
    """

    message: str
    reason: str = ""
    code: StatusCode | None = None
    request_id: str = ""

    def __str__(self) -> str:
        return self.message


class RequestError(PodiumError):
    """The request is wrong, whenever it is sent."""


@dataclass(eq=False)
class InvalidArgumentError(RequestError, ValueError):
    """An argument has a value that it may not have.

    Attributes:
        field: which, as in `images[2].tensor.shape`; empty when not known.
    """

    field: str = ""


class ModelNotFoundError(RequestError, LookupError):
    """The server has no such model, version or alias."""


class WrongTaskError(RequestError):
    """The model is there, and its task is another one than the call's."""


class UnauthenticatedError(RequestError):
    """The server asks who calls, and there was no token, or none that is good there."""


class PermissionDeniedError(RequestError, PermissionError):
    """Who calls may not do this; or nobody may, on this server."""


class TooLargeError(RequestError):
    """The request or its answer is larger than the server or client takes."""


class UnsupportedError(RequestError):
    """A feature that this server or this model does not have."""


class ServerError(PodiumError):
    """The server cannot do what it should."""

    def __str__(self) -> str:
        named = not self.request_id or self.request_id in self.message
        return self.message if named else f"{self.message} (request {self.request_id})"


class LoadFailedError(ServerError):
    """No version of a model could be loaded; the message says why."""


class InternalError(ServerError):
    """The server broke on this request."""


class MomentError(PodiumError):
    """The same request may succeed later."""


@dataclass(eq=False)
class OverloadedError(MomentError):
    """A queue is full; nothing was run.

    Attributes:
        retry_after_s: seconds until the server expects room; None when it did not say.
    """

    retry_after_s: float | None = None


class UnavailableError(MomentError):
    """The model or the server is loading, unloading or shutting down; nothing was run."""


class NoServerError(UnavailableError, ConnectionError):
    """Nobody answers at the address, or the connection was lost."""


class DeadlineError(MomentError, TimeoutError):
    """There was no answer within the timeout."""
