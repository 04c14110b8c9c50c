"""Calls that stream both ways."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from grpc import StatusCode, aio
from podium_server.call import Call
from podium_server.errors import (
    Overloaded,
)
from podium_server.oip.messages import ModelInferRequest, ModelStreamInferResponse

from tests.server.rpc.wire import (
    PATIENCE_S,
    STREAM,
    Wire,
    details,
    failure,
)


async def test_stream_answers_in_step(wire: Wire) -> None:
    """Each message is answered before the next is sent; the stream is one call."""
    call = wire.stream()
    for number in range(5):
        await call.write(ModelInferRequest(id=str(number)))
        assert (await call.read()).error_message == str(number)
    await call.done_writing()
    assert await call.read() == aio.EOF
    assert wire.counted(STREAM) == {("", "", "OK"): 1}


async def test_error_in_mid_stream_ends_it_with_its_code(wire: Wire) -> None:
    """What was answered before arrives."""

    async def stream(requests: AsyncIterator[Any], call: Call) -> AsyncIterator[Any]:
        del requests, call
        yield ModelStreamInferResponse(error_message="first")
        raise Overloaded("full", 1.0)

    wire.scripted.stream = stream
    call = wire.stream()
    assert (await call.read()).error_message == "first"
    arrived = await failure(call.read())
    assert arrived.code() is StatusCode.RESOURCE_EXHAUSTED
    assert details(arrived)["RetryInfo"].retry_delay.seconds == 1
    assert wire.counted(STREAM) == {("", "", "RESOURCE_EXHAUSTED"): 1}


@pytest.mark.parametrize("reads", [True, False], ids=["waiting for a message", "waiting for a reader"])
async def test_caller_who_leaves_a_stream_ends_it(wire: Wire, reads: bool) -> None:
    """Whether the server waits for the caller's next message or for the caller to read; nothing is left inside."""
    begun, ended = asyncio.Event(), asyncio.Event()

    async def stream(requests: AsyncIterator[Any], call: Call) -> AsyncIterator[Any]:
        del call
        try:
            begun.set()
            if reads:
                async for request in requests:
                    yield ModelStreamInferResponse(error_message=request.id)
            while True:
                yield ModelStreamInferResponse(error_message="x" * 1_000_000)
        finally:
            ended.set()

    wire.scripted.stream = stream
    call = wire.stream()
    await call.write(ModelInferRequest(id="1"))
    await call.read()
    await asyncio.wait_for(begun.wait(), PATIENCE_S)
    call.cancel()
    await asyncio.wait_for(ended.wait(), PATIENCE_S)
    await wire.server.stop(PATIENCE_S)
    assert wire.counted(STREAM) == {("", "", "CANCELLED"): 1}


async def test_draining_server_refuses_new_streams(wire: Wire) -> None:
    """Like any call."""
    wire.gate.open = False
    arrived = await failure(wire.stream().read())
    assert arrived.code() is StatusCode.UNAVAILABLE
