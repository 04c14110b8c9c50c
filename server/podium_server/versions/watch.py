"""Notices changes of the repository, and has each model looked at again once its files have come to rest."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from watchfiles import awatch

from podium_server.model_ref import NAME, is_version
from podium_server.package import MANIFEST
from podium_server.versions.file_system import lies_elsewhere
from podium_server.versions.serving_file import SERVING

log = logging.getLogger(__name__)

How = Literal["auto", "events", "polling", "off"]

# A model is looked at again when nothing of it has changed for so long, and while it goes on changing every so often.
SETTLE_S = 0.3
LONGEST_S = 30.0
# How often the library's thread looks whether events have come, and how often files are looked at where none do.
STEP_MS = 100
POLL_MS = 2000


@dataclass(frozen=True, slots=True)
class _Folder:
    """What lies where the repository does.

    Attributes:
        identity: its device and number there; None where there is no folder.
        models: the names in it that may be models'.
    """

    identity: tuple[int, int] | None
    models: frozenset[str]

    @classmethod
    def at(cls, path: Path) -> "_Folder":
        """Look at a path."""
        try:
            status = path.stat()
            models = frozenset(each.name for each in path.iterdir() if NAME.fullmatch(each.name))
            return cls((status.st_dev, status.st_ino), models)
        except OSError:
            return cls(None, frozenset())


class RepositoryWatch:
    """Watches a repository; used in one event loop.

    Args:
        repository: the folder of models.
        how: by file events, by polling, "off", or "auto": events, but polling on a network file system.
        look_again: takes up what has changed of a model.
    """

    def __init__(self, repository: Path, how: How, look_again: Callable[[str], Awaitable[None]]) -> None:
        self._repository = repository.absolute()
        self._how = how
        self._look_again = look_again
        self._task: asyncio.Task[None] | None = None
        self._looks: set[asyncio.Task[None]] = set()
        self._changed: dict[str, asyncio.Event] = {}
        self._folder = _Folder.at(self._repository)
        self._missing = False

    async def start(self) -> None:
        """Begin to watch: what changes from now on is noticed."""
        if self._how == "off":
            return
        logging.getLogger("watchfiles").setLevel(logging.WARNING)
        polling = self._how == "polling" or (self._how == "auto" and lies_elsewhere(self._repository))
        self._task = asyncio.get_running_loop().create_task(self._watch(polling=polling))
        await asyncio.sleep(0)  # the library begins to watch in the task's first step

    async def close(self) -> None:
        """Watch no longer; looks that have begun are ended by their owner."""
        tasks = [*self._looks] if self._task is None else [self._task, *self._looks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _watch(self, *, polling: bool) -> None:
        try:
            await self._follow(polling=polling)
        except Exception as error:  # the library raises errors of the system, and some of its own
            if polling:
                log.exception("changes of %s are noticed no more: restart the server", self._repository)
                return
            log.warning("file events of %s cannot be had (%s): looking every %d ms", self._repository, error, POLL_MS)
            await self._watch(polling=True)

    async def _follow(self, *, polling: bool) -> None:
        """Hear of changes until cancelled; of a folder that comes into the repository's place, anew.

        Events are those of the folder that was there first, also when it is gone or lies somewhere else by now.
        """
        while True:
            await self._hear(polling=polling)
            log.warning("another folder is %s now: all models are looked at again", self._repository)

    async def _hear(self, *, polling: bool) -> None:
        """Hear of changes until another folder is in the repository's place."""
        changes = awatch(
            self._repository,
            watch_filter=None,
            step=STEP_MS,
            force_polling=polling,
            poll_delay_ms=POLL_MS,
            ignore_permission_denied=True,
            rust_timeout=POLL_MS,
            yield_on_timeout=True,
        )
        async with contextlib.aclosing(changes):
            async for paths in changes:
                before, now = self._folder, await asyncio.to_thread(_Folder.at, self._repository)
                replaced = now.identity != before.identity
                if replaced and not now.models:
                    self._tell_missing()
                    continue
                names = set(self._models(path for _, path in paths))
                if replaced or self._missing:
                    names |= before.models | now.models
                self._folder, self._missing = now, False
                for name in names:
                    self._note(name)
                if replaced:
                    return
        raise RuntimeError("the library watches no more")

    def _tell_missing(self) -> None:
        """Say once that the repository is gone, or an empty folder in its place, as where a volume is not mounted."""
        if not self._missing:
            log.error("%s is missing or empty: what is loaded goes on answering, nothing new comes", self._repository)
        self._missing = True

    def _models(self, paths: Iterator[str]) -> Iterator[str]:
        """The models whose versions or decisions lie under the paths; hidden files are nobody's."""
        for path in paths:
            try:
                parts = Path(path).relative_to(self._repository).parts
            except ValueError:
                continue
            if not parts or not NAME.fullmatch(parts[0]):
                continue
            if len(parts) == 1 or parts[1] in {SERVING, MANIFEST} or is_version(parts[1]):
                yield parts[0]

    def _note(self, name: str) -> None:
        """A model's files have changed: look at it when they have come to rest."""
        if name in self._changed:
            self._changed[name].set()
            return
        self._changed[name] = asyncio.Event()
        look = asyncio.get_running_loop().create_task(self._settle(name))
        self._looks.add(look)
        look.add_done_callback(self._looks.discard)

    async def _settle(self, name: str) -> None:
        changed = self._changed[name]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_S):
                while True:
                    changed.clear()
                    try:
                        await asyncio.wait_for(changed.wait(), SETTLE_S)
                    except TimeoutError:
                        break
        del self._changed[name]
        await self._look_again(name)
