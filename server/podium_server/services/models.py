"""`podium.v1.ModelService`: lists, describes, loads and unloads models, and says which version answers."""

import platform
from collections.abc import Mapping

from podium.v1 import model_service_pb2 as pb

from podium_server.call import Call
from podium_server.catalogue import Catalogue
from podium_server.errors import InvalidArgument
from podium_server.model_digest import model_digest
from podium_server.model_ref import ALIAS, ALIAS_RULE, parse_ref
from podium_server.runtime.versions import runtime_versions
from podium_server.servable import Servable
from podium_server.version_entry import VersionEntry
from podium_server.versions.route import Route, Share


class ModelService:
    """Implements the service.

    Args:
        catalogue: the models.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._versions = runtime_versions()

    async def ListModels(self, request: pb.ListModelsRequest, call: Call) -> pb.ListModelsResponse:
        """List every model with the state of its versions."""
        del request, call
        return pb.ListModelsResponse(models=[self._model(name) for name in self._catalogue.models()])

    async def GetModel(self, request: pb.GetModelRequest, call: Call) -> pb.GetModelResponse:
        """Describe one version; its manifest is there once it is loaded."""
        del call
        ref = parse_ref(request.model)
        entry = self._catalogue.entry(ref.name, ref.version, ref.alias)
        manifest = entry.servable.manifest if entry.servable else None
        return pb.GetModelResponse(
            name=ref.name,
            version=_version(entry),
            manifest=manifest,
            model_digest=model_digest(manifest) if manifest else "",
            machine=platform.machine(),
            runtime_versions=self._versions,
        )

    async def LoadModel(self, request: pb.LoadModelRequest, call: Call) -> pb.LoadModelResponse:
        """Load a model as the repository has it now."""
        del call
        name = _bare_name(request.model, "all versions are loaded and unloaded together")
        await self._catalogue.load(name)
        return pb.LoadModelResponse(model=self._model(name))

    async def UnloadModel(self, request: pb.UnloadModelRequest, call: Call) -> pb.UnloadModelResponse:
        """Unload a model; accepted calls finish first."""
        del call
        name = _bare_name(request.model, "all versions are loaded and unloaded together")
        await self._catalogue.unload(name)
        return pb.UnloadModelResponse(model=self._model(name))

    async def SetAlias(self, request: pb.SetAliasRequest, call: Call) -> pb.SetAliasResponse:
        """Say where the calls of an alias go."""
        del call
        name = _bare_name(request.model, "the alias has a field of its own")
        alias = _alias_name(request.alias.name, "alias.name")
        await self._catalogue.set_alias(name, alias, _read_route(request.alias))
        return pb.SetAliasResponse(model=self._model(name))

    async def DeleteAlias(self, request: pb.DeleteAliasRequest, call: Call) -> pb.DeleteAliasResponse:
        """Take an alias away."""
        del call
        name = _bare_name(request.model, "the alias has a field of its own")
        await self._catalogue.delete_alias(name, _alias_name(request.alias, "alias"))
        return pb.DeleteAliasResponse(model=self._model(name))

    def _model(self, name: str) -> pb.Model:
        versions: Mapping[int, VersionEntry] = self._catalogue.models().get(name, {})
        default = self._catalogue.default(name)
        return pb.Model(
            name=name,
            versions=[_version(entry) for entry in versions.values()],
            default_version=default.version if default else 0,
            aliases=[_alias(alias, route) for alias, route in sorted(self._catalogue.aliases(name).items())],
        )


def _bare_name(text: str, why: str) -> str:
    ref = parse_ref(text)
    if ref.version is not None or ref.alias is not None:
        raise InvalidArgument(f"`model` is {text!r}: {why}; give the name alone, '{ref.name}'", "model")
    return ref.name


def _alias_name(text: str, field: str) -> str:
    if not ALIAS.fullmatch(text):
        message = f"`{field}` is {text[:200]!r}: {ALIAS_RULE}; such as 'stable', or 'default' for the bare name"
        raise InvalidArgument(message, field)
    return text


def _read_route(alias: pb.Alias) -> Route:
    canary = _read_share(alias.canary, alias.version, "alias.canary") if alias.HasField("canary") else None
    shadow = _read_share(alias.shadow, alias.version, "alias.shadow") if alias.HasField("shadow") else None
    return Route(_read_version(alias.version, "alias.version"), canary, shadow)


def _read_share(share: pb.Share, answering: int, field: str) -> Share:
    version = _read_version(share.version, f"{field}.version")
    if version == answering:
        message = f"`{field}.version` is {version}, which answers already: name another version, or leave `{field}` out"
        raise InvalidArgument(message, f"{field}.version")
    if not 0 < share.percent <= 100:  # NaN too is not
        message = f"`{field}.percent` is {share.percent:g}: give a number above 0, at most 100"
        raise InvalidArgument(message, f"{field}.percent")
    return Share(version, share.percent)


def _read_version(version: int, field: str) -> int:
    if version < 1:
        raise InvalidArgument(f"`{field}` is {version}: versions are integers of 1 or more", field)
    return version


def _alias(name: str, route: Route) -> pb.Alias:
    message = pb.Alias(name=name, version=route.version)
    for share, field in ((route.canary, message.canary), (route.shadow, message.shadow)):
        if share is not None:
            field.version, field.percent = share.version, share.percent
    return message


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
