"""The load generator against a real gRPC server that keeps its own count."""

import asyncio
from typing import Any

import grpc
import pytest
from podium_client.errors import NoServerError
from podium_client.load.closed_loop import Load, drive

from tests.client.load.counting_server import CountingServer, counting


def a_load(port: int, **fields: Any) -> Load:
    defaults: dict[str, Any] = {"request": b"question", "callers": 8, "warmup_s": 0.05, "seconds": 0.2}
    return Load("127.0.0.1", port, "/any.Service/Method", **{**defaults, **fields})


async def answer(seen: CountingServer, context: Any) -> bytes:
    return b"answer"


@pytest.mark.parametrize(("callers", "connections"), [(1, 1), (8, 1), (8, 3)])
async def test_every_call_the_server_saw_is_accounted_for(callers: int, connections: int) -> None:
    """Counting from the first call, what the callers got is what the server gave, but for those after the window."""
    async with counting(answer) as (seen, _):
        at_window_end: list[int] = []

        def note(opened: bool) -> None:
            if not opened:
                at_window_end.append(seen.num_calls)

        load = a_load(seen.port, callers=callers, connections=connections, warmup_s=0)
        measured = await drive(load, on_window=note)
    assert measured.errors == {}
    assert measured.unanswered == 0
    # Those that the server had seen and the callers not yet heard of are at most one a caller.
    assert at_window_end[0] - callers <= len(measured.latencies_s) <= seen.num_calls
    assert seen.num_calls <= at_window_end[0] + callers
    assert measured.requests_per_s == len(measured.latencies_s) / measured.seconds


async def test_callers_have_one_call_under_way_each() -> None:
    """The loop is closed: exactly as many calls are under way as there are callers."""
    everybody = asyncio.Event()

    async def answer_when_all_are_here(seen: CountingServer, context: Any) -> bytes:
        if seen.inside == 8:
            everybody.set()
        await everybody.wait()
        return b""

    async with counting(answer_when_all_are_here) as (seen, _):
        measured = await drive(a_load(seen.port, connections=2))
    assert seen.most_inside == 8
    assert measured.latencies_s


@pytest.mark.parametrize("num_bytes", [0, 16_384, 65_535, 1_000_000])
async def test_requests_of_any_size_arrive_whole(num_bytes: int) -> None:
    """Requests larger than frames and flow-control windows are cut and put together again."""
    request = bytes(i % 251 for i in range(num_bytes))
    async with counting(answer) as (seen, _):
        measured = await drive(a_load(seen.port, request=request, connections=2))
    assert seen.last_request == request
    assert measured.latencies_s
    assert measured.errors == {}


async def test_answers_of_a_megabyte_do_not_stall() -> None:
    """The callers grant the server as much as it sends."""

    async def answer_much(seen: CountingServer, context: Any) -> bytes:
        return bytes(1_000_000)

    async with counting(answer_much) as (seen, _):
        measured = await drive(a_load(seen.port))
    assert measured.latencies_s
    assert measured.unanswered == 0


async def test_refusals_are_counted_by_code_and_are_not_latencies() -> None:
    """Two calls of three are refused, each with its own code."""

    async def refuse_some(seen: CountingServer, context: Any) -> bytes:
        turn = seen.num_calls % 3
        if turn:
            code = grpc.StatusCode.RESOURCE_EXHAUSTED if turn == 1 else grpc.StatusCode.INTERNAL
            await context.abort(code, "no: " + "x" * 300)
        return b""

    async with counting(refuse_some) as (seen, _):
        measured = await drive(a_load(seen.port, callers=1))
    assert set(measured.errors) == {"RESOURCE_EXHAUSTED", "INTERNAL"}
    for count in measured.errors.values():
        assert abs(count - len(measured.latencies_s)) <= 1


async def test_calls_that_are_never_answered_are_reported() -> None:
    """A server that holds every call is given up on after the patience, and each call is counted."""

    async def hold(seen: CountingServer, context: Any) -> bytes:
        await asyncio.Event().wait()
        return b""

    async with counting(hold) as (seen, _):
        measured = await drive(a_load(seen.port, patience_s=0.05))
    assert measured.latencies_s == []
    assert measured.unanswered == 8
    assert measured.p50_ms == 0


async def test_samples_hold_the_trailing_metadata_and_the_message() -> None:
    """Kept replies can be read: what the server says of its own time is in there."""

    async def answer_with_timing(seen: CountingServer, context: Any) -> bytes:
        context.set_trailing_metadata((("server-timing", "total;dur=1.5"), ("x-note", "y" * 200)))
        return b"answer"

    async with counting(answer_with_timing) as (seen, _):
        measured = await drive(a_load(seen.port))
    assert 1 <= len(measured.samples) <= 200
    for sample in measured.samples:
        assert sample.trailers["server-timing"] == "total;dur=1.5"
        assert sample.trailers["x-note"] == "y" * 200
        assert sample.message == b"answer"


async def test_a_server_that_goes_away_ends_the_load() -> None:
    """A connection that breaks under load is said at once, not measured."""
    busy = asyncio.Event()

    async def answer_and_tell(seen: CountingServer, context: Any) -> bytes:
        if seen.num_calls >= 20:
            busy.set()
        return b""

    async with counting(answer_and_tell) as (seen, server):

        async def stop() -> None:
            await busy.wait()
            await server.stop(None)

        stopping = asyncio.create_task(stop())
        with pytest.raises(NoServerError, match="under load"):
            await drive(a_load(seen.port, seconds=60))
        await stopping


async def test_nobody_there_is_said_at_once() -> None:
    """Where nobody listens, the address is named."""
    async with counting(answer) as (seen, _):
        port = seen.port
    with pytest.raises(NoServerError, match=f"127.0.0.1:{port}"):
        await drive(a_load(port))


async def test_ticks_tell_of_progress() -> None:
    """A progress bar hears of the time that has passed, in order."""
    ticks: list[float] = []
    async with counting(answer) as (seen, _):
        await drive(a_load(seen.port, seconds=0.6), on_tick=ticks.append)
    assert len(ticks) >= 3
    assert ticks == sorted(ticks)
