"""One version of a model: where it stands, and why."""

import enum
from dataclasses import dataclass

from podium.v1 import model_service_pb2 as pb

from podium_server.servable import Servable


class VersionState(enum.IntEnum):
    """The state of one version; the wire's numbers."""

    LOADING = pb.VERSION_STATE_LOADING
    READY = pb.VERSION_STATE_READY
    UNLOADING = pb.VERSION_STATE_UNLOADING
    UNAVAILABLE = pb.VERSION_STATE_UNAVAILABLE


STATES = [state.name for state in VersionState]


@dataclass(slots=True)
class VersionEntry:
    """One version.

    Attributes:
        version: 1 or more.
        state: whether it answers.
        reason: why it does not; empty when ready.
        servable: what answers, while ready or unloading.
        load_s: seconds from the start of its load to ready; 0 before.
    """

    version: int
    state: VersionState
    reason: str = ""
    servable: Servable | None = None
    load_s: float = 0.0
