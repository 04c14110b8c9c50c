"""The models of a server: typed, frozen values."""

from dataclasses import dataclass
from enum import StrEnum

from podium.v1 import model_manifest_pb2, model_service_pb2


class VersionState(StrEnum):
    """Whether a version answers."""

    UNSPECIFIED = "unspecified"
    LOADING = "loading"
    READY = "ready"
    UNLOADING = "unloading"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class ExecutionPlan:
    """How one graph is run.

    Attributes:
        graph: the graph's name.
        max_batch_rows: the most rows that one run takes.
        num_sessions: sessions that run side by side.
        num_threads: threads inside each session.
        rows_per_second: of this plan, as measured; 0 when it was not.
        source: "measured", "remembered" or "configured".
    """

    graph: str
    max_batch_rows: int
    num_sessions: int
    num_threads: int
    rows_per_second: float
    source: str


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version of a model.

    Attributes:
        version: 1 or more.
        state: whether it answers.
        reason: why it does not; empty when ready.
        task: what it is for, such as "image-classification".
        execution_provider: what runs it; empty until loaded.
        plans: how its graphs are run; empty until loaded.
        load_s: seconds from start of load to ready; 0 until loaded.
    """

    version: int
    state: VersionState
    reason: str
    task: str
    execution_provider: str
    plans: tuple[ExecutionPlan, ...]
    load_s: float


@dataclass(frozen=True, slots=True)
class Model:
    """A model of the repository.

    Attributes:
        name: the folder's name.
        versions: oldest first.
        default_version: what the bare name means: the newest ready version; None when none is ready.
    """

    name: str
    versions: tuple[ModelVersion, ...]
    default_version: int | None


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """One version with everything that its package says of itself.

    Attributes:
        name: the model's name.
        version: the version described.
        manifest: the package's manifest, a `podium.v1.ModelManifest`.
    """

    name: str
    version: ModelVersion
    manifest: model_manifest_pb2.ModelManifest


def read_model(message: model_service_pb2.Model) -> Model:
    """Read one model."""
    return Model(
        name=message.name,
        versions=tuple(read_version(version) for version in message.versions),
        default_version=message.default_version or None,
    )


def read_version(message: model_service_pb2.ModelVersion) -> ModelVersion:
    """Read one version; a state or task that this client does not know yet is kept readable."""
    return ModelVersion(
        version=message.version,
        state=_state(message.state),
        reason=message.reason,
        task=_task(message.task),
        execution_provider=message.execution_provider,
        plans=tuple(
            ExecutionPlan(
                plan.graph,
                plan.max_batch_rows,
                plan.num_sessions,
                plan.num_threads,
                plan.rows_per_second,
                plan.source,
            )
            for plan in message.plans
        ),
        load_s=message.load_s,
    )


def _state(number: model_service_pb2.VersionState) -> VersionState:
    try:
        name = model_service_pb2.VersionState.Name(number)
    except ValueError:  # a newer server's
        return VersionState.UNSPECIFIED
    return VersionState(name.removeprefix("VERSION_STATE_").lower())


def _task(number: model_manifest_pb2.Task) -> str:
    try:
        name = model_manifest_pb2.Task.Name(number)
    except ValueError:  # a newer server's
        return f"task-{number}"
    return name.removeprefix("TASK_").lower().replace("_", "-")
