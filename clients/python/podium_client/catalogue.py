"""The models of a server: typed, frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from podium.v1 import model_manifest_pb2, model_service_pb2


class VersionState(StrEnum):
    """Whether a version answers; a dormant one does once the first call has had it loaded."""

    UNSPECIFIED = "unspecified"
    LOADING = "loading"
    READY = "ready"
    UNLOADING = "unloading"
    UNAVAILABLE = "unavailable"
    DORMANT = "dormant"


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
class Share:
    """A part of an alias's calls.

    Attributes:
        version: the candidate that gets them, or copies of them.
        percent: how many of a hundred, above 0 and at most 100.
    """

    version: int
    percent: float


@dataclass(frozen=True, slots=True)
class Alias:
    """Where the calls of `model@name` go; of the name "default", those of the bare name.

    Attributes:
        name: such as "stable".
        version: who answers.
        canary: a candidate that answers a share of the calls, chosen by their request ids; None: nobody.
        shadow: a candidate that gets copies of a share of them, whose answers the server compares; None: nobody.
    """

    name: str
    version: int
    canary: Share | None = None
    shadow: Share | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """A model of the repository.

    Attributes:
        name: the folder's name.
        versions: oldest first.
        default_version: what the bare name means: what its alias "default" says, or else the newest that answers;
            None when none does.
        aliases: by name.
    """

    name: str
    versions: tuple[ModelVersion, ...]
    default_version: int | None
    aliases: tuple[Alias, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """One version with everything that its package says of itself.

    Attributes:
        name: the model's name.
        version: the version described.
        manifest: the package's manifest, a `podium.v1.ModelManifest`.
        digest: names the version by its files: equal where they are; empty where it lists none, or is not loaded.
        machine: the kind of the server's machine, such as "x86_64".
        runtime_versions: of podium and of what it stands on there, by name.
    """

    name: str
    version: ModelVersion
    manifest: model_manifest_pb2.ModelManifest
    digest: str
    machine: str
    runtime_versions: Mapping[str, str]


def read_model(message: model_service_pb2.Model) -> Model:
    """Read one model."""
    return Model(
        name=message.name,
        versions=tuple(read_version(version) for version in message.versions),
        default_version=message.default_version or None,
        aliases=tuple(_alias(alias) for alias in message.aliases),
    )


def read_description(message: model_service_pb2.GetModelResponse) -> ModelDescription:
    """Read one version with all that is told of it."""
    return ModelDescription(
        name=message.name,
        version=read_version(message.version),
        manifest=message.manifest,
        digest=message.model_digest,
        machine=message.machine,
        runtime_versions=dict(message.runtime_versions),
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


def alias_message(alias: Alias) -> model_service_pb2.Alias:
    """Write one alias."""
    message = model_service_pb2.Alias(name=alias.name, version=alias.version)
    if alias.canary is not None:
        message.canary.version, message.canary.percent = alias.canary.version, alias.canary.percent
    if alias.shadow is not None:
        message.shadow.version, message.shadow.percent = alias.shadow.version, alias.shadow.percent
    return message


def _alias(message: model_service_pb2.Alias) -> Alias:
    return Alias(
        message.name,
        message.version,
        _share(message.canary) if message.HasField("canary") else None,
        _share(message.shadow) if message.HasField("shadow") else None,
    )


def _share(message: model_service_pb2.Share) -> Share:
    return Share(message.version, message.percent)


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
