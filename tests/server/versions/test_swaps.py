"""New versions of every model under constant load of every task: nobody's call fails."""

import asyncio
import shutil
from pathlib import Path

import pytest
from podium_server.version_entry import VersionState

from tests.server.publishing import states, until
from tests.server.versions.conftest import Serve
from tests.server.versions.load import MODELS, Load, callers, write_all


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
    assert set(load.versions) == {
        "classify", "caption", "sample", "generate", "translate", "infer", "stream text", "stream"
    }  # fmt: skip
