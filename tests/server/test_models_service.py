"""`podium.v1.ModelService` over a real channel: what is served, and loading and unloading it."""

import hashlib
import platform
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import onnxruntime
import pytest
from grpc import StatusCode, aio
from podium.v1 import model_manifest_pb2 as manifest_pb
from podium.v1 import model_service_pb2 as pb
from podium.v1 import model_service_pb2_grpc as stubs
from podium_server.catalogue import Catalogue
from podium_server.gate import Gate
from podium_server.metrics import Metrics
from podium_server.rpc import handlers
from podium_server.services.models import ModelService

from tests.server.conftest import MakeCatalogue
from tests.server.packages import write_package


@pytest.fixture
async def catalogue(repository: Path, make_catalogue: MakeCatalogue) -> Catalogue:
    """A model of two versions, and one that is broken."""
    for version in (1, 2):
        write_package(repository / "double" / str(version), manifest={"description": f"Number {version}."})
    write_package(repository / "bad" / "1")
    (repository / "bad" / "1" / "model.onnx").write_bytes(b"junk")
    catalogue = make_catalogue()
    await catalogue.start()
    return catalogue


@pytest.fixture
async def models(catalogue: Catalogue, metrics: Metrics) -> AsyncIterator[Any]:
    """A stub of the service."""
    server = aio.server()
    descriptor = pb.DESCRIPTOR.services_by_name["ModelService"]
    server.add_generic_rpc_handlers([handlers(descriptor, ModelService(catalogue), metrics=metrics, gate=Gate())])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield stubs.ModelServiceStub(channel)
    await server.stop(None)


async def refused(call: Any) -> tuple[StatusCode, str]:
    with pytest.raises(aio.AioRpcError) as error:
        await call
    return error.value.code(), str(error.value.details())


def get(name: str) -> pb.GetModelRequest:
    return pb.GetModelRequest(model=name)


async def test_list_has_every_model_with_its_versions(models: Any) -> None:
    """By name, oldest version first; the default is the newest ready one, and 0 where there is none."""
    response = await models.ListModels(pb.ListModelsRequest())
    listed = {m.name: ([v.version for v in m.versions], m.default_version) for m in response.models}
    assert list(listed.items()) == [("bad", ([1], 0)), ("double", ([1, 2], 2))]
    (broken,), ready = response.models[0].versions, response.models[1].versions[0]
    assert broken.state == pb.VERSION_STATE_UNAVAILABLE
    assert "'model.onnx' has 4 bytes" in broken.reason
    assert not broken.plans
    assert (ready.state, ready.reason) == (pb.VERSION_STATE_READY, "")
    assert (ready.task, ready.execution_provider) == (manifest_pb.TASK_TENSOR, "CPUExecutionProvider")
    assert ready.load_s > 0


async def test_list_shows_how_each_graph_is_run(models: Any) -> None:
    """What was measured, or set by the operator."""
    response = await models.ListModels(pb.ListModelsRequest())
    (plan,) = response.models[1].versions[0].plans
    assert (plan.graph, plan.max_batch_rows, plan.num_sessions, plan.num_threads) == ("model", 4, 1, 1)
    assert plan.source == "configured"


async def test_model_is_described_by_name_or_version(models: Any) -> None:
    """The bare name means the default version."""
    for name, version in (("double", 2), ("double/1", 1)):
        response = await models.GetModel(get(name))
        assert (response.name, response.version.version) == ("double", version)
        assert response.manifest.description == f"Number {version}."
        assert response.manifest.graphs[0].inputs[0].name == "x"


async def test_model_is_described_with_its_digest_and_what_runs_it(models: Any, repository: Path) -> None:
    """The digest is what `sha256sum` prints of what `sha256sum` prints of the files; a broken version has none."""
    response = await models.GetModel(get("double/1"))
    files = sorted(path for path in (repository / "double" / "1").iterdir() if path.name != "model.json")
    printed = "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)
    assert response.model_digest == hashlib.sha256(printed.encode()).hexdigest()
    assert response.machine == platform.machine()
    assert response.runtime_versions["onnxruntime"] == onnxruntime.__version__
    assert (await models.GetModel(get("bad"))).model_digest == ""


async def test_broken_version_is_described_without_a_manifest(models: Any) -> None:
    """Its state and reason are the answer, not an error."""
    response = await models.GetModel(get("bad"))
    assert response.version.state == pb.VERSION_STATE_UNAVAILABLE
    assert "model.onnx" in response.version.reason
    assert not response.HasField("manifest")


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [
        ("triple", StatusCode.NOT_FOUND, "the repository has: bad, double"),
        ("double/9", StatusCode.NOT_FOUND, "has no version 9; it has 1, 2"),
        ("double@stable", StatusCode.NOT_FOUND, "has no alias 'stable'"),
        ("", StatusCode.INVALID_ARGUMENT, "`model`"),
        ("double/zero", StatusCode.INVALID_ARGUMENT, "versions are integers of 1 or more"),
    ],
)
async def test_what_is_not_there_is_told_apart_from_what_is_no_name(
    models: Any, name: str, code: StatusCode, text: str
) -> None:
    """Each message says what would be right."""
    found, message = await refused(models.GetModel(get(name)))
    assert found is code
    assert text in message


async def test_model_is_unloaded_and_loaded(models: Any) -> None:
    """Each answers with the model as it is then."""
    unloaded = await models.UnloadModel(pb.UnloadModelRequest(model="double"))
    assert {v.state for v in unloaded.model.versions} == {pb.VERSION_STATE_UNAVAILABLE}
    assert unloaded.model.default_version == 0
    described = await models.GetModel(get("double"))
    assert described.version.reason == "unloaded"
    loaded = await models.LoadModel(pb.LoadModelRequest(model="double"))
    assert {v.state for v in loaded.model.versions} == {pb.VERSION_STATE_READY}
    assert loaded.model.default_version == 2


async def test_load_takes_a_model_that_came_after_the_start(models: Any, repository: Path) -> None:
    """No restart is needed."""
    assert (await refused(models.LoadModel(pb.LoadModelRequest(model="new"))))[0] is StatusCode.NOT_FOUND
    write_package(repository / "new" / "5")
    loaded = await models.LoadModel(pb.LoadModelRequest(model="new"))
    assert loaded.model.default_version == 5


async def test_model_that_cannot_be_loaded_is_a_failed_precondition(models: Any) -> None:
    """With the reason of each version."""
    code, message = await refused(models.LoadModel(pb.LoadModelRequest(model="bad")))
    assert code is StatusCode.FAILED_PRECONDITION
    assert message.startswith("failed to load 'bad': version 1: 'model.onnx' has 4 bytes")


@pytest.mark.parametrize("name", ["double/1", "double@stable", "", "../double"])
async def test_versions_are_not_loaded_or_unloaded_one_by_one(models: Any, name: str) -> None:
    """A bare name is asked for, and nothing is touched."""
    for call in (
        models.LoadModel(pb.LoadModelRequest(model=name)),
        models.UnloadModel(pb.UnloadModelRequest(model=name)),
    ):
        assert (await refused(call))[0] is StatusCode.INVALID_ARGUMENT
    response = await models.GetModel(get("double/1"))
    assert response.version.state == pb.VERSION_STATE_READY
