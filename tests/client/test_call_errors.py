"""Every way a call fails becomes the class of error that says who is to blame."""

import math
import pickle
from typing import Any

import numpy as np
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc import StatusCode
from podium_client import (
    AsyncClient,
    DeadlineError,
    InternalError,
    InvalidArgumentError,
    LoadFailedError,
    ModelNotFoundError,
    MomentError,
    NoServerError,
    OverloadedError,
    PermissionDeniedError,
    PodiumError,
    RequestError,
    RetryPolicy,
    ServerError,
    TooLargeError,
    UnauthenticatedError,
    UnavailableError,
    UnsupportedError,
    WrongTaskError,
)

from tests.client.fake_server import Refusal, reason, retry_in, serving

ONCE = RetryPolicy(max_attempts=1)


async def failure(*details: Message, code: StatusCode, message: str = "no") -> PodiumError:
    """Call a server that refuses, and give what was raised."""
    async with serving(Refusal(code, message, details)) as server, AsyncClient(server.address, retries=ONCE) as client:
        with pytest.raises(PodiumError) as caught:
            await client.classify("digits", b"x")
    return caught.value


@pytest.mark.parametrize(
    ("code", "name", "kind", "blame"),
    [
        (StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT", InvalidArgumentError, RequestError),
        (StatusCode.NOT_FOUND, "MODEL_NOT_FOUND", ModelNotFoundError, RequestError),
        (StatusCode.FAILED_PRECONDITION, "WRONG_TASK", WrongTaskError, RequestError),
        (StatusCode.UNIMPLEMENTED, "UNSUPPORTED", UnsupportedError, RequestError),
        (StatusCode.FAILED_PRECONDITION, "LOAD_FAILED", LoadFailedError, ServerError),
        (StatusCode.INTERNAL, "RUN_FAILED", InternalError, ServerError),
        (StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL", OverloadedError, MomentError),
        (StatusCode.UNAVAILABLE, "NOT_READY", UnavailableError, MomentError),
        (StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", DeadlineError, MomentError),
    ],
)
async def test_each_reason_of_a_server_has_a_class(
    code: StatusCode, name: str, kind: type[PodiumError], blame: type[PodiumError]
) -> None:
    """The class says who is to blame; reason, code and message are the server's."""
    error = await failure(reason(name), code=code, message="in the server's words")

    assert type(error) is kind
    assert isinstance(error, blame)
    assert (error.reason, error.code, error.message) == (name, code, "in the server's words")
    assert str(error).startswith("in the server's words")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (StatusCode.UNKNOWN, InternalError),
        (StatusCode.DATA_LOSS, InternalError),
        (StatusCode.UNIMPLEMENTED, UnsupportedError),
        (StatusCode.PERMISSION_DENIED, PermissionDeniedError),
        (StatusCode.UNAUTHENTICATED, UnauthenticatedError),
        (StatusCode.NOT_FOUND, ModelNotFoundError),
    ],
)
async def test_a_server_without_details_is_told_by_code(code: StatusCode, kind: type[PodiumError]) -> None:
    """A proxy, or another server, sends a code alone; that becomes the reason too."""
    error = await failure(code=code)

    assert type(error) is kind
    assert error.reason == code.name


async def test_an_invalid_argument_names_its_field() -> None:
    """The path comes from google.rpc.BadRequest, and the error is a ValueError too."""
    violation = error_details_pb2.BadRequest.FieldViolation(field="images[2].tensor.shape", description="no")
    bad = error_details_pb2.BadRequest(field_violations=[violation])

    error = await failure(reason("INVALID_ARGUMENT"), bad, code=StatusCode.INVALID_ARGUMENT)

    assert isinstance(error, InvalidArgumentError)
    assert isinstance(error, ValueError)
    assert error.field == "images[2].tensor.shape"


async def test_an_overloaded_server_says_when_to_come_back() -> None:
    """The wait is RetryInfo's, to the nanosecond."""
    error = await failure(reason("QUEUE_FULL"), retry_in(1.25), code=StatusCode.RESOURCE_EXHAUSTED)

    assert isinstance(error, OverloadedError)
    assert error.retry_after_s == 1.25


async def test_a_failed_server_can_be_asked_by_request_id() -> None:
    """The id that went out with the call is in the error and its text."""
    async with serving(Refusal(StatusCode.INTERNAL, "it broke")) as server, AsyncClient(server.address) as client:
        with pytest.raises(InternalError) as caught:
            await client.classify("digits", b"x")

    assert caught.value.request_id == server.request_ids[0]
    assert caught.value.request_id in str(caught.value)


async def test_nobody_at_the_address_is_said_in_words_to_act_on() -> None:
    """The message names the address, the cause, and what to run; the error is a ConnectionError too."""
    async with serving() as server:
        pass
    async with AsyncClient(server.address) as client:
        with pytest.raises(NoServerError) as caught:
            await client.models()

    assert isinstance(caught.value, ConnectionError)
    assert str(caught.value) == (f"no server at {server.address}: Connection refused; is `podium serve` running there?")


async def test_a_name_that_nobody_has_is_said_in_words_to_act_on() -> None:
    """Of gRPC's nested causes the last one remains, without the brackets of those around it."""
    async with AsyncClient("nowhere.invalid:8001", retries=ONCE) as client:
        with pytest.raises(NoServerError, match=r"^no server at nowhere\.invalid:8001: [^\[\]]+; is `podium serve`"):
            await client.models()


async def test_a_call_that_a_stopping_server_ends_is_nobodys_fault() -> None:
    """gRPC's servers cancel what they have not looked at when they stop; the same call may succeed later."""
    error = await failure(code=StatusCode.CANCELLED)

    assert isinstance(error, NoServerError)
    assert "ended the call without an answer" in str(error)


async def test_an_answer_above_the_servers_limit_is_the_requests_fault() -> None:
    """gRPC's own RESOURCE_EXHAUSTED is no overload: sending it again is useless."""
    async with serving(max_request_bytes=1000) as server, AsyncClient(server.address) as client:
        with pytest.raises(TooLargeError, match=r"larger than max .*max-message-bytes"):
            await client.classify("digits", bytes(2000))

    assert server.num_calls == 0


async def test_a_call_without_an_answer_ends_at_its_timeout() -> None:
    """The error says how long was waited, is a TimeoutError too, and the server's work is cancelled."""
    async with serving(closed=True) as server, AsyncClient(server.address) as client:
        with pytest.raises(DeadlineError) as caught:
            await client.classify("digits", b"x", timeout=0.1)
        await server.left.wait()

    assert isinstance(caught.value, TimeoutError)
    assert str(caught.value) == f"no answer from {server.address} within 0.1 s"


@pytest.mark.parametrize(
    "address", ["localhost", "http://localhost:8001", "localhost:", ":8001", "", "localhost:99999", "[::1]:0"]
)
async def test_what_is_no_address_is_refused_before_any_call(address: str) -> None:
    """The message says what would be right."""
    with pytest.raises(InvalidArgumentError, match="HOST:PORT") as caught:
        AsyncClient(address)

    assert caught.value.field == "address"


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"images": []}, "images"),
        ({"images": b"x", "top_k": 0}, "top_k"),
        ({"images": b"x", "timeout": math.nan}, "timeout"),
        ({"images": [b"x", 7]}, "images[1]"),
        ({"images": np.zeros((2, 2), np.int64)}, "images[0]"),
    ],
)
async def test_a_wrong_argument_is_refused_before_any_call(arguments: dict[str, Any], field: str) -> None:
    """The field is named; nothing is sent."""
    async with serving() as server, AsyncClient(server.address) as client:
        with pytest.raises(InvalidArgumentError) as caught:
            await client.classify("digits", **arguments)

    assert caught.value.field == field
    assert server.num_calls == 0


def test_an_error_survives_a_process_boundary() -> None:
    """Pools of processes send errors by pickle."""
    error = pickle.loads(pickle.dumps(OverloadedError("full", "QUEUE_FULL", None, "id", 0.5)))

    assert isinstance(error, OverloadedError)
    assert (error.message, error.reason, error.retry_after_s) == ("full", "QUEUE_FULL", 0.5)


async def test_a_call_may_wait_for_ever() -> None:
    """An infinite timeout is no deadline on the wire."""
    async with serving() as server, AsyncClient(server.address, timeout=math.inf) as client:
        await client.classify("digits", b"x")

    assert server.deadlines == [None]
