"""The models of a repository: which there are, and who answers a call of each name."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from podium_server.caller import Caller
from podium_server.errors import DeadlineExceeded, LoadFailed, ModelNotFound, PodiumError
from podium_server.lifecycle import Lifecycle, Load, Residence
from podium_server.lookup import answering, choose, find, shadow_of
from podium_server.metrics import Metrics
from podium_server.model_ref import NAME, ModelRef, parse_ref
from podium_server.observing.observer import CallWatch
from podium_server.package import MANIFEST
from podium_server.servable import Servable
from podium_server.served_model import ServedModel, Wanted, always, if_changed
from podium_server.version_entry import STATES, VersionEntry, VersionState
from podium_server.versions.folders import version_numbers
from podium_server.versions.policy import Policy
from podium_server.versions.route import DEFAULT, Route

log = logging.getLogger(__name__)

Watcher = Callable[[str], None]


def _tell_nobody(job: "asyncio.Task[None]") -> None:
    """Take the error of a task whose caller has left; what is no answer to a caller goes to the log."""
    error = None if job.cancelled() else job.exception()
    if error is not None and not isinstance(error, PodiumError):
        log.error("a change of the catalogue failed", exc_info=error)


class Catalogue:
    """What is served; used in one event loop.

    Attributes:
        watchers: called with a model's name after each change of its versions or aliases.
        copies: makes what copies an answered call to a version; None where nothing does.

    Args:
        repository: the folder that holds a folder a model, with a folder a version.
        policy: which versions of each model are served, where the model's own file does not say. Of the newest n, one
            that is broken takes nobody's place: the next older one is served instead.
        load: loads one version.
        metrics: shows the states.
        residence: how versions stay in memory.
    """

    def __init__(
        self,
        repository: Path,
        policy: Policy,
        load: Load,
        metrics: Metrics,
        residence: Residence = Residence(),  # noqa: B008  frozen
    ) -> None:
        self._repository = repository
        self._policy = policy
        self._metrics = metrics
        self._lifecycle = Lifecycle(load, metrics, residence, self._changed)
        self._models: dict[str, ServedModel] = {}
        self._defaults: dict[str, Servable] = {}  # who answers a bare name at once, and nobody else a part of it
        self._shown: dict[str, set[int]] = {}
        self._jobs: set[asyncio.Task[None]] = set()
        self._ready = False
        self._closed = False
        self.watchers: list[Watcher] = []
        self.copies: Callable[[ModelRef], CallWatch] | None = None

    @property
    def ready(self) -> bool:
        """Whether start-up is over and the server does not drain."""
        return self._ready

    def models(self) -> Mapping[str, Mapping[int, VersionEntry]]:
        """Every model by name, its versions ascending."""
        models = sorted(self._models.items())
        return {name: dict(sorted(model.versions.items())) for name, model in models if model.versions}

    def default(self, name: str) -> VersionEntry | None:
        """Who answers a model's bare name, if any version does."""
        model = self._models.get(name)
        return model.default if model is not None else None

    def aliases(self, name: str) -> Mapping[str, Route]:
        """A model's aliases."""
        model = self._models.get(name)
        return model.aliases if model is not None else {}

    async def serve(self, ref: str | ModelRef, call: Caller, key: str = "") -> Servable:
        """Find who answers a call, and keep it until the call has ended; a version that is not in memory is loaded.

        Args:
            ref: "name", "name/version" or "name@alias".
            call: who asks.
            key: decides who belongs to a canary's share; empty takes the call's id.

        Raises:
            InvalidArgument: `ref` is none of the three.
            ModelNotFound: no such model, version or alias.
            NotReady: it is there and does not answer.
            DeadlineExceeded: it was not loaded in time.
        """
        servable = self._defaults.get(ref) if isinstance(ref, str) else None
        if servable is not None:
            return call.serve_with(servable)
        named = parse_ref(ref) if isinstance(ref, str) else ref
        key = key or call.request_id
        while True:
            model = self._model(named.name)
            entry = choose(model, named, key)
            if entry.servable is not None and entry.state is VersionState.READY:
                candidate = shadow_of(model, named, key, entry)
                if candidate is not None and self.copies is not None:
                    call.watches = (*call.watches, self.copies(candidate))
                return call.serve_with(entry.servable)
            await self._wake(named.name, entry, call.deadline)

    def resolve(self, name: str, version: int | None = None) -> Servable:
        """Find who answers at once.

        Args:
            name: the model's name.
            version: None for what the bare name means.

        Raises:
            ModelNotFound: no such model or version.
            NotReady: it is there and does not answer.
        """
        return answering(name, self.entry(name, version))

    def resolve_ref(self, ref: str) -> Servable:
        """Find who answers at once for "name", "name/version" or "name@alias".

        Raises:
            InvalidArgument: it is none of these.
            ModelNotFound, NotReady: as `resolve`.
        """
        named = parse_ref(ref)
        return answering(named.name, find(self._model(named.name), named))

    def entry(self, name: str, version: int | None = None, alias: str | None = None) -> VersionEntry:
        """The state of a version; of the default one, or else the newest, when no version is named.

        Raises:
            ModelNotFound: no such model, version or alias.
        """
        return find(self._model(name), ModelRef(name, version, alias))

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
        if not self.models():
            log.warning("%s holds no models: expected MODEL/VERSION/model.json, such as digits/1/", self._repository)
        self._ready = not self._closed

    async def load(self, name: str) -> None:
        """Load a model as the repository has it now; versions that are ready and still there stay.

        Once begun it goes on to its end, even when its caller leaves.

        Raises:
            ModelNotFound: the repository has no such model.
            LoadFailed: none of its versions can be served.
        """
        try:
            if not NAME.fullmatch(name) or not self._has_versions(name):
                raise ModelNotFound(f"Request for unknown model: '{name[:200]}' is not found in the repository")
            await self._to_its_end(self._load_or_fail(name))
        except OSError as error:
            raise LoadFailed(f"failed to load '{name}': its folder cannot be read: {error.strerror}") from error

    async def unload(self, name: str) -> None:
        """Take nothing new for a model, let accepted calls finish, and let go of it.

        It stays unloaded until somebody loads it, or files of it change. Once begun it goes on to its end, even when
        its caller leaves.

        Raises:
            ModelNotFound: no such model is loaded.
        """
        await self._to_its_end(self._model(name).unload())

    async def look_again(self, name: str) -> None:
        """Take up what has changed of a model in the repository; what was unloaded or broken and did not, stays so."""
        if not NAME.fullmatch(name) or self._closed or not self._repository.is_dir():
            return
        try:
            await self._to_its_end(self._update(name, if_changed))
            if not self._models[name].versions and await asyncio.to_thread((self._repository / name / MANIFEST).exists):
                log.warning("folder '%s' is not served: its files must lie in a version, such as %s/1/", name, name)
        except OSError as error:
            log.error("model %s stays as it is: its folder cannot be read: %s", name, error.strerror)

    async def set_alias(self, name: str, alias: str, route: Route) -> None:
        """Say where the calls of an alias go, from the next call on.

        Raises:
            ModelNotFound: the repository has no such model or version.
            LoadFailed: one of the versions cannot be served, or the model is unloaded.
            RepositoryUnwritable: it cannot be kept.
        """
        model = self._model(name)
        try:
            await self._to_its_end(model.set_alias(alias, route))
        except OSError as error:
            raise LoadFailed(f"alias '{alias}' stays as it is: the folder cannot be read: {error.strerror}") from error
        self._begin(self.look_again(name))  # versions that no alias needs any more may go

    async def delete_alias(self, name: str, alias: str) -> None:
        """Take an alias away.

        Raises:
            ModelNotFound: no such model or alias.
            RepositoryUnwritable: it cannot be kept.
        """
        await self._to_its_end(self._model(name).delete_alias(alias))
        self._begin(self.look_again(name))

    def drain(self) -> None:
        """Stop being ready; versions go on answering what was accepted."""
        self._ready = False

    def stop_writing(self) -> None:
        """End the sequences of all versions as they stand: the time that accepted calls had is over."""
        for model in self._models.values():
            for entry in model.versions.values():
                if entry.servable is not None:
                    entry.servable.stop_writing()

    async def close(self) -> None:
        """Unload everything: accepted calls finish."""
        self.drain()
        self._closed = True
        while self._jobs:
            await asyncio.gather(*self._jobs, return_exceptions=True)
        await self._lifecycle.close()
        await asyncio.gather(*(model.unload() for model in self._models.values()))

    def _begin(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        job = asyncio.get_running_loop().create_task(work)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        return job

    async def _to_its_end(self, work: Coroutine[Any, Any, None]) -> None:
        """Do what must not stop half-way, in a task that outlives its caller."""
        job = self._begin(work)
        try:
            await asyncio.shield(job)
        except asyncio.CancelledError:
            job.add_done_callback(_tell_nobody)
            raise

    def _has_versions(self, name: str) -> bool:
        return bool(version_numbers(self._repository / name))

    async def _load_at_start(self, name: str) -> None:
        try:
            await self._update(name, always, asleep=self._lifecycle.on_demand)
            if not self._models[name].versions and not await asyncio.to_thread(self._has_versions, name):
                log.warning("folder '%s' is not served: it holds no version, such as %s/1/", name, name)
        except OSError as error:
            log.error("model %s is not served: its folder cannot be read: %s", name, error.strerror)

    async def _load_or_fail(self, name: str) -> None:
        await self._update(name, always)
        model = self._models[name]
        if model.default is not None and model.default.state is VersionState.DORMANT:
            await model.wake(model.default)
        if not any(entry.answers for entry in model.versions.values()):
            reasons = "; ".join(f"version {e.version}: {e.reason}" for e in self.models().get(name, {}).values())
            raise LoadFailed(f"failed to load '{name}': {reasons or 'its folder is gone'}")

    async def _update(self, name: str, wanted: Wanted, *, asleep: bool = False) -> None:
        model = self._models.get(name)
        if model is None:
            folder = self._repository / name
            # It is kept when its last version goes: somebody may be waiting for its lock.
            model = self._models[name] = ServedModel(name, folder, self._policy, self._lifecycle, self._changed)
        await model.update(wanted, asleep=asleep)

    async def _wake(self, name: str, entry: VersionEntry, deadline: float | None) -> None:
        """Load a version for a call, which waits no longer than its deadline; the load goes on."""
        model = self._model(name)
        try:
            async with asyncio.timeout(None if deadline is None else max(0.0, deadline - time.monotonic())):
                await model.wake(entry)
        except TimeoutError as error:
            message = f"Request timeout expired: model '{name}' version {entry.version} is still being loaded"
            raise DeadlineExceeded(message) from error
        if not entry.answers and model.default is None:
            await self.look_again(name)  # an older version may take its place

    def _model(self, name: str) -> ServedModel:
        model = self._models.get(name)
        if model is None or not model.versions:
            known = ", ".join(list(self.models())[:20]) or "none"
            raise ModelNotFound(f"Request for unknown model: '{name[:200]}' is not found; the repository has: {known}")
        return model

    def _changed(self, name: str) -> None:
        """Keep the defaults, the metrics and the watchers up with a model's versions."""
        model = self._models.get(name)
        versions = model.versions if model is not None else {}
        self._defaults.pop(name, None)
        if model is not None and model.default is not None and model.default.servable is not None:
            route = model.aliases.get(DEFAULT)
            if route is None or (route.canary is None and route.shadow is None):
                self._defaults[name] = model.default.servable
        for gone in self._shown.pop(name, set[int]()) - versions.keys():
            self._metrics.forget_state(name, gone, STATES)
        if versions:
            self._shown[name] = set(versions)
        for entry in versions.values():
            self._metrics.show_state(name, entry.version, entry.state.name, STATES)
        for watcher in self.watchers:
            watcher(name)
