"""Callers who leave or are late, and a server that drains."""

import asyncio

import pytest
from grpc import StatusCode
from podium.v1 import model_service_pb2 as pb
from podium_server.call import Call
from podium_server.gate import Gate

from tests.server.rpc.wire import (
    PATIENCE_S,
    Held,
    Wire,
    answer,
    failure,
)


@pytest.mark.parametrize("timeout_s", [None, 100])
async def test_caller_who_leaves_ends_its_call(wire: Wire, timeout_s: float | None) -> None:
    """The method is cancelled at once, and the call counted as CANCELLED, whether or not it had a deadline."""
    held = wire.scripted.behave = Held()
    call = wire.call(timeout=timeout_s)
    await asyncio.wait_for(held.begun.wait(), PATIENCE_S)
    call.cancel()
    await asyncio.wait_for(held.ended.wait(), PATIENCE_S)
    assert held.cancelled
    await asyncio.wait_for(wire.gate.empty(), PATIENCE_S)
    assert wire.counted() == {("", "", "CANCELLED"): 1}


@pytest.mark.parametrize("timeout_s", [0.2, 1.001])
async def test_caller_whose_deadline_passes_is_counted_so(wire: Wire, timeout_s: float) -> None:
    """The method is cancelled when it passes by the caller's clock, before the rounded one that came by wire."""
    held = wire.scripted.behave = Held()
    arrived = await failure(wire.call(timeout=timeout_s))
    assert arrived.code() is StatusCode.DEADLINE_EXCEEDED
    await asyncio.wait_for(held.ended.wait(), PATIENCE_S)
    await asyncio.wait_for(wire.gate.empty(), PATIENCE_S)
    assert held.cancelled
    assert wire.counted() == {("", "", "DEADLINE_EXCEEDED"): 1}


async def test_call_knows_its_deadline_and_metadata(wire: Wire) -> None:
    """Without a deadline it is None; binary metadata is left out."""
    seen: list[tuple[bool, bool, str | None, bool]] = []

    async def behave(request: pb.GetModelRequest, call: Call) -> pb.GetModelResponse:
        metadata = call.metadata
        seen.append((call.deadline is None, call.late, metadata.get("x-user"), "raw-bin" in metadata))
        return await answer(request, call)

    wire.scripted.behave = behave
    await wire.call(metadata=(("x-user", "me"), ("raw-bin", b"\0")))
    await wire.call(timeout=1000)
    assert seen == [(True, False, "me", False), (False, False, None, False)]


async def test_draining_server_refuses_new_calls_and_finishes_old_ones(wire: Wire) -> None:
    """UNAVAILABLE for who comes now; the call inside is answered, and only then the gate is empty."""
    held = wire.scripted.behave = Held()
    inside = asyncio.ensure_future(wire.call())
    await asyncio.wait_for(held.begun.wait(), PATIENCE_S)
    wire.gate.open = False
    emptied = asyncio.ensure_future(wire.gate.empty())
    arrived = await failure(wire.call())
    assert arrived.code() is StatusCode.UNAVAILABLE
    assert "shutting down" in str(arrived.details())
    assert not emptied.done()
    held.go.set()
    assert (await inside).name == "m"
    await asyncio.wait_for(emptied, PATIENCE_S)
    assert wire.counted() == {("", "", "UNAVAILABLE"): 1, ("", "", "OK"): 1}


async def test_gate_without_calls_is_empty() -> None:
    """A server that nobody uses stops at once, as often as it is asked."""
    gate = Gate()
    await gate.empty()
    gate.enter()
    gate.leave()
    await gate.empty()
