"""The access log: a line a call where an operator wants one."""

import logging
from typing import Any

import pytest
from grpc import aio

from tests.server.observing.conftest import INFER, Serve

LOGGER = "podium_server.access"


def lines(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Its lines."""
    return [record for record in caplog.records if record.name == LOGGER]


def fields(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of a line."""
    found: dict[str, Any] = vars(record)["fields"]
    return found


async def test_off_unless_asked_for(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """Thousands of calls a second would fill a disk that nobody watches."""
    caplog.set_level("DEBUG")
    await (await serve()).infer(1, 2, 3)
    assert not lines(caplog)


async def test_answered_call_has_a_line_with_its_time_by_part(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """Method, code, model, version, and milliseconds that do not exceed the whole."""
    caplog.set_level("INFO")
    await (await serve(access_log=True)).infer(1, 2, 3)
    (line,) = lines(caplog)
    found = fields(line)
    named = {key: found[key] for key in ("method", "code", "model", "version")}
    assert named == {"method": INFER, "code": "OK", "model": "double", "version": 1}
    parts = [found[f"{part}_ms"] for part in ("preprocess", "queue", "run", "encode")]
    assert all(part >= 0 for part in parts)
    assert sum(parts) <= found["total_ms"]
    assert found["peer"].startswith("ipv4:127.0.0.1:")
    assert line.getMessage().startswith(f"{INFER} double/1 OK ")


async def test_refused_call_has_a_line_with_its_code(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """The caller's word for the model is not in it: it came to none."""
    caplog.set_level("INFO")
    served = await serve(access_log=True)
    with pytest.raises(aio.AioRpcError):
        await served.infer(1, 2, 3, model="nobody")
    (line,) = lines(caplog)
    found = fields(line)
    assert (found["code"], found["model"], found["version"]) == ("NOT_FOUND", "", None)
    assert line.getMessage().startswith(f"{INFER} - NOT_FOUND ")
