"""Every error that a caller can see, divided by who is to blame.

PodiumError
├── CallerError                the request is wrong: sending it again gives the same
│   ├── InvalidArgument        INVALID_ARGUMENT     names the field, what is wrong, what would be right
│   ├── ModelNotFound          NOT_FOUND
│   ├── WrongTask              FAILED_PRECONDITION  the model is there, and is for something else
│   ├── Unauthenticated        UNAUTHENTICATED      no token, or none that is good here
│   ├── PermissionDenied       PERMISSION_DENIED    who calls may not do this
│   └── Unsupported            UNIMPLEMENTED        this server or model never does that
├── ServerError                the server is wrong: sending it again may help, telling the operator will
│   ├── LoadFailed             FAILED_PRECONDITION  no version of a model can be loaded
│   ├── RepositoryUnwritable   FAILED_PRECONDITION  what was asked for cannot be kept in the repository
│   ├── RunFailed              INTERNAL             the execution provider failed on this input
│   └── Unexpected             INTERNAL             a fault of the server's own; the log has the cause
└── MomentError                nobody is wrong: nothing was run, and it may be sent again later
    ├── Overloaded             RESOURCE_EXHAUSTED   a queue is full; carries when to come back
    │   ├── ClientLimited                           this client has as much as it may
    │   ├── ModelBusy                               this model has as many calls as it may
    │   ├── QueuedTooLong                           it has waited as long as a request may wait
    │   └── RequestMemoryFull                       requests fill the memory that they may fill
    ├── NotReady               UNAVAILABLE          the model or the server is loading, unloading or draining
    └── DeadlineExceeded       DEADLINE_EXCEEDED    the deadline passed before a run began
"""

from dataclasses import dataclass
from typing import ClassVar

from grpc import StatusCode


@dataclass(eq=False)
class PodiumError(Exception):
    """The root: a canonical code, a stable reason for programs, a message for people."""

    message: str
    code: ClassVar[StatusCode] = StatusCode.UNKNOWN
    reason: ClassVar[str] = "UNKNOWN"

    def __str__(self) -> str:
        return self.message


class CallerError(PodiumError):
    """The request is wrong, whoever sends it and whenever."""


@dataclass(eq=False)
class InvalidArgument(CallerError):
    """A field of the request has a value that it may not have.

    Attributes:
        field_path: the field, as in `images[2].tensor.shape`.
    """

    field_path: str = ""
    code = StatusCode.INVALID_ARGUMENT
    reason = "INVALID_ARGUMENT"


class ModelNotFound(CallerError):
    """No such model, version or alias in the repository."""

    code = StatusCode.NOT_FOUND
    reason = "MODEL_NOT_FOUND"


class WrongTask(CallerError):
    """The model exists, and its task is another one than the call's."""

    code = StatusCode.FAILED_PRECONDITION
    reason = "WRONG_TASK"


class Unauthenticated(CallerError):
    """Nobody that this server knows: there is no token, or none that is good."""

    code = StatusCode.UNAUTHENTICATED
    reason = "UNAUTHENTICATED"


class PermissionDenied(CallerError):
    """Who calls is known and may not do this; or nobody may, here."""

    code = StatusCode.PERMISSION_DENIED
    reason = "PERMISSION_DENIED"


class Unsupported(CallerError):
    """A feature that this server or this model does not have."""

    code = StatusCode.UNIMPLEMENTED
    reason = "UNSUPPORTED"


class ServerError(PodiumError):
    """The server cannot do what it should."""


class LoadFailed(ServerError):
    """No version of a model could be loaded; the message says why."""

    code = StatusCode.FAILED_PRECONDITION
    reason = "LOAD_FAILED"


class RepositoryUnwritable(ServerError):
    """What was asked for cannot be kept in the repository; the message says why, and nothing has changed."""

    code = StatusCode.FAILED_PRECONDITION
    reason = "REPOSITORY_UNWRITABLE"


class RunFailed(ServerError):
    """The execution provider refused or failed on this input."""

    code = StatusCode.INTERNAL
    reason = "RUN_FAILED"


@dataclass(eq=False)
class Unexpected(ServerError):
    """A fault of the server's own, of which the caller learns the request's id alone.

    Attributes:
        request_id: the id under which the server's log has the cause.
    """

    request_id: str = ""
    code = StatusCode.INTERNAL
    reason = "INTERNAL"


class MomentError(PodiumError):
    """Nothing was run; the same request may succeed later."""


@dataclass(eq=False)
class Overloaded(MomentError):
    """A queue is full.

    Attributes:
        retry_after_s: seconds until the queue is expected to have room.
    """

    retry_after_s: float = 0.0
    code = StatusCode.RESOURCE_EXHAUSTED
    reason = "QUEUE_FULL"


class ClientLimited(Overloaded):
    """This client has as many calls as it may, or calls too often."""

    reason = "CLIENT_LIMIT"


class ModelBusy(Overloaded):
    """This model has as many calls as it may."""

    reason = "MODEL_LIMIT"


class QueuedTooLong(Overloaded):
    """The request has waited for a session as long as a request may."""

    reason = "QUEUE_TIME"


class RequestMemoryFull(Overloaded):
    """Requests take as much memory as they may."""

    reason = "REQUEST_MEMORY"


class NotReady(MomentError):
    """The model or the server is loading, unloading or shutting down."""

    code = StatusCode.UNAVAILABLE
    reason = "NOT_READY"


UNLOADING = "the model is being unloaded: send the request again, or ask for another version"
"""What `NotReady` says where a version answers nobody any more."""


class DeadlineExceeded(MomentError):
    """The deadline passed before a run began."""

    code = StatusCode.DEADLINE_EXCEEDED
    reason = "DEADLINE_EXCEEDED"
