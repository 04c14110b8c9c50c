"""How errors arrive: codes, texts, details, and what the log has."""

from typing import Any

import pytest
from grpc import StatusCode
from podium_server.errors import (
    DeadlineExceeded,
    InvalidArgument,
    LoadFailed,
    ModelNotFound,
    NotReady,
    Overloaded,
    PodiumError,
    RunFailed,
    Unsupported,
    WrongTask,
)

from tests.server.rpc.wire import STREAM, Wire, answer, details, failure

ERRORS: list[tuple[PodiumError, StatusCode, str]] = [
    (InvalidArgument("`model` is wrong", "model"), StatusCode.INVALID_ARGUMENT, "INVALID_ARGUMENT"),
    (ModelNotFound("no such model"), StatusCode.NOT_FOUND, "MODEL_NOT_FOUND"),
    (WrongTask("is for text"), StatusCode.FAILED_PRECONDITION, "WRONG_TASK"),
    (Unsupported("never"), StatusCode.UNIMPLEMENTED, "UNSUPPORTED"),
    (LoadFailed("broken"), StatusCode.FAILED_PRECONDITION, "LOAD_FAILED"),
    (RunFailed("node 3"), StatusCode.INTERNAL, "RUN_FAILED"),
    (Overloaded("full", 0.25), StatusCode.RESOURCE_EXHAUSTED, "QUEUE_FULL"),
    (NotReady("loading"), StatusCode.UNAVAILABLE, "NOT_READY"),
    (DeadlineExceeded("late"), StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"),
]


@pytest.mark.parametrize(("error", "code", "reason"), ERRORS, ids=[reason for _, _, reason in ERRORS])
async def test_each_error_arrives_with_its_code_text_and_reason(
    wire: Wire, error: PodiumError, code: StatusCode, reason: str
) -> None:
    """People read the text, programs the reason, operators the count."""
    wire.fail_with(error)
    arrived = await failure(wire.call())
    assert arrived.code() is code
    assert arrived.details() == error.message
    info = details(arrived)["ErrorInfo"]
    assert (info.reason, info.domain) == (reason, "podium")
    assert wire.counted() == {("", "", code.name): 1}


async def test_wrong_field_is_named_in_the_details(wire: Wire) -> None:
    """BadRequest has the field's path and what is wrong with it."""
    wire.fail_with(InvalidArgument("`images[2]` has no data", "images[2]"))
    (violation,) = details(await failure(wire.call()))["BadRequest"].field_violations
    assert (violation.field, violation.description) == ("images[2]", "`images[2]` has no data")


async def test_full_queue_says_when_to_come_back(wire: Wire) -> None:
    """RetryInfo has the delay."""
    wire.fail_with(Overloaded("full", 0.25))
    delay = details(await failure(wire.call()))["RetryInfo"].retry_delay
    assert delay.ToMilliseconds() == 250


LONG = [
    "x" * 100_000,
    "日" * 20_000,
    "%" * 20_000,
    "\n\t\x00\x7f" * 5_000,
    "😀" * 20_000,
    "e\u0301" * 20_000,
    "short: 日本 ü % \n 😀",
    "",
]


@pytest.mark.parametrize("message", LONG, ids=range(len(LONG)))
async def test_any_text_arrives(wire: Wire, message: str) -> None:
    """Long ones are cut to what headers carry, with an ellipsis; other scripts and signs are kept."""
    wire.fail_with(InvalidArgument(message, "field" if len(message) < 1000 else message))
    arrived = await failure(wire.call())
    assert arrived.code() is StatusCode.INVALID_ARGUMENT
    text = arrived.details() or ""
    assert text == message or (text.endswith("…") and message.startswith(text[:-1]) and len(text) > 100)
    assert details(arrived)["ErrorInfo"].reason == "INVALID_ARGUMENT"


async def test_text_that_utf8_cannot_say_arrives_too(wire: Wire) -> None:
    """A lone surrogate, as Python makes of a file name that is no UTF-8, is replaced."""
    wire.fail_with(ModelNotFound("no file \udcff here"))
    arrived = await failure(wire.call())
    assert arrived.code() is StatusCode.NOT_FOUND
    assert arrived.details() == "no file ? here"


async def test_unexpected_error_tells_nothing_but_a_request_id(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """The caller gets an id, the log has the cause under it."""
    wire.fail_with(KeyError("/secret/path"))
    arrived = await failure(wire.call())
    assert arrived.code() is StatusCode.INTERNAL
    assert "secret" not in str(arrived)
    request_id = details(arrived)["RequestInfo"].request_id
    assert request_id in str(arrived.details())
    assert f"request {request_id} failed" in caplog.text
    assert "KeyError: '/secret/path'" in caplog.text
    assert wire.counted() == {("", "", "INTERNAL"): 1}


async def test_callers_own_request_id_is_used(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """One id through all of a caller's systems."""
    wire.fail_with(KeyError("x"))
    arrived = await failure(wire.call(metadata=(("x-request-id", "abc-123"),)))
    assert details(arrived)["RequestInfo"].request_id == "abc-123"
    assert "request abc-123 failed" in caplog.text


@pytest.mark.parametrize(
    ("error", "logged"), [(RunFailed("node 3"), "request abc-123 failed: node 3"), (ModelNotFound("no such"), None)]
)
async def test_what_the_server_is_to_blame_for_is_in_its_log(
    wire: Wire, caplog: pytest.LogCaptureFixture, error: PodiumError, logged: str | None
) -> None:
    """Callers tell its operator their request's id; what they did wrong themselves fills no log."""
    wire.fail_with(error)
    await failure(wire.call(metadata=(("x-request-id", "abc-123"),)))
    assert caplog.messages == ([logged] if logged else [])


async def test_overlong_request_id_does_not_drown_the_error(wire: Wire) -> None:
    """Whatever a caller sends as an id, the answer fits a header."""
    wire.fail_with(KeyError("x"))
    arrived = await failure(wire.call(metadata=(("x-request-id", "i" * 6_000),)))
    assert arrived.code() is StatusCode.INTERNAL
    assert details(arrived)["RequestInfo"].request_id.startswith("i" * 100)


@pytest.mark.parametrize("error", [SystemExit(1), BaseExceptionGroup("several", [KeyboardInterrupt()])])
async def test_errors_past_exception_are_unexpected_too(wire: Wire, error: BaseException) -> None:
    """A library's exit() ends one call, not the server."""
    wire.fail_with(error)
    assert (await failure(wire.call())).code() is StatusCode.INTERNAL
    wire.scripted.behave = answer
    assert (await wire.call()).name == "m"


async def test_junk_is_the_callers_error(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """Bytes that are no message of the method are refused as such and counted, alone or in a stream; no trace."""
    call: Any = wire.channel.unary_unary("/podium.v1.ModelService/GetModel")
    alone = await failure(call(b"\xff\xff\xff"))
    streamed: Any = wire.channel.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer")()
    await streamed.write(b"\xff\xff\xff")
    for arrived in (alone, await failure(streamed.read())):
        assert arrived.code() is StatusCode.INVALID_ARGUMENT
        assert "the request cannot be read" in str(arrived.details())
        assert details(arrived)["ErrorInfo"].reason == "INVALID_ARGUMENT"
    assert wire.counted() == wire.counted(STREAM) == {("", "", "INVALID_ARGUMENT"): 1}
    assert (await wire.call()).name == "m"
    assert "Traceback" not in caplog.text
