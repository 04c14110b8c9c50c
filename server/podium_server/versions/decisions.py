"""What was decided for one model: its `serving.json`, as far as it can be followed."""

import asyncio
import logging
from collections.abc import Container, Mapping
from pathlib import Path

from podium_server.errors import RepositoryUnwritable
from podium_server.version_entry import UNLOADED, VersionEntry
from podium_server.versions.route import Route
from podium_server.versions.serving_file import SERVING, Serving, ServingFileError, read_serving, write_serving

log = logging.getLogger("podium_server.catalogue")


class Decisions:
    """Follows a model's file, and writes it; changed under the model's lock.

    Attributes:
        serving: what holds now.

    Args:
        name: the model's name.
        folder: its folder.
        versions: its versions, as they come and go.
    """

    def __init__(self, name: str, folder: Path, versions: Mapping[int, VersionEntry]) -> None:
        self.serving = Serving()
        self._name = name
        self._folder = folder
        self._versions = versions
        self._dangling: dict[str, int] = {}  # aliases and versions that do not answer for them, told already
        self._unreadable = ""  # what is wrong with the file, so that it is told once

    @property
    def is_unloaded(self) -> bool:
        """Whether somebody has unloaded the model."""
        entries = self._versions.values()
        return not any(e.answers for e in entries) and any(e.reason == UNLOADED for e in entries)

    def no_alias(self, alias: str) -> str:
        """What is said to who asks for an alias that there is not."""
        known = ", ".join(sorted(self.serving.aliases)) or "none at all"
        wrong = f"; {self._unreadable}" if self._unreadable else ""
        return f"model '{self._name}' has no alias '{alias}'; it has {known}{wrong}"

    async def read(self) -> Serving:
        """Read the model's file; of one that is broken, what was decided before holds."""
        try:
            serving = await asyncio.to_thread(read_serving, self._folder)
        except ServingFileError as error:
            if str(error) != self._unreadable:
                log.error("model %s: %s; what was decided before holds", self._name, error)
            self._unreadable = str(error)
            return self.serving
        self._unreadable = ""
        return serving

    def adopt(self, serving: Serving, found: Container[int]) -> None:
        """Go by the file as it is now; an alias stays where it was while its new versions do not answer.

        Args:
            serving: what the file says.
            found: the versions that the repository has: others are about to go.
        """
        aliases: dict[str, Route] = {}
        dangling: dict[str, int] = {}
        for alias, route in serving.aliases.items():
            before = self.serving.aliases.get(alias, route)
            failing = [n for n in route.targets if n not in found or not self._answers(n)]
            stays = failing and before != route and before.version in found and self._answers(before.version)
            aliases[alias] = before if stays else route
            if not failing and self.serving.aliases.get(alias) != route:
                log.info("model %s alias %s is %s", self._name, alias, route)
            if not failing or self.is_unloaded:
                continue
            dangling[alias] = failing[0]
            if self._dangling.get(alias) != failing[0]:
                what = f"stays version {before.version}" if stays else "cannot be asked for all it names"
                log.error(
                    "model %s alias %s %s: version %d does not answer; publish it again, or move the alias",
                    self._name, alias, what, failing[0],
                )  # fmt: skip
        for alias in self.serving.aliases.keys() - aliases.keys():
            log.info("model %s has no alias %s any more", self._name, alias)
        self._dangling = dangling
        self.serving = Serving(serving.versions, aliases)

    async def keep(self, aliases: Mapping[str, Route]) -> None:
        """Write other aliases, and go by them from now on.

        Raises:
            RepositoryUnwritable: they cannot be kept; nothing has changed.
        """
        if self._unreadable:
            raise RepositoryUnwritable(f"nothing has changed: {self._unreadable}; repair or remove the file first")
        serving = Serving(self.serving.versions, dict(aliases))
        try:
            await asyncio.to_thread(write_serving, self._folder, serving)
        except OSError as error:
            raise RepositoryUnwritable(
                f"nothing has changed: {self._name}/{SERVING} cannot be written: {error.strerror or error}"
            ) from error
        self.serving = serving

    def _answers(self, number: int) -> bool:
        entry = self._versions.get(number)
        return entry is not None and entry.answers
