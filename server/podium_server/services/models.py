"""`podium.v1.ModelService`: lists, describes, loads and unloads models."""

from collections.abc import Mapping

from podium.v1 import model_service_pb2 as pb

from podium_server.catalogue import Catalogue
from podium_server.errors import InvalidArgument
from podium_server.model_ref import parse_ref
from podium_server.rpc import Call
from podium_server.servable import Servable
from podium_server.version_entry import VersionEntry


class ModelService:
    """Implements the service.

    Args:
        catalogue: the models.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    async def ListModels(self, request: pb.ListModelsRequest, call: Call) -> pb.ListModelsResponse:  # noqa: N802
        """List every model with the state of its versions."""
        del request, call
        return pb.ListModelsResponse(models=[self._model(name) for name in self._catalogue.models()])

    async def GetModel(self, request: pb.GetModelRequest, call: Call) -> pb.GetModelResponse:  # noqa: N802
        """Describe one version; its manifest is there once it is loaded."""
        del call
        ref = parse_ref(request.model)
        if ref.alias is not None:
            self._catalogue.resolve_ref(request.model)
        entry = self._catalogue.entry(ref.name, ref.version)
        manifest = entry.servable.manifest if entry.servable else None
        return pb.GetModelResponse(name=ref.name, version=_version(entry), manifest=manifest)

    async def LoadModel(self, request: pb.LoadModelRequest, call: Call) -> pb.LoadModelResponse:  # noqa: N802
        """Load a model as the repository has it now."""
        del call
        name = _bare_name(request.model)
        await self._catalogue.load(name)
        return pb.LoadModelResponse(model=self._model(name))

    async def UnloadModel(self, request: pb.UnloadModelRequest, call: Call) -> pb.UnloadModelResponse:  # noqa: N802
        """Unload a model; accepted calls finish first."""
        del call
        name = _bare_name(request.model)
        await self._catalogue.unload(name)
        return pb.UnloadModelResponse(model=self._model(name))

    def _model(self, name: str) -> pb.Model:
        versions: Mapping[int, VersionEntry] = self._catalogue.models().get(name, {})
        default = self._catalogue.default(name)
        return pb.Model(
            name=name,
            versions=[_version(entry) for entry in versions.values()],
            default_version=default.version if default else 0,
        )


def _bare_name(text: str) -> str:
    ref = parse_ref(text)
    if ref.version is not None or ref.alias is not None:
        raise InvalidArgument(
            f"`model` is {text!r}: all versions are loaded and unloaded together; give the name alone, '{ref.name}'",
            "model",
        )
    return ref.name


def _version(entry: VersionEntry) -> pb.ModelVersion:
    state = pb.VersionState.Name(int(entry.state))
    message = pb.ModelVersion(version=entry.version, state=state, reason=entry.reason, load_s=entry.load_s)
    if entry.servable is not None:
        message.task = entry.servable.manifest.task
        message.execution_provider = entry.servable.provider
        message.plans.extend(_plans(entry.servable))
    return message


def _plans(servable: Servable) -> list[pb.ExecutionPlan]:
    return [
        pb.ExecutionPlan(
            graph=graph,
            max_batch_rows=plan.max_batch_rows,
            num_sessions=plan.layout.num_sessions,
            num_threads=plan.layout.num_threads,
            rows_per_second=plan.rows_per_second,
            source=plan.source,
        )
        for graph, plan in servable.plans.items()
    ]
