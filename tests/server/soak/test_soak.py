"""Hours of a server's life in minutes: every RPC, callers who leave, are late, are wrong, or come all at once."""

import asyncio
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from grpc import aio

from tests.security.fuzz.methods import find_methods
from tests.security.fuzz.models import write_repository
from tests.security.fuzz.process import LIMITS, Attacked, serve
from tests.security.slow_model import write_slow
from tests.server.soak.books import differences, in_flight, lines_of
from tests.server.soak.crowd import Crowd

SETTINGS = (
    *LIMITS, "--queue-rows=32", "--max-images-per-request=32", "--max-calls-per-client=42", "--access-log",
    "--log-format=json",
)  # fmt: skip
PARTS = 100  # memory is read after each, when nothing is under way
# What a part leaves in the allocator's hands for a while goes up and down by tens of MiB; what is left behind for good
# lifts the least of several readings too.
READINGS = 5
WARM = 0.3  # of the calls: until then caches and the allocator's arenas fill
# An object of 64 bytes that each call leaves behind is 6.1 MiB after 100,000 calls.
MOST_MIB_PER_100_000 = 6.0
PATIENCE_S = 60.0


async def soak(server: Attacked, num_calls: int) -> tuple[Crowd, list[int]]:
    """Call, and read the server's memory between; it is told when nothing is under way any more."""
    memory: list[int] = []
    options = [("grpc.max_receive_message_length", -1)]
    async with aio.insecure_channel(server.address, options=options) as channel:
        crowd = Crowd(channel, find_methods(server.address), seed=7)
        for _ in range(PARTS):
            await crowd.call(num_calls // PARTS)
            memory.append(server.memory_bytes())
    end = time.monotonic() + PATIENCE_S
    while left := in_flight(server.page("/metrics")):  # who left is noticed within a step
        assert time.monotonic() < end, left
        await asyncio.sleep(0.05)
    return crowd, memory


def mib_per_100_000(memory: list[int], num_calls: int) -> float:
    """The slope over calls of the least memory of every few readings, once the server is warm, by least squares."""
    floors = np.array(memory).reshape(-1, READINGS).min(axis=1)
    calls = np.arange(len(floors)) * (num_calls / len(floors))
    warm = int(WARM * len(floors))
    slope = np.polyfit(calls[warm:], floors[warm:], 1)[0]
    return float(slope) * 100_000 / 2**20


@pytest.mark.parametrize("num_calls", [2_500, pytest.param(200_000, marks=pytest.mark.slow)])
@pytest.mark.timeout(3600)
def test_every_call_is_counted_as_its_caller_saw_it(tmp_path: Path, num_calls: int) -> None:
    """The page, the access log and the callers agree call by call; nothing is under way at the end, nor left behind."""
    write_repository(tmp_path / "repository")
    write_slow(tmp_path / "repository", depth=20)
    with serve(tmp_path / "repository", tmp_path, SETTINGS) as server:
        crowd, memory = asyncio.run(soak(server, num_calls))
        page = server.page("/metrics")
        with server.log.open() as log:
            assert list(differences(page, lines_of(log), crowd.ended)) == []
    slope = mib_per_100_000(memory, num_calls)
    codes = Counter(each.told or each.reason for each in crowd.ended.values())
    print(f"\n{dict(codes.most_common())}; {slope:+.2f} MiB per 100,000 calls; MiB: {[m >> 20 for m in memory]}")
    assert len(crowd.ended) >= num_calls
    assert {each.method for each in crowd.ended.values() if each.told == "OK"} == crowd.methods
    assert {"INVALID_ARGUMENT", "NOT_FOUND", "left", "late"} <= codes.keys()
    assert {"UNAVAILABLE", "RESOURCE_EXHAUSTED"} & codes.keys(), "a full queue or a client's limit"
    if num_calls >= 100_000:  # in a few thousand calls the allocator's own steps are most of the slope
        assert slope < MOST_MIB_PER_100_000
