"""`inference.GRPCInferenceService`: the Open Inference Protocol v2 for tritonclient, KServe's client, perf_analyzer."""

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from importlib.metadata import version as installed_version
from weakref import WeakKeyDictionary

from podium_server.call import Call
from podium_server.caller import Caller
from podium_server.catalogue import Catalogue
from podium_server.errors import InvalidArgument, ModelNotFound, PodiumError, Unsupported
from podium_server.model_ref import ModelRef, parse_ref, parse_version
from podium_server.oip import messages as oip
from podium_server.oip.description import configure, describe
from podium_server.oip.model import OpenModel
from podium_server.oip.parameters import read_options
from podium_server.oip.pipeline import in_order
from podium_server.oip.statistics import count
from podium_server.servable import Servable
from podium_server.services.stream_part import StreamPart
from podium_server.version_entry import VersionEntry, VersionState

# Of Triton's names for what a server can do beyond the protocol, those that work here.
EXTENSIONS = (
    "binary_tensor_data",
    "classification",
    "model_configuration",
    "model_repository",
    "parameters",
    "schedule_policy",
    "statistics",
)
# Requests of one stream that are in work at a time.
MAX_IN_FLIGHT = 64

LoadRequest = oip.RepositoryModelLoadRequest | oip.RepositoryModelUnloadRequest


