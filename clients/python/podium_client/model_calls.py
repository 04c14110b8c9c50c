"""The calls that list models, load them, and say which version answers."""

from functools import cached_property

from podium.v1 import model_service_pb2, model_service_pb2_grpc

from podium_client.catalogue import Alias, Model, ModelDescription, Share, alias_message, read_description, read_model
from podium_client.connection import Connection


class ModelCalls(Connection):
    """The calls of `podium.v1.ModelService`."""

    @cached_property
    def _models(self) -> "model_service_pb2_grpc.ModelServiceAsyncStub":
        return model_service_pb2_grpc.ModelServiceStub(self._channel)

    async def models(self, *, timeout: float | None = None) -> list[Model]:
        """List the models of the server's repository, by name, with the state of every version."""
        request = model_service_pb2.ListModelsRequest()
        response = await self._caller.call(self._models.ListModels, request, self._limit_s(timeout))
        return [read_model(model) for model in response.models]

    async def model(self, model: str, *, timeout: float | None = None) -> ModelDescription:
        """Describe one version with its manifest.

        Args:
            model: "name", "name/version" or "name@alias".
            timeout: seconds for the call and its retries; None: the client's.

        Raises:
            ModelNotFoundError: it is not in the repository.
        """
        request = model_service_pb2.GetModelRequest(model=model)
        response = await self._caller.call(self._models.GetModel, request, self._limit_s(timeout))
        return read_description(response)

    async def load(self, model: str, *, timeout: float | None = None) -> Model:
        """Load a model's versions from the repository as it is now, and describe them.

        Raises:
            ModelNotFoundError: the repository has no such model.
            LoadFailedError: none of its versions can be loaded; the message says why.
        """
        request = model_service_pb2.LoadModelRequest(model=model)
        response = await self._caller.call(self._models.LoadModel, request, self._limit_s(timeout))
        return read_model(response.model)

    async def unload(self, model: str, *, timeout: float | None = None) -> Model:
        """Unload a model once its accepted calls are done, and describe it.

        Raises:
            ModelNotFoundError: the repository has no such model.
        """
        request = model_service_pb2.UnloadModelRequest(model=model)
        response = await self._caller.call(self._models.UnloadModel, request, self._limit_s(timeout))
        return read_model(response.model)

    async def set_alias(
        self,
        model: str,
        alias: str,
        version: int,
        *,
        canary: Share | None = None,
        shadow: Share | None = None,
        timeout: float | None = None,
    ) -> Model:
        """Say where the calls of `model@alias` go, from the next one on; whatever was said before is replaced.

        Versions that are not in memory are loaded first, and nothing changes when one of them cannot be served.

        Args:
            model: its name alone.
            alias: such as "stable"; "default" is what the bare name means.
            version: who answers.
            canary: a candidate that answers a share of the calls instead, the same calls by their request ids.
            shadow: a candidate that gets copies of a share of them; the server compares its answers.
            timeout: seconds for the call and its retries; None: the client's.

        Returns:
            The model as it is then.

        Raises:
            ModelNotFoundError: the repository has no such model or version.
            LoadFailedError: a version cannot be served, or the model is unloaded.
            ServerError: the server cannot write its repository.
        """
        message = alias_message(Alias(alias, version, canary, shadow))
        request = model_service_pb2.SetAliasRequest(model=model, alias=message)
        response = await self._caller.call(self._models.SetAlias, request, self._limit_s(timeout))
        return read_model(response.model)

    async def delete_alias(self, model: str, alias: str, *, timeout: float | None = None) -> Model:
        """Take an alias away, and describe the model; without "default" the bare name means the newest version again.

        Raises:
            ModelNotFoundError: there is no such model or alias.
            ServerError: the server cannot write its repository.
        """
        request = model_service_pb2.DeleteAliasRequest(model=model, alias=alias)
        response = await self._caller.call(self._models.DeleteAlias, request, self._limit_s(timeout))
        return read_model(response.model)
