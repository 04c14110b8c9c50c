"""Aliases over both protocols and the health service: set by a call, asked by name, refused by field."""

from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode, aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from podium.v1 import model_service_pb2 as pb
from podium_server.oip import messages as oip
from podium_server.versions.serving_file import SERVING, read_serving

from tests.server.publishing import publish, publish_broken
from tests.server.versions.conftest import Running, Serve

NOT_FOUND, INVALID, FAILED = (
    StatusCode.NOT_FOUND, StatusCode.INVALID_ARGUMENT, StatusCode.FAILED_PRECONDITION,
)  # fmt: skip


async def ask(running: Running, method: str, request: Any, answer: Any) -> Any:
    """Call the inference protocol."""
    call: Any = running.channel.unary_unary(
        f"/inference.GRPCInferenceService/{method}",
        request_serializer=type(request).SerializeToString,
        response_deserializer=answer.FromString,
    )
    return await call(request, timeout=30)


async def set_alias(running: Running, **alias: Any) -> Any:
    """Set an alias of "double"."""
    return await running.models.SetAlias(pb.SetAliasRequest(model="double", alias=pb.Alias(**alias)))


async def test_alias_is_a_name_everywhere(repository: Path, serve: Serve) -> None:
    """Calls of tensors, descriptions, readiness and health; answers name the version."""
    for version in (1, 2):
        publish(repository, "double", version, factor=version)
    running = await serve()
    answer = await set_alias(running, name="stable", version=1)
    assert [(alias.name, alias.version) for alias in answer.model.aliases] == [("stable", 1)]
    assert answer.model.default_version == 2
    assert await running.infer("double@stable") == (1, 1.0)
    described = await running.models.GetModel(pb.GetModelRequest(model="double@stable"))
    assert described.version.version == 1
    ready = oip.ModelReadyRequest(name="double@stable")
    assert (await ask(running, "ModelReady", ready, oip.ModelReadyResponse)).ready
    metadata = oip.ModelMetadataRequest(name="double@stable")
    assert (await ask(running, "ModelMetadata", metadata, oip.ModelMetadataResponse)).name == "double"
    health: Any = health_pb2_grpc.HealthStub(running.channel)
    serving = health_pb2.HealthCheckResponse.SERVING
    assert (await health.Check(health_pb2.HealthCheckRequest(service="double@stable"))).status == serving
    gone = await running.models.DeleteAlias(pb.DeleteAliasRequest(model="double", alias="stable"))
    assert not gone.model.aliases
    with pytest.raises(aio.AioRpcError) as error:
        await running.infer("double@stable")
    assert error.value.code() is NOT_FOUND
    with pytest.raises(aio.AioRpcError) as error:
        await health.Check(health_pb2.HealthCheckRequest(service="double@stable"))
    assert error.value.code() is NOT_FOUND


async def test_tensor_request_s_own_id_decides_of_a_canary(repository: Path, serve: Serve) -> None:
    """Half of many ids go to each, and one id always to the same."""
    for version in (1, 2):
        publish(repository, "double", version, factor=version)
    running = await serve()
    await set_alias(running, name="default", version=1, canary=pb.Share(version=2, percent=50))
    first = [await running.infer("double", request_id=str(number)) for number in range(60)]
    second = [await running.infer("double", request_id=str(number)) for number in range(60)]
    assert first == second
    assert {1, 2} == {version for version, _ in first}


@pytest.mark.parametrize(
    ("alias", "code", "says"),
    [
        ({"name": "", "version": 1}, INVALID, "`alias.name` is ''"),
        ({"name": "a/b", "version": 1}, INVALID, "`alias.name` is 'a/b': an alias has 1 to 100 letters"),
        ({"name": "3", "version": 1}, INVALID, "`alias.name` is '3': an alias has 1 to 100 letters"),
        ({"name": "stable"}, INVALID, "`alias.version` is 0: versions are integers of 1 or more"),
        ({"name": "stable", "version": -1}, INVALID, "`alias.version` is -1"),
        ({"name": "stable", "version": 9}, NOT_FOUND, "model 'double' has no version 9; it has 1, 2, 3"),
        ({"name": "stable", "version": 3}, FAILED, "alias 'stable' stays as it is: version 3 is not ready"),
        (
            {"name": "stable", "version": 1, "canary": pb.Share(version=1, percent=10)},
            INVALID,
            "`alias.canary.version` is 1, which answers already",
        ),
        (
            {"name": "stable", "version": 1, "canary": pb.Share(version=2)},
            INVALID,
            "`alias.canary.percent` is 0: give a number above 0, at most 100",
        ),
        (
            {"name": "stable", "version": 1, "shadow": pb.Share(version=2, percent=float("nan"))},
            INVALID,
            "`alias.shadow.percent` is nan",
        ),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_field(
    repository: Path, serve: Serve, alias: dict[str, Any], code: StatusCode, says: str
) -> None:
    """And nothing has changed."""
    for version in (1, 2):
        publish(repository, "double", version)
    publish_broken(repository, "double", 3)
    running = await serve()
    with pytest.raises(aio.AioRpcError) as error:
        await set_alias(running, **alias)
    assert error.value.code() is code
    assert says in str(error.value.details())
    assert not (repository / "double" / SERVING).exists()


async def test_versions_and_aliases_are_not_set_through_one_another(repository: Path, serve: Serve) -> None:
    """The model is named alone."""
    publish(repository, "double", 1)
    running = await serve()
    for name in ("double/1", "double@stable"):
        request = pb.SetAliasRequest(model=name, alias=pb.Alias(name="stable", version=1))
        with pytest.raises(aio.AioRpcError) as error:
            await running.models.SetAlias(request)
        assert error.value.code() is INVALID
        assert "the alias has a field of its own; give the name alone, 'double'" in str(error.value.details())
    assert read_serving(repository / "double").aliases == {}


async def test_models_out_of_memory_are_unavailable_to_triton_s_clients_and_ready_to_be_called(
    repository: Path, serve: Serve
) -> None:
    """The protocol has no word for them; who waits for readiness before calling must not wait for ever."""
    publish(repository, "double", 1)
    running = await serve(memory_budget=10**9)
    index = await ask(running, "RepositoryIndex", oip.RepositoryIndexRequest(), oip.RepositoryIndexResponse)
    (listed,) = index.models
    assert (listed.state, listed.reason) == ("UNAVAILABLE", "not in memory; the first call loads it")
    (model,) = (await running.models.ListModels(pb.ListModelsRequest())).models
    assert model.versions[0].state == pb.VERSION_STATE_DORMANT
    assert model.default_version == 1
    ready = oip.ModelReadyRequest(name="double")
    assert (await ask(running, "ModelReady", ready, oip.ModelReadyResponse)).ready
    metadata = oip.ModelMetadataRequest(name="double")
    described = await ask(running, "ModelMetadata", metadata, oip.ModelMetadataResponse)
    assert [tensor.name for tensor in described.inputs] == ["x"], "asking what it takes loads it"
