"""Models y = factor · x, published as an export does it, and what a catalogue says of them."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
from podium_server.catalogue import Catalogue
from podium_server.version_entry import VersionState

from tests.server.fakes import PATIENCE_S
from tests.server.packages import GOLDEN_X, scaled, write_package


def publish(repository: Path, name: str, version: int | str, factor: float = 2) -> Path:
    """Publish y = factor · x, whose golden example expects just that."""
    golden = {"0/model/inputs/x": GOLDEN_X, "0/model/outputs/y": np.float32(factor) * GOLDEN_X}
    return write_package(repository / name / str(version), scaled(factor), golden=golden)


def publish_broken(repository: Path, name: str, version: int) -> Path:
    """Publish a version whose golden example disagrees."""
    golden = {"0/model/inputs/x": GOLDEN_X, "0/model/outputs/y": GOLDEN_X}
    return write_package(repository / name / str(version), golden=golden)


async def factor(catalogue: Catalogue, ref: str) -> float:
    """Ask a model what it multiplies with."""
    run = await catalogue.resolve_ref(ref).batchers["model"].run((np.ones((1, 3), np.float32),))
    return float(run.outputs[0][0, 0])


def states(catalogue: Catalogue, name: str) -> dict[int, VersionState]:
    return {version: entry.state for version, entry in catalogue.models()[name].items()}


def heard(catalogue: Catalogue, name: str, version: int, state: VersionState) -> asyncio.Event:
    """An event that is set when a version comes into a state."""
    event = asyncio.Event()

    def watch(changed: str) -> None:
        entry = catalogue.models().get(name, {}).get(version)
        if changed == name and entry is not None and entry.state is state:
            event.set()

    catalogue.watchers.append(watch)
    return event


async def until(catalogue: Catalogue, true: Callable[[], bool]) -> None:
    """Wait until something is true of a catalogue, which is asked after each of its changes."""
    changed = asyncio.Event()

    def watch(_: str) -> None:
        changed.set()

    catalogue.watchers.append(watch)
    async with asyncio.timeout(PATIENCE_S):
        while not true():
            await changed.wait()
            changed.clear()
    catalogue.watchers.remove(watch)
