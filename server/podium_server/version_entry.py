"""One version of a model: where it stands, and why."""

import asyncio
import enum
from dataclasses import dataclass

from podium.v1 import model_service_pb2 as pb

from podium_server.servable import Servable
from podium_server.versions.folders import Files


class VersionState(enum.IntEnum):
    """The state of one version; the wire's numbers."""

    LOADING = pb.VERSION_STATE_LOADING
    READY = pb.VERSION_STATE_READY
    UNLOADING = pb.VERSION_STATE_UNLOADING
    UNAVAILABLE = pb.VERSION_STATE_UNAVAILABLE
    DORMANT = pb.VERSION_STATE_DORMANT


STATES = [state.name for state in VersionState]

# The reason of a version that answers no more because somebody asked for that.
UNLOADED = "unloaded"
ASLEEP = "not in memory; the first call loads it"


@dataclass(slots=True, eq=False)
class VersionEntry:
    """One version.

    Attributes:
        version: 1 or more.
        state: whether it answers.
        reason: why it does not; empty when ready.
        servable: what answers, while ready.
        load_s: seconds from the start of its load to ready; 0 before.
        files: its files as they were when it was last looked at to be loaded.
        ending: lets go of what answered, while unloading.
        waking: loads it because a call came, while dormant.
    """

    version: int
    state: VersionState
    reason: str = ""
    servable: Servable | None = None
    load_s: float = 0.0
    files: Files = ()
    ending: "asyncio.Task[None] | None" = None
    waking: "asyncio.Task[None] | None" = None

    @property
    def answers(self) -> bool:
        """Whether it takes calls: at once, or after it was loaded for the first of them."""
        called = self.state is VersionState.LOADING and self.waking is not None
        return called or self.state in (VersionState.READY, VersionState.DORMANT)

    @property
    def takes_place(self) -> bool:
        """Whether it counts as one of the newest: it answers, or would if nobody had unloaded it."""
        return self.answers or (self.state is VersionState.UNAVAILABLE and self.reason == UNLOADED)
