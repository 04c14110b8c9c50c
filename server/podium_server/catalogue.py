"""The models of a repository and the state of each version: found, loaded, answered for, unloaded."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from podium.v1 import model_manifest_pb2 as manifest_pb

from podium_server.errors import LoadFailed, ModelNotFound, NotReady
from podium_server.metrics import Metrics
from podium_server.model_ref import NAME, is_version, parse_ref
from podium_server.package import PackageError
from podium_server.servable import Servable
from podium_server.version_entry import STATES, VersionEntry, VersionState

log = logging.getLogger(__name__)


# Reads, replays and warms one version folder; raises PackageError with the reason when it must not be served.
Load = Callable[[str, int, Path], Awaitable[Servable]]
# Told after each change of a model's versions.
Watcher = Callable[[str], None]


class Catalogue:
    """What is served; used in one event loop.

    Args:
        repository: the folder that holds a folder a model, with a folder a version.
        latest: how many of each model's newest versions are served; None for all. One that is broken takes nobody's
            place: the next older one is served instead.
        load: loads one version.
        metrics: shows the states.
    """

    def __init__(self, repository: Path, latest: int | None, load: Load, metrics: Metrics) -> None:
        self._repository = repository
        self._latest = latest
        self._load = load
        self._metrics = metrics
        self._models: dict[str, dict[int, VersionEntry]] = {}
        self._defaults: dict[str, Servable] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._jobs: set[asyncio.Task[None]] = set()
        self._ready = False
        self.watchers: list[Watcher] = []

    @property
    def ready(self) -> bool:
        """Whether start-up is over and the server does not drain."""
        return self._ready

    def models(self) -> Mapping[str, Mapping[int, VersionEntry]]:
        """Every model by name, its versions ascending."""
        return {name: dict(sorted(versions.items())) for name, versions in sorted(self._models.items())}

    def default(self, name: str) -> Servable | None:
        """The newest ready version of a model, if any is."""
        return self._defaults.get(name)

    def resolve(self, name: str, version: int | None = None) -> Servable:
        """Find who answers.

        Args:
            name: the model's name.
            version: None for the newest that is ready.

        Raises:
            ModelNotFound: no such model or version.
            NotReady: it is there and does not answer.
        """
        if version is None:
            servable = self._defaults.get(name)
            if servable is not None:
                return servable
        entry = self.entry(name, version)
        if entry.state is VersionState.READY and entry.servable is not None:
            return entry.servable
        raise NotReady(
            f"model '{name}' version {entry.version} is {entry.state.name.lower()}"
            + (f": {entry.reason}" if entry.reason else "; send the request again later")
        )

    def resolve_ref(self, ref: str) -> Servable:
        """Find who answers for "name", "name/version" or "name@alias".

        Raises:
            InvalidArgument: it is none of these.
            ModelNotFound, NotReady: as `resolve`.
        """
        servable = self._defaults.get(ref)
        if servable is not None:
            return servable
        parsed = parse_ref(ref)
        if parsed.alias is not None:
            self._versions(parsed.name)
            raise ModelNotFound(f"model '{parsed.name}' has no alias '{parsed.alias}'; it has none at all")
        return self.resolve(parsed.name, parsed.version)

    def entry(self, name: str, version: int | None = None) -> VersionEntry:
        """The state of a version; of the default one, or else the newest, when `version` is None.

        Raises:
            ModelNotFound: no such model or version.
        """
        versions = self._versions(name)
        if version is None:
            default = self._defaults.get(name)
            version = default.version if default else max(versions)
        if version not in versions:
            known = ", ".join(map(str, sorted(versions)))
            raise ModelNotFound(f"model '{name}' has no version {version}; it has {known}")
        return versions[version]

    def _versions(self, name: str) -> dict[int, VersionEntry]:
        versions = self._models.get(name)
        if not versions:
            known = ", ".join(sorted(self._models)[:20]) or "none"
            raise ModelNotFound(f"Request for unknown model: '{name[:200]}' is not found; the repository has: {known}")
        return versions

    async def start(self) -> None:
        """Load the whole repository; what is broken is reported, the rest serves."""
        names = sorted(path.name for path in self._repository.iterdir() if path.is_dir() and path.name[0] != ".")
        for name in names:
            if not NAME.fullmatch(name):
                log.warning(
                    "folder %r is not served: a model's name has up to 100 letters, digits and . _ -, and begins with "
                    "a letter or digit",
                    name,
                )
        await asyncio.gather(*(self._load_at_start(name) for name in names if NAME.fullmatch(name)))
        if not self._models:
            log.warning("%s holds no models: expected MODEL/VERSION/model.json, such as digits/1/", self._repository)
        self._ready = True

    async def load(self, name: str) -> None:
        """Load a model as the repository has it now; versions that are ready and still there stay.

        Once begun it goes on to its end, even when its caller leaves.

        Raises:
            ModelNotFound: the repository has no such model.
            LoadFailed: none of its versions can be served.
        """
        try:
            if not NAME.fullmatch(name) or not self._found(name):
                raise ModelNotFound(f"Request for unknown model: '{name[:200]}' is not found in the repository")
            await self._to_its_end(self._load_or_fail(name))
        except OSError as error:
            raise LoadFailed(f"failed to load '{name}': its folder cannot be read: {error.strerror}") from error

    async def unload(self, name: str) -> None:
        """Take nothing new for a model, let accepted calls finish, and let go of it.

        Once begun it goes on to its end, even when its caller leaves.

        Raises:
            ModelNotFound: no such model is loaded.
        """
        self._versions(name)
        await self._to_its_end(self._unload_model(name))

    def drain(self) -> None:
        """Stop being ready; versions go on answering what was accepted."""
        self._ready = False

    def stop_writing(self) -> None:
        """End the sequences of all versions as they stand: the time that accepted calls had is over."""
        for versions in self._models.values():
            for entry in versions.values():
                if entry.servable is not None:
                    entry.servable.stop_writing()

    async def close(self) -> None:
        """Unload everything: accepted calls finish."""
        self.drain()
        await asyncio.gather(*self._jobs, return_exceptions=True)
        await asyncio.gather(*(self._unload_model(name) for name in list(self._models)))

    async def _to_its_end(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what must not stop half-way, in a task that outlives its caller."""
        job = asyncio.get_running_loop().create_task(work)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        await asyncio.shield(job)

    def _found(self, name: str) -> list[int]:
        """The versions of a model in the repository, ascending."""
        folder = self._repository / name
        if not folder.is_dir():
            return []
        return sorted(int(path.name) for path in folder.iterdir() if path.is_dir() and is_version(path.name))

    async def _load_at_start(self, name: str) -> None:
        try:
            if not self._found(name):
                log.warning("folder '%s' is not served: it holds no version, such as %s/1/", name, name)
            await self._load_model(name)
        except OSError as error:
            log.error("model %s is not served: its folder cannot be read: %s", name, error.strerror)

    async def _load_or_fail(self, name: str) -> None:
        await self._load_model(name)
        if name not in self._defaults:
            reasons = "; ".join(f"version {e.version}: {e.reason}" for e in self.models().get(name, {}).values())
            raise LoadFailed(f"failed to load '{name}': {reasons or 'its folder is gone'}")

    async def _load_model(self, name: str) -> None:
        async with self._lock(name):
            found = self._found(name)
            versions = self._models.setdefault(name, {})
            wanted = await self._load_newest(name, found)
            gone = [entry for number, entry in versions.items() if number not in wanted]
            await asyncio.gather(*(self._unload_version(name, entry) for entry in gone))
            for entry in gone:
                del versions[entry.version]
                self._metrics.forget_state(name, entry.version, STATES)
            if not versions:
                del self._models[name]
            self._changed(name)

    async def _load_newest(self, name: str, found: Sequence[int]) -> Sequence[int]:
        """Load from the newest on, until as many as wanted are ready; the versions that are kept, broken ones too."""
        versions, tried = self._models[name], 0
        while tried < len(found):
            ready = sum(versions[number].state is VersionState.READY for number in found[len(found) - tried :])
            missing = len(found) if self._latest is None else self._latest - ready
            if missing <= 0:
                break
            older = found[: len(found) - tried][-missing:]
            await self._load_versions(name, older)
            tried += len(older)
        return found[len(found) - tried :]

    async def _load_versions(self, name: str, numbers: Sequence[int]) -> None:
        """Load those that are not ready, side by side."""
        versions = self._models[name]
        loading = [n for n in numbers if n not in versions or versions[n].state is not VersionState.READY]
        for number in loading:
            versions[number] = VersionEntry(number, VersionState.LOADING)
            self._changed(name)
        await asyncio.gather(*(self._load_version(name, versions[number]) for number in loading))

    async def _load_version(self, name: str, entry: VersionEntry) -> None:
        began = time.monotonic()
        try:
            servable = await self._load(name, entry.version, self._repository / name / str(entry.version))
        except PackageError as error:
            entry.state, entry.reason = VersionState.UNAVAILABLE, str(error)
            log.error("model %s version %d is not served: %s", name, entry.version, error)
        except Exception as error:  # whatever is wrong with one version, the rest must serve
            entry.state, entry.reason = VersionState.UNAVAILABLE, f"loading it failed: {error!r}"
            log.exception("model %s version %d is not served", name, entry.version)
        else:
            entry.state, entry.reason, entry.servable = VersionState.READY, "", servable
            entry.load_s = time.monotonic() - began
            self._show(entry, servable)
            log.info("model %s version %d is ready after %.3f s", name, entry.version, entry.load_s)
        self._changed(name)

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

    async def _unload_model(self, name: str) -> None:
        async with self._lock(name):
            entries = self._models.get(name, {}).values()
            await asyncio.gather(*(self._unload_version(name, entry) for entry in entries))

    async def _unload_version(self, name: str, entry: VersionEntry) -> None:
        servable = entry.servable
        if servable is None:
            entry.state, entry.reason = VersionState.UNAVAILABLE, entry.reason or "unloaded"
            return
        entry.state, entry.reason = VersionState.UNLOADING, "unloading"
        self._changed(name)
        await servable.close()
        entry.state, entry.reason, entry.servable = VersionState.UNAVAILABLE, "unloaded", None
        servable.usage.metrics.unloaded(_task(servable), servable.provider, list(servable.plans))
        log.info("model %s version %d is unloaded", name, entry.version)
        self._changed(name)

    def _changed(self, name: str) -> None:
        """Keep the default, the metrics and the watchers up with a model's versions."""
        versions = self._models.get(name, {})
        ready = [e.servable for _, e in sorted(versions.items()) if e.state is VersionState.READY and e.servable]
        if ready:
            self._defaults[name] = ready[-1]
        else:
            self._defaults.pop(name, None)
        for entry in versions.values():
            self._metrics.show_state(name, entry.version, entry.state.name, STATES)
        for watcher in self.watchers:
            watcher(name)

    def _lock(self, name: str) -> asyncio.Lock:
        return self._locks.setdefault(name, asyncio.Lock())


def _task(servable: Servable) -> str:
    """The task's name in a label, such as "image_classification"."""
    return manifest_pb.Task.Name(servable.manifest.task).removeprefix("TASK_").lower()
