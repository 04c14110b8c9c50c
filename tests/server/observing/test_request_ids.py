"""One name for a call, from the caller's metadata to every line that is written of it."""

import asyncio
import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from grpc import StatusCode, aio
from podium.v1 import model_service_pb2 as pb
from podium.v1 import model_service_pb2_grpc as stubs
from podium_server.logs import JsonFormatter, NameRequests, TextFormatter
from podium_server.observing.request_id import MAX_CHARACTERS, current_request_id, request_id_of

from tests.server.observing.conftest import Serve, break_runs

ID = "x-request-id"


def named(metadata: Any) -> list[str]:
    """The request ids in metadata."""
    return [value for key, value in metadata or () if key == ID]


class Log:
    """What a formatter writes."""

    def __init__(self, formatter: logging.Formatter) -> None:
        self.stream = io.StringIO()
        self.handler = logging.StreamHandler(self.stream)
        self.handler.addFilter(NameRequests())
        self.handler.setFormatter(formatter)

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


@pytest.fixture(params=[JsonFormatter])
def log(request: pytest.FixtureRequest) -> Iterator[Log]:
    """The server's log as it would be on standard error."""
    log, root = Log(request.param()), logging.getLogger("podium_server")
    level = root.level
    root.addHandler(log.handler)
    root.setLevel("INFO")
    yield log
    root.removeHandler(log.handler)
    root.setLevel(level)


async def test_id_that_came_in_goes_out_with_the_answer(serve: Serve) -> None:
    """In the trailing metadata of an answered call, beside where its time went."""
    served = await serve()
    call = served.infer(1, 2, 3, metadata=((ID, "order-17"),))
    await call
    trailing = await call.trailing_metadata()
    assert named(trailing) == ["order-17"]
    assert "server-timing" in {key for key, _ in trailing}


async def test_call_without_an_id_gets_one_of_its_own(serve: Serve) -> None:
    """32 hexadecimal digits, another for each call, whatever the method."""
    served = await serve()
    models = stubs.ModelServiceStub(served.channel)
    calls: list[Any] = [served.infer(1, 2, 3), served.infer(1, 2, 3), models.ListModels(pb.ListModelsRequest())]
    await asyncio.gather(*calls)
    ids = [name for call in calls for name in named(await call.trailing_metadata())]
    assert len(set(ids)) == 3
    assert all(re.fullmatch(r"[0-9a-f]{32}", name) for name in ids)


async def test_id_goes_out_with_a_refusal(serve: Serve) -> None:
    """Who reports an error can name it."""
    served = await serve()
    with pytest.raises(aio.AioRpcError) as caught:
        await served.infer(1, 2, 3, model="nobody", metadata=((ID, "order-18"),))
    assert caught.value.code() is StatusCode.NOT_FOUND
    assert named(caught.value.trailing_metadata()) == ["order-18"]


async def test_id_goes_out_with_a_stream(serve: Serve) -> None:
    """At its end, also when nothing was asked."""
    served = await serve()
    call: Any = served.channel.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer")(
        metadata=((ID, "order-19"),)
    )
    await call.done_writing()
    assert await call.read() == aio.EOF
    assert named(await call.trailing_metadata()) == ["order-19"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("  a b ", "a b"), ("x" * 5_000, "x" * MAX_CHARACTERS), ("0", "0")],
    ids=["spaces around", "too long", "short"],
)
def test_callers_id_is_kept_as_far_as_it_can_be(sent: str, kept: str) -> None:
    """Spaces around it go, and what is beyond 100 characters."""
    assert request_id_of([("other", "x"), (ID, sent)]) == kept


@pytest.mark.parametrize("metadata", [None, [], [(ID, "   ")], [(ID, b"bytes")]])
def test_what_is_no_id_is_replaced(metadata: Any) -> None:
    """Nothing, spaces and bytes name no call."""
    assert re.fullmatch(r"[0-9a-f]{32}", request_id_of(metadata))


async def test_every_line_of_a_call_has_its_id(serve: Serve, log: Log) -> None:
    """Calls at the same time keep their own; lines outside of calls have none."""
    served = await serve(access_log=True)
    names = [f"order-{number}" for number in range(20)]
    await asyncio.gather(*(served.infer(1, 2, 3, metadata=((ID, name),)) for name in names))
    of_calls = [event for event in log.events if event["logger"] == "podium_server.access"]
    assert sorted(event["request_id"] for event in of_calls) == sorted(names)
    assert all("request_id" not in event for event in log.events if event["logger"] == "podium_server.catalogue")


async def test_failed_run_is_logged_under_the_id_of_the_request_that_failed(serve: Serve, log: Log) -> None:
    """The session's thread writes of a request as the event loop does."""
    served = await serve()
    break_runs(served)
    with pytest.raises(aio.AioRpcError):
        await served.infer(1, 2, 3, metadata=((ID, "order-20"),))
    failed = [event for event in log.events if event["level"] == "error"]
    assert [(event["message"], event["request_id"]) for event in failed] == [
        ("a run failed", "order-20"),
        ("request order-20 failed: the model failed on this input; the server's log says why", "order-20"),
    ]
    assert "node 3" in failed[0]["trace"]


def record(message: str = "hello", **extra: Any) -> logging.LogRecord:
    """One record of this test's."""
    return logging.getLogger("podium_server.test").makeRecord(
        "podium_server.test", logging.INFO, __file__, 1, message, (), None, extra=extra
    )


def test_text_names_the_request_at_the_end_of_a_line() -> None:
    """And says nothing of requests outside of calls."""
    log = Log(TextFormatter())
    log.handler.handle(record())
    token = current_request_id.set("order-21")
    log.handler.handle(record())
    current_request_id.reset(token)
    assert log.lines[0].endswith("INFO podium_server.test: hello")
    assert log.lines[1].endswith("INFO podium_server.test: hello [request order-21]")


def test_json_has_fields_and_keeps_a_message_on_one_line() -> None:
    """A newline in a message begins no second event."""
    log = Log(JsonFormatter())
    log.handler.handle(record("a\nb", fields={"code": "OK", "total_ms": 1.5}))
    (event,) = log.events
    assert (event["message"], event["code"], event["total_ms"], event["level"]) == ("a\nb", "OK", 1.5, "info")
