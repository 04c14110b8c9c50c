"""One model of the repository: its versions as they come and go, and who of them answers."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Set
from pathlib import Path

from podium_server.errors import LoadFailed, ModelNotFound
from podium_server.lifecycle import Lifecycle
from podium_server.version_entry import ASLEEP, UNLOADED, VersionEntry, VersionState
from podium_server.versions.decisions import Decisions
from podium_server.versions.folders import Files, look
from podium_server.versions.policy import Policy
from podium_server.versions.route import DEFAULT, Route
from podium_server.versions.serving_file import Serving

log = logging.getLogger("podium_server.catalogue")

# Whether a version that does not answer is to be loaded: what is known of it, if anything, and its files now.
Wanted = Callable[[VersionEntry | None, Files], bool]


def always(entry: VersionEntry | None, files: Files) -> bool:
    """Load whatever does not answer: somebody asked for it."""
    del entry, files
    return True


def if_changed(entry: VersionEntry | None, files: Files) -> bool:
    """Load what is new, and what was broken or unloaded and whose files have changed since."""
    return entry is None or entry.files != files


class ServedModel:
    """The versions of one model; changed under a lock, looked at without.

    Args:
        name: its name.
        folder: its folder, which may be gone.
        policy: which versions are served where its own file does not say.
        lifecycle: loads and unloads versions.
        changed: called after each change.
    """

    def __init__(
        self, name: str, folder: Path, policy: Policy, lifecycle: Lifecycle, changed: Callable[[str], None]
    ) -> None:
        self.name = name
        self.versions: dict[int, VersionEntry] = {}
        self.decisions = Decisions(name, folder, self.versions)
        self._folder = folder
        self._policy = policy
        self._lifecycle = lifecycle
        self._changed = changed
        self._lock = asyncio.Lock()
        self._told = ""  # the policy that no version of the repository is among, so that it is told once

    @property
    def aliases(self) -> Mapping[str, Route]:
        """Where the calls of each alias go."""
        return self.decisions.serving.aliases

    @property
    def default(self) -> VersionEntry | None:
        """Who answers the bare name: what its alias says, or else the newest that answers."""
        route = self.aliases.get(DEFAULT)
        if route is not None:
            entry = self.versions.get(route.version)
            return entry if entry is not None and entry.answers else None
        return max((e for e in self.versions.values() if e.answers), key=lambda e: e.version, default=None)

    async def update(self, wanted: Wanted, *, asleep: bool = False) -> None:
        """Bring the versions up with the repository, the policy and the aliases.

        What answers stays as long as its folder is there. A version that is not wanted any more is let go of when all
        others are ready.

        Args:
            wanted: which versions that do not answer are to be loaded.
            asleep: whether they are only listed, and loaded when they are called.

        Raises:
            OSError: the folder cannot be read.
        """
        async with self._lock:
            found = await asyncio.to_thread(look, self._folder)
            serving = await self.decisions.read()
            kept = await self._bring_up(found, serving, wanted, asleep=asleep)
            self._tell_nothing_wanted(found, kept, serving.versions or self._policy)
            self.decisions.adopt(serving, found)
            kept |= self.decisions.serving.targets & found.keys()
            self._tell_changed_files(found)
            # Those that go already are waited for by who began that: what is new must not wait for their calls.
            gone = [e for number, e in self.versions.items() if number not in kept and e.ending is None]
            endings = [self._retire(entry) for entry in gone]
            for entry in gone:
                entry.files = ()  # it is new if it comes back
            self._changed(self.name)
        await asyncio.gather(*endings)
        for entry in gone:
            if self.versions.get(entry.version) is entry:
                del self.versions[entry.version]
        self._changed(self.name)

    async def unload(self) -> None:
        """Take nothing new, let accepted calls finish, and let go of every version."""
        async with self._lock:
            endings = [self._retire(entry) for entry in self.versions.values()]
            self._changed(self.name)
        await asyncio.gather(*endings)

    async def wake(self, entry: VersionEntry) -> None:
        """Load a version that is only listed; the callers who want it share the work."""
        if entry.waking is None:
            entry.waking = asyncio.get_running_loop().create_task(self._wake(entry))
        await asyncio.wait([entry.waking])

    async def set_alias(self, alias: str, route: Route) -> None:
        """Say where the calls of an alias go, once all its versions can answer.

        Raises:
            ModelNotFound: the repository has no such version.
            LoadFailed: one of them cannot be served, or the model is unloaded.
            RepositoryUnwritable: it cannot be kept.
        """
        async with self._lock:
            found = await asyncio.to_thread(look, self._folder)
            missing = sorted(set(route.targets) - found.keys())
            if missing:
                known = ", ".join(map(str, found)) or "none"
                raise ModelNotFound(f"model '{self.name}' has no version {missing[0]}; it has {known}")
            if self.decisions.is_unloaded:
                raise LoadFailed(f"model '{self.name}' is unloaded: load it before its aliases are changed")
            await self._load(set(route.targets), found, always)
            for number in route.targets:
                if self.versions[number].state is VersionState.DORMANT:
                    await self.wake(self.versions[number])
                if not self.versions[number].answers:
                    reason = self.versions[number].reason
                    raise LoadFailed(f"alias '{alias}' stays as it is: version {number} is not ready: {reason}")
            await self.decisions.keep({**self.aliases, alias: route})
            self._changed(self.name)
        log.info("model %s alias %s is %s", self.name, alias, route)

    async def delete_alias(self, alias: str) -> None:
        """Take an alias away.

        Raises:
            ModelNotFound: there is none of that name.
            RepositoryUnwritable: it cannot be kept.
        """
        async with self._lock:
            if alias not in self.aliases:
                raise ModelNotFound(self.decisions.no_alias(alias))
            await self.decisions.keep({name: route for name, route in self.aliases.items() if name != alias})
            self._changed(self.name)
        log.info("model %s has no alias %s any more", self.name, alias)

    async def _bring_up(
        self, found: Mapping[int, Files], serving: Serving, wanted: Wanted, *, asleep: bool
    ) -> set[int]:
        """Load from the newest on, until as many as the policy says take a place, and what aliases need.

        Returns:
            The versions that are kept, broken ones too.
        """
        policy = serving.versions or self._policy
        left, tried = policy.among(found), set[int]()
        while left:
            places = sum(n in self.versions and self.versions[n].takes_place for n in tried)
            room = len(left) if policy.newest is None else policy.newest - places
            if room <= 0:
                break
            now, left = left[:room], left[room:]
            await self._load(now, found, wanted, asleep=asleep)
            tried.update(now)
        needed = (serving.targets & found.keys()) - tried
        await self._load(needed, found, wanted, asleep=asleep)
        return tried | needed

    async def _load(
        self, numbers: Iterable[int], found: Mapping[int, Files], wanted: Wanted, *, asleep: bool = False
    ) -> None:
        """Load those that do not answer and are wanted, side by side."""
        loading: list[VersionEntry] = []
        for number in numbers:
            entry = self.versions.get(number)
            if entry is not None and entry.ending is not None:
                await asyncio.wait([entry.ending])  # it went a moment ago, and is back
            if entry is not None and entry.answers:
                continue
            if not wanted(entry, found[number]):
                continue
            self.versions[number] = VersionEntry(number, VersionState.LOADING, files=found[number])
            loading.append(self.versions[number])
        if asleep:
            for entry in loading:
                entry.state, entry.reason = VersionState.DORMANT, ASLEEP
            return
        folders = [self._folder / str(entry.version) for entry in loading]
        await asyncio.gather(
            *(self._lifecycle.bring_up(self.name, e, folder) for e, folder in zip(loading, folders, strict=True))
        )

    def _tell_nothing_wanted(self, found: Mapping[int, Files], kept: Set[int], policy: Policy) -> None:
        """Say once that nothing of what there is may be served: a policy may name what is yet to come."""
        told = str(policy) if found and not kept else ""
        if told and told != self._told:
            log.warning(
                "model %s is not served: its versions are %s, and the repository has %s",
                self.name, policy, ", ".join(map(str, found)),
            )  # fmt: skip
        self._told = told

    def _tell_changed_files(self, found: Mapping[int, Files]) -> None:
        """Say once of a version in memory that its files are others now: it is served as it was loaded."""
        for number, entry in self.versions.items():
            if entry.state is VersionState.READY and number in found and entry.files != found[number]:
                log.warning(
                    "model %s version %d: its files changed after it was loaded; it is served as it was: publish "
                    "changes under a new number, or unload and load the model",
                    self.name, number,
                )  # fmt: skip
                entry.files = found[number]

    def _retire(self, entry: VersionEntry) -> "asyncio.Task[None]":
        """Take nothing new for a version; the task lets go of it when its calls are done."""
        if entry.ending is not None:
            return entry.ending
        if entry.state is VersionState.DORMANT:
            entry.state, entry.reason = VersionState.UNAVAILABLE, UNLOADED
        elif entry.state is not VersionState.UNAVAILABLE:
            entry.state, entry.reason = VersionState.UNLOADING, "unloading"
        entry.ending = asyncio.get_running_loop().create_task(self._end(entry))
        return entry.ending

    async def _end(self, entry: VersionEntry) -> None:
        try:
            if entry.waking is not None:
                entry.waking.cancel()
                await asyncio.gather(entry.waking, return_exceptions=True)
                entry.state = VersionState.UNLOADING
            if entry.state is VersionState.UNLOADING:
                await self._lifecycle.take_down(self.name, entry)
        finally:
            entry.ending = None

    async def _wake(self, entry: VersionEntry) -> None:
        try:
            await self._lifecycle.bring_up(self.name, entry, self._folder / str(entry.version))
        finally:
            entry.waking = None
