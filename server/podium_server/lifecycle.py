"""Brings versions up and takes them down; state, log and metrics go along."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from podium.v1 import model_manifest_pb2 as manifest_pb

from podium_server.metrics import Metrics
from podium_server.package import PackageError
from podium_server.servable import Servable
from podium_server.version_entry import ASLEEP, UNLOADED, VersionEntry, VersionState
from podium_server.versions.folders import files_of, size_of
from podium_server.versions.memory_budget import MemoryBudget

log = logging.getLogger("podium_server.catalogue")

# Reads, replays and warms one version folder; raises PackageError with the reason when it must not be served.
Load = Callable[[str, int, Path], Awaitable[Servable]]


@dataclass(frozen=True, slots=True)
class Residence:
    """How versions stay in memory.

    Attributes:
        memory_bytes: the room that loaded versions have together; they are then loaded when they are called. None:
            everything is loaded at the start.
        drain_s: seconds that accepted calls get when a version is unloaded.
    """

    memory_bytes: int | None = None
    drain_s: float = 30.0


class Lifecycle:
    """Loads and unloads single versions; used in one event loop.

    Args:
        load: loads one version.
        metrics: shows what is loaded.
        residence: how versions stay in memory.
        changed: told a model's name after a version of it came into another state.
    """

    def __init__(self, load: Load, metrics: Metrics, residence: Residence, changed: Callable[[str], None]) -> None:
        self._load = load
        self._metrics = metrics
        self._drain_s = residence.drain_s
        self._changed = changed
        self._budget = MemoryBudget(residence.memory_bytes, self._evict)
        self._closings: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def on_demand(self) -> bool:
        """Whether versions are loaded when they are called."""
        return self._budget.bounded

    async def bring_up(self, name: str, entry: VersionEntry, folder: Path) -> None:
        """Load a version; it is ready then, or unavailable with the reason."""
        entry.state, entry.reason = VersionState.LOADING, ""
        self._changed(name)
        try:
            entry.files = await asyncio.to_thread(files_of, folder)
            await self._budget.take(entry, size_of(entry.files))
            began = time.monotonic()
            servable = await self._load_unchanged(name, entry, folder)
        except BaseException as error:
            self._budget.give_back(entry)
            if not isinstance(error, Exception):
                raise
            self._refuse(name, entry, error)
        else:
            entry.state, entry.servable, entry.load_s = VersionState.READY, servable, time.monotonic() - began
            self._budget.loaded(entry)
            self._show(entry, servable)
            log.info("model %s version %d is ready after %.3f s", name, entry.version, entry.load_s)
        self._changed(name)

    async def take_down(self, name: str, entry: VersionEntry) -> None:
        """Let a version's calls finish as long as the drain lasts, then let go of it.

        Its state must be UNLOADING already, so that nothing new comes.
        """
        servable = entry.servable
        if servable is not None:
            if not servable.occupancy.idle and not self._closed:
                await self._drain(name, servable)
            await servable.close()
            self._forget(entry, servable)
            log.info("model %s version %d is unloaded", name, entry.version)
        entry.state, entry.reason, entry.servable = VersionState.UNAVAILABLE, UNLOADED, None
        self._changed(name)

    async def close(self) -> None:
        """Wait for evictions that still go on; from now on nobody waits for calls, which have ended."""
        self._closed = True
        await asyncio.gather(*self._closings)

    async def _drain(self, name: str, servable: Servable) -> None:
        try:
            await asyncio.wait_for(servable.occupancy.empty(), self._drain_s)
        except TimeoutError:
            message = "model %s version %d: calls go on after %g s and are ended"
            log.warning(message, name, servable.version, self._drain_s)

    async def _load_unchanged(self, name: str, entry: VersionEntry, folder: Path) -> Servable:
        """Load a version whose files stay as they are meanwhile: half a copy may look whole."""
        servable = await self._load(name, entry.version, folder)
        if await asyncio.to_thread(files_of, folder) != entry.files:
            await servable.close()
            raise PackageError("its files changed while they were read; it is tried again when they are at rest")
        return servable

    def _refuse(self, name: str, entry: VersionEntry, error: Exception) -> None:
        """Show a version that cannot be served; the rest must serve, whatever is wrong with it."""
        entry.state = VersionState.UNAVAILABLE
        if isinstance(error, PackageError):
            entry.reason = str(error)
            log.error("model %s version %d is not served: %s", name, entry.version, error)
        else:
            entry.reason = f"loading it failed: {error!r}"
            log.error("model %s version %d is not served", name, entry.version, exc_info=error)

    def _evict(self, entry: VersionEntry) -> None:
        """Put a version out of memory that no call works with; the next call loads it again."""
        servable = entry.servable
        assert servable is not None
        assert servable.occupancy.idle
        entry.state, entry.reason, entry.servable = VersionState.DORMANT, ASLEEP, None
        self._forget(entry, servable)
        closing = asyncio.get_running_loop().create_task(servable.close())
        self._closings.add(closing)
        closing.add_done_callback(self._closings.discard)
        log.info("model %s version %d makes room in memory", servable.name, entry.version)
        self._changed(servable.name)

    def _forget(self, entry: VersionEntry, servable: Servable) -> None:
        self._budget.give_back(entry)
        servable.usage.metrics.unloaded(_task(servable), servable.provider, list(servable.plans))

    def _show(self, entry: VersionEntry, servable: Servable) -> None:
        """Show a version that became ready in the metrics."""
        metrics = servable.usage.metrics
        metrics.loaded(_task(servable), servable.provider, entry.load_s, lambda: servable.waiting_rows)
        generator = servable.generator
        if generator is not None:
            metrics.writes(lambda: generator.num_running, lambda: generator.num_waiting)
        for graph, plan in servable.plans.items():
            layout, rate = plan.layout, plan.rows_per_second
            metrics.planned(graph, plan.max_batch_rows, layout.num_sessions, layout.num_threads, rate)


def _task(servable: Servable) -> str:
    """The task's name in a label, such as "image_classification"."""
    return manifest_pb.Task.Name(servable.manifest.task).removeprefix("TASK_").lower()