class InferenceService:
    """Implements the service.

    Args:
        catalogue: the models.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._models: WeakKeyDictionary[Servable, OpenModel] = WeakKeyDictionary()

    async def ServerLive(self, request: oip.ServerLiveRequest, call: Call) -> oip.ServerLiveResponse:
        """Who answers is alive."""
        del request, call
        return oip.ServerLiveResponse(live=True)

    async def ServerReady(self, request: oip.ServerReadyRequest, call: Call) -> oip.ServerReadyResponse:
        """Whether start-up is over and the server does not drain."""
        del request, call
        return oip.ServerReadyResponse(ready=self._catalogue.ready)

    async def ModelReady(self, request: oip.ModelReadyRequest, call: Call) -> oip.ModelReadyResponse:
        """Whether a model answers; one that is not in the repository is an error."""
        del call
        entry = self._entry(request.name, request.version)
        return oip.ModelReadyResponse(ready=entry.answers)

    async def ServerMetadata(self, request: oip.ServerMetadataRequest, call: Call) -> oip.ServerMetadataResponse:
        """Name, version, and what the server can do."""
        del request, call
        return oip.ServerMetadataResponse(name="podium", version=installed_version("podium"), extensions=EXTENSIONS)

    async def ModelMetadata(self, request: oip.ModelMetadataRequest, call: Call) -> oip.ModelMetadataResponse:
        """A model's versions, inputs and outputs."""
        servable = await self._serve(request.name, request.version, call)
        versions = self._catalogue.models()[servable.name]
        ready = [number for number, entry in versions.items() if entry.answers]
        return describe(servable, ready)

    async def ModelConfig(self, request: oip.ModelConfigRequest, call: Call) -> oip.ModelConfigResponse:
        """A model as Triton's configuration describes it."""
        return oip.ModelConfigResponse(config=configure(await self._serve(request.name, request.version, call)))

    async def ModelStatistics(self, request: oip.ModelStatisticsRequest, call: Call) -> oip.ModelStatisticsResponse:
        """What a version, every version of a model, or everything has done."""
        if request.name and request.version:
            servables = [await self._serve(request.name, request.version, call)]
        else:
            models = self._catalogue.models()
            entries = [entry for versions in models.values() for entry in versions.values()]
            if request.name:
                named = self._entry(request.name, "")  # an alias is one version; a name is all of them
                entries = list(models[request.name].values()) if request.name in models else [named]
            servables = [entry.servable for entry in entries if entry.servable is not None]
        return oip.ModelStatisticsResponse(model_stats=[count(servable) for servable in servables])

    async def ModelInfer(self, request: oip.ModelInferRequest, call: Call) -> oip.ModelInferResponse:
        """Run a model."""
        servable = await self._serve(request.model_name, request.model_version, call, request.id)
        answer = await self._open(servable).infer(request, call.deadline)
        call.answered(servable, preprocess_s=answer.decode_s, run=answer.run, encode_s=answer.encode_s)
        return answer.response

    async def ModelStreamInfer(
        self, requests: AsyncIterator[oip.ModelInferRequest], call: Call
    ) -> AsyncGenerator[oip.ModelStreamInferResponse, None]:
        """Run many requests, of any models, and answer in their order.

        A request's error is its answer, and the stream goes on; it ends the stream where the call's metadata says
        `triton_grpc_error: true`.
        """
        ends_at_error = call.metadata.get("triton_grpc_error", "") == "true"

        async def answer(request: oip.ModelInferRequest) -> oip.ModelStreamInferResponse:
            try:
                with call.working(request):
                    return await self._answer(request, call)
            except PodiumError as error:
                if ends_at_error:
                    raise
                named = oip.ModelInferResponse(
                    id=request.id, model_name=request.model_name, model_version=request.model_version
                )
                return oip.ModelStreamInferResponse(error_message=error.message, infer_response=named)

        async with aclosing(in_order(requests, answer, MAX_IN_FLIGHT)) as responses:
            async for response in responses:
                yield response

    async def RepositoryIndex(self, request: oip.RepositoryIndexRequest, call: Call) -> oip.RepositoryIndexResponse:
        """Every version with its state, or those that are ready."""
        del call
        response = oip.RepositoryIndexResponse()
        for name, versions in self._catalogue.models().items():
            for entry in versions.values():
                if entry.answers or not request.ready:
                    # Clients know Triton's four states alone: what is not in memory is unavailable, and says why.
                    state = VersionState.UNAVAILABLE if entry.state is VersionState.DORMANT else entry.state
                    response.models.add(name=name, version=str(entry.version), state=state.name, reason=entry.reason)
        return response

    async def RepositoryModelLoad(
        self, request: oip.RepositoryModelLoadRequest, call: Call
    ) -> oip.RepositoryModelLoadResponse:
        """Load a model as the repository has it now."""
        del call
        name = _model_name(request)
        overrides = [each for each in request.parameters if each == "config" or each.startswith("file:")]
        if overrides:
            raise Unsupported(
                f"parameter '{overrides[0][:100]}': models are loaded from the server's repository alone; put the "
                "files there"
            )
        await self._catalogue.load(name)
        return oip.RepositoryModelLoadResponse(model_name=name, isLoaded=True)

    async def RepositoryModelUnload(
        self, request: oip.RepositoryModelUnloadRequest, call: Call
    ) -> oip.RepositoryModelUnloadResponse:
        """Unload a model; accepted calls finish first."""
        del call
        name = _model_name(request)
        await self._catalogue.unload(name)
        return oip.RepositoryModelUnloadResponse(model_name=name, isUnloaded=True)

    async def _answer(self, request: oip.ModelInferRequest, call: Call) -> oip.ModelStreamInferResponse:
        """Answer one request of a stream and count it."""
        began = time.monotonic()
        one = StreamPart(call)
        servable = await self._serve(request.model_name, request.model_version, one, request.id)
        try:
            answer = await self._open(servable).infer(request, call.deadline)
        except PodiumError:
            servable.usage.failed(time.monotonic() - began)
            raise
        finally:
            one.let_go()
        servable.usage.answered(
            answer.run,
            total_s=time.monotonic() - began,
            preprocess_s=answer.decode_s,
            encode_s=answer.encode_s,
        )
        if read_options(request.parameters).flag_final:
            answer.response.parameters["triton_final_response"].bool_param = True
        return oip.ModelStreamInferResponse(infer_response=answer.response)

    def _open(self, servable: Servable) -> OpenModel:
        """The version as this protocol runs it; worked out once."""
        model = self._models.get(servable)
        if model is None:
            model = self._models[servable] = OpenModel(servable)
        return model

    async def _serve(self, name: str, version: str, call: Caller, key: str = "") -> Servable:
        """Find who answers: the version that is named, or what the name or its alias means."""
        ref = _ref(name, version, "model_version")
        try:
            return await self._catalogue.serve(ref, call, key)
        except ModelNotFound as error:
            raise _unknown(name, version, error) from error

    def _entry(self, name: str, version: str) -> VersionEntry:
        ref = _ref(name, version, "version")
        try:
            return self._catalogue.entry(ref.name, ref.version, ref.alias)
        except ModelNotFound as error:
            raise _unknown(name, version, error) from error


def _ref(name: str, version: str, field: str) -> ModelRef:
    """A model as this protocol names it: "digits" with a version or without, or "digits@stable"."""
    if version:
        return ModelRef(name, parse_version(version, field))
    return parse_ref(name, "model_name") if "@" in name else ModelRef(name)


def _unknown(name: str, version: str, error: ModelNotFound) -> PodiumError:
    """The catalogue's error with the words that operators look for."""
    if not name:
        return InvalidArgument("the model's name is empty: name one of the repository's models", "model_name")
    which = f" version {version}" if version else ""
    if error.message.startswith("Request for unknown model"):
        return error
    return ModelNotFound(f"Request for unknown model: '{name[:200]}'{which} is not found; {error.message}")


def _model_name(request: LoadRequest) -> str:
    """The model of a load or unload: Triton's field, or KServe's, which Triton's definition calls repository_name."""
    name = request.model_name or request.repository_name
    if not name:
        raise InvalidArgument("the model's name is empty: name one of the repository's models", "model_name")
    if request.model_name and request.repository_name:
        raise Unsupported(
            f"repository_name is '{request.repository_name[:200]}': there is one repository; leave the field out"
        )
    return name
