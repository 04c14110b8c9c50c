"""New versions of every model under constant load of every RPC that runs one: nobody's call fails."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from podium.v1 import classification_service_pb2 as wire
from podium.v1 import classification_service_pb2_grpc as stubs
from podium_server.version_entry import VersionState

from tests.server.publishing import states, until
from tests.server.versions.conftest import Serve
from tests.server.versions.every_task import MODELS, write_all
from tests.server.versions.load import Load, callers
from tests.server.versions.questions import METHODS
from tests.server.video.asking import tensor
from tests.server.video.models import write_sums


@pytest.mark.parametrize("num_swaps", [3, pytest.param(20, marks=pytest.mark.slow)])
@pytest.mark.timeout(1200)
async def test_swaps_under_load_fail_no_call(repository: Path, serve: Serve, num_swaps: int) -> None:
    """Of each model only the newest version is served, so each swap unloads the one that was busy until then."""
    write_all(repository)
    running, load = await serve(versions="latest", max_batch_rows=16), Load()
    calling = [asyncio.ensure_future(caller) for caller in callers(running.channel, load)]
    for version in range(2, num_swaps + 2):
        for name in MODELS:
            hidden = repository / f".{name}"
            shutil.copytree(repository / name / "1", hidden)
            hidden.rename(repository / name / str(version))
            newest = {version: VersionState.READY}
            await until(running.catalogue, lambda name=name, newest=newest: states(running.catalogue, name) == newest)  # type: ignore[misc]
    load.stopping = True
    await asyncio.gather(*calling)
    assert load.failures == []
    assert all(len(versions) > 1 for versions in load.versions.values()), "every kind of call saw swaps"
    assert {name.split()[0] for name in load.versions} == set(METHODS)


async def test_a_stream_of_frames_stays_with_the_version_it_began_on(repository: Path, serve: Serve) -> None:
    """Version 1 gives the sum of the frames so far, version 2 ten times as much; the old one goes after the stream."""
    write_sums(repository / "sums" / "1", 1)
    running = await serve(versions="latest")
    stub = stubs.ClassificationServiceStub(running.channel)

    async def ask(call: Any, number: float) -> list[float]:
        await call.write(wire.ClassifyFramesRequest(frame=tensor(np.full(3, number))))
        return list((await call.read()).result.logits)

    async def begin() -> Any:
        call = stub.ClassifyFrames()
        options = wire.ClassifyFramesOptions(model="sums", return_logits=True)
        await call.write(wire.ClassifyFramesRequest(options=options))
        return call

    old = await begin()
    assert await ask(old, 1) == [1, 1, 1]
    write_sums(repository / ".sums", 10)
    (repository / ".sums").rename(repository / "sums" / "2")
    swapped = {1: VersionState.UNLOADING, 2: VersionState.READY}
    await until(running.catalogue, lambda: states(running.catalogue, "sums") == swapped)
    new = await begin()
    assert await ask(new, 1) == [10, 10, 10]
    assert await ask(old, 2) == [3, 3, 3]
    await old.done_writing()
    await until(running.catalogue, lambda: states(running.catalogue, "sums") == {2: VersionState.READY})
    assert await ask(new, 2) == [30, 30, 30]
    await new.done_writing()
