"""A worker's side: what a server tells the others of its team, and asks of them."""

import asyncio
import base64
import contextlib
import dataclasses
import pickle
import socket
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from podium_server.catalogue import Catalogue
from podium_server.lifecycle import Load, Residence
from podium_server.metrics import Metrics
from podium_server.settings import Settings
from podium_server.version_entry import UNLOADED
from podium_server.versions.policy import Policy
from podium_server.versions.route import Route, Share
from podium_server.workers.line import Line, LineClosed
from podium_server.workers.page import Page, from_json, to_json


class Team:
    """The other workers, through the supervisor.

    Attributes:
        line: to the supervisor.
    """

    def __init__(self) -> None:
        self.line = Line(self._answer)
        self._catalogue: SharedCatalogue | None = None
        self._registry: CollectorRegistry | None = None

    async def join(self, end: socket.socket) -> Settings:
        """Report to the supervisor; what it says are this worker's settings."""
        await self.line.connect(end)
        pickled = base64.b64decode(await self.line.ask("settings"))
        settings: Settings = pickle.loads(pickled)  # noqa: S301 - from the process that began this one
        return settings

    def catalogue(
        self, repository: Path, policy: Policy, load: Load, metrics: Metrics, residence: Residence
    ) -> Catalogue:
        """Make a catalogue whose changes are the whole team's."""
        self._registry = metrics.registry
        self._catalogue = SharedCatalogue(repository, policy, load, metrics, residence)
        self._catalogue.team = self
        return self._catalogue

    async def catch_up(self) -> None:
        """Unload what somebody has unloaded in the others."""
        assert self._catalogue is not None
        for name in await self.line.ask("unloaded"):
            if name in self._catalogue.models():
                await self._catalogue.change("unload", name)

    async def begin(self) -> None:
        """Say that this worker is ready."""
        await self.line.ask("ready")

    async def leave(self) -> None:
        """Give the last counts, and hang up."""
        if self._registry is not None:
            with contextlib.suppress(LineClosed):
                await self.line.ask("last page", to_json(self._registry.collect()))
        await self.line.close()

    async def ready(self) -> bool:
        """Whether every worker is ready."""
        try:
            return bool(await self.line.ask("all ready"))
        except LineClosed:
            return False

    async def page(self) -> Page:
        """Everybody's metrics."""
        return Page(from_json(await self.line.ask("whole page")))

    async def _answer(self, question: str, content: Any) -> Any:
        if self._catalogue is None or self._registry is None:
            return None  # this worker is about to begin
        match question:
            case "page":
                registry = self._registry  # on a thread, since some series are read from the system
                return to_json(await asyncio.to_thread(lambda: list(registry.collect())))
            case "standing":
                return self._catalogue.ready
            case "unloaded":
                models = self._catalogue.models().items()
                return [name for name, versions in models if all(v.reason == UNLOADED for v in versions.values())]
            case "change":
                return await self._catalogue.change(*content)
            case _:
                raise ValueError(question)


class SharedCatalogue(Catalogue):
    """A catalogue whose loads, unloads and aliases every worker has.

    Services ask for them as of any catalogue. The supervisor has this worker do its part, then each other one, and
    begins with nobody else's before that is done: workers may not come to different ends.
    """

    team: Team

    async def load(self, name: str) -> None:
        """Load a model in every worker."""
        await self._everywhere("load", name)

    async def unload(self, name: str) -> None:
        """Unload a model in every worker."""
        await self._everywhere("unload", name)

    async def set_alias(self, name: str, alias: str, route: Route) -> None:
        """Keep an alias in the repository, and have every worker go by it."""
        await self._everywhere("set alias", name, alias, dataclasses.asdict(route))

    async def delete_alias(self, name: str, alias: str) -> None:
        """Take an alias out of the repository, and have every worker go by that."""
        await self._everywhere("delete alias", name, alias)

    async def change(self, verb: str, name: str, *rest: Any) -> None:
        """Do this worker's part.

        Raises:
            PodiumError: as a catalogue alone does.
        """
        match verb:
            case "load":
                await super().load(name)
            case "unload":
                await super().unload(name)
            case "set alias":
                await super().set_alias(name, rest[0], _read_route(rest[1]))
            case "delete alias":
                await super().delete_alias(name, rest[0])
            case "look again":
                await super().look_again(name)
            case _:
                raise ValueError(verb)

    async def _everywhere(self, verb: str, name: str, *rest: Any) -> None:
        # An alias is written once; the others read it.
        theirs = [verb, name] if verb in ("load", "unload") else ["look again", name]
        await self.team.line.ask("change", {"mine": [verb, name, *rest], "theirs": theirs})


def _read_route(content: dict[str, Any]) -> Route:
    shares = {key: Share(**content[key]) for key in ("canary", "shadow") if content[key] is not None}
    return Route(content["version"], **shares)
