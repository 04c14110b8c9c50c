"""Loading and unloading again and again leaves nothing behind."""

import gc
import os
import threading
from collections.abc import Iterable
from pathlib import Path

import pytest
from podium.v1 import model_service_pb2 as pb

from tests.server.versions.conftest import Running, Serve
from tests.server.versions.every_task import MODELS, write_all
from tests.server.versions.load import Load, callers


def open_files() -> int:
    """The file descriptors of this process."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def own_threads() -> int:
    """The threads of this process, apart from the event loop's pool, which grows to its size and stays."""
    return sum(not thread.name.startswith("asyncio_") for thread in threading.enumerate())


def resident_bytes() -> int:
    """The memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def cycle(running: Running, names: Iterable[str]) -> None:
    """Unload and load every model, and call each once."""
    for name in names:
        await running.models.UnloadModel(pb.UnloadModelRequest(model=name))
        await running.models.LoadModel(pb.LoadModelRequest(model=name))
    load = Load(stopping_after=1)
    for caller in callers(running.channel, load):
        await caller
    assert load.failures == []


async def test_cycles_leave_no_threads_and_no_files_open(repository: Path, serve: Serve) -> None:
    """After some later cycle there are as many as after the second; one that is left each time would add up."""
    write_all(repository)
    running = await serve(watch="off")
    threads: list[int] = []
    files: list[int] = []
    for _ in range(6):
        await cycle(running, MODELS)
        gc.collect()
        threads.append(own_threads())
        files.append(open_files())
    assert min(threads[2:]) <= threads[1], threads
    assert min(files[2:]) <= files[1], files


@pytest.mark.slow
@pytest.mark.timeout(3000)
async def test_100_cycles_leave_memory_where_it_was(repository: Path, serve: Serve) -> None:
    """Within a tenth of what it was after the tenth cycle."""
    write_all(repository)
    running = await serve()
    resident: list[int] = []
    for _ in range(100):
        await cycle(running, MODELS)
        gc.collect()
        resident.append(resident_bytes())
    print("resident MiB after each tenth cycle:", [each >> 20 for each in resident[9::10]])
    assert resident[-1] <= 1.1 * resident[9], resident[9::10]
