"""What is done to the repository while a server runs: published, copied, spoilt, removed, decided."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode, aio
from podium.v1 import model_service_pb2 as pb
from podium_server.version_entry import VersionState
from podium_server.versions.route import Route
from podium_server.versions.serving_file import Serving, write_serving
from watchfiles import awatch

from tests.server.fakes import PATIENCE_S
from tests.server.publishing import publish, publish_broken, states, until
from tests.server.versions.conftest import Running, Serve

LOADING, READY, UNLOADING, UNAVAILABLE, DORMANT = VersionState


def shown(running: Running, name: str) -> dict[int, VersionState]:
    """The states of a model's versions; none of a model that is not there."""
    return states(running.catalogue, name) if name in running.catalogue.models() else {}


def rename_into_place(repository: Path, name: str, version: int, factor: float) -> None:
    """Publish as `podium export` does: written in a hidden folder, then renamed."""
    hidden = publish(repository / ".publishing", name, version, factor=factor)
    (repository / name).mkdir(exist_ok=True)
    hidden.rename(repository / name / str(version))


def swap(repository: Path, other: Path) -> None:
    """Let two folders take each other's place, as mounts do; where there is no other, an empty one."""
    other.mkdir(exist_ok=True)
    kept = repository.with_name("kept")
    repository.rename(kept)
    other.rename(repository)
    kept.rename(other)


@pytest.mark.parametrize("how", ["events", "polling"])
async def test_versions_and_models_are_served_as_they_come_and_go(repository: Path, serve: Serve, how: str) -> None:
    """Without a restart or a call."""
    publish(repository, "double", 1, factor=1)
    running = await serve(watch=how)
    rename_into_place(repository, "double", 2, factor=2)
    await until(running.catalogue, lambda: shown(running, "double") == {1: READY, 2: READY})
    assert await running.infer("double") == (2, 2.0)
    rename_into_place(repository, "triple", 1, factor=3)
    await until(running.catalogue, lambda: shown(running, "triple") == {1: READY})
    assert await running.infer("triple") == (1, 3.0)
    shutil.rmtree(repository / "double" / "2")
    await until(running.catalogue, lambda: shown(running, "double") == {1: READY})
    assert await running.infer("double") == (1, 1.0)
    shutil.rmtree(repository / "triple")
    await until(running.catalogue, lambda: not shown(running, "triple"))
    with pytest.raises(aio.AioRpcError) as error:
        await running.infer("triple")
    assert error.value.code() is StatusCode.NOT_FOUND


async def test_copies_and_repairs_are_taken_up(repository: Path, serve: Serve, tmp_path: Path) -> None:
    """`cp -r` is not one step; a version that was broken answers once it is put right."""
    publish(repository, "double", 1, factor=1)
    whole = publish(tmp_path / "elsewhere", "double", 2, factor=2)
    running = await serve()
    shutil.copytree(whole, repository / "double" / "2")
    await until(running.catalogue, lambda: shown(running, "double") == {1: READY, 2: READY})
    broken = publish_broken(repository, "double", 3)
    await until(running.catalogue, lambda: shown(running, "double") == {1: READY, 2: READY, 3: UNAVAILABLE})
    assert await running.infer("double") == (2, 2.0)
    shutil.rmtree(broken)
    publish(repository, "double", 3, factor=3)
    await until(running.catalogue, lambda: shown(running, "double") == {1: READY, 2: READY, 3: READY})
    assert await running.infer("double") == (3, 3.0)


async def test_files_beside_the_versions_are_told(
    repository: Path, serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Who copies a version to where its model belongs learns it from the log, until the next one is served."""
    publish(repository, "double", 1)
    running = await serve()
    shutil.copytree(publish(tmp_path / "elsewhere", "triple", 1, factor=3), repository / "triple")
    async with asyncio.timeout(PATIENCE_S):
        while "folder 'triple' is not served: its files must lie in a version, such as triple/1/" not in caplog.text:
            assert await running.infer("double") == (1, 2.0)
    publish(repository, "triple", 1, factor=3)
    await until(running.catalogue, lambda: shown(running, "triple") == {1: READY})


async def test_decisions_are_followed_wherever_they_were_made(repository: Path, serve: Serve) -> None:
    """Another server of the same repository sets an alias; this one follows."""
    for version in (1, 2):
        publish(repository, "double", version, factor=version)
    running, other = await serve(), await serve()
    assert await running.infer("double") == (2, 2.0)
    alias = pb.Alias(name="default", version=1)
    await other.models.SetAlias(pb.SetAliasRequest(model="double", alias=alias))
    await until(running.catalogue, lambda: running.catalogue.aliases("double") == {"default": Route(1)})
    assert await running.infer("double") == (1, 1.0)


async def test_unloaded_model_is_not_loaded_by_the_watch(repository: Path, serve: Serve) -> None:
    """Files of it that change nothing, and other models, are no reason."""
    publish(repository, "double", 1)
    running = await serve()
    await running.models.UnloadModel(pb.UnloadModelRequest(model="double"))
    write_serving(repository / "double", Serving(None, {"stable": Route(1)}))
    await until(running.catalogue, lambda: bool(running.catalogue.aliases("double")))
    publish(repository, "other", 1)
    await until(running.catalogue, lambda: shown(running, "other") == {1: READY})
    assert shown(running, "double") == {1: UNAVAILABLE}
    await running.models.LoadModel(pb.LoadModelRequest(model="double"))
    assert await running.infer("double@stable") == (1, 2.0)


async def test_unwatched_repository_is_left_alone(repository: Path, serve: Serve) -> None:
    """`watch = off`: what is new waits for a call of LoadModel."""
    publish(repository, "double", 1, factor=1)
    running, watching = await serve(watch="off"), await serve()
    rename_into_place(repository, "double", 2, factor=2)
    await until(watching.catalogue, lambda: shown(watching, "double") == {1: READY, 2: READY})
    assert shown(running, "double") == {1: READY}
    await running.models.LoadModel(pb.LoadModelRequest(model="double"))
    assert await running.infer("double") == (2, 2.0)


async def test_events_that_cannot_be_had_are_replaced_by_polling(
    repository: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As where the system's number of watches is used up."""

    def without_events(*paths: Path, force_polling: bool, **options: Any) -> object:
        if not force_polling:
            raise OSError(28, "OS file watch limit reached")
        return awatch(*paths, force_polling=True, **options)

    monkeypatch.setattr("podium_server.versions.watch.awatch", without_events)
    publish(repository, "double", 1)
    running = await serve()
    rename_into_place(repository, "double", 2, factor=5)
    await until(running.catalogue, lambda: shown(running, "double") == {1: READY, 2: READY})
    assert "cannot be had ([Errno 28] OS file watch limit reached): looking every 50 ms" in caplog.text


@pytest.mark.parametrize("how", ["events", "polling"])
async def test_folder_in_the_repositorys_place_is_followed(
    repository: Path, serve: Serve, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As after a mount, or when a link is moved: what it holds is served, and what comes into it later."""
    publish(repository, "double", 1, factor=1)
    publish(repository, "single", 1, factor=1)
    running = await serve(watch=how)
    other = repository.with_name("other")
    publish(other, "double", 1, factor=1)
    publish(other, "double", 2, factor=2)
    swap(repository, other)
    await until(running.catalogue, lambda: shown(running, "double") == {1: READY, 2: READY})
    await until(running.catalogue, lambda: not shown(running, "single"))
    rename_into_place(repository, "double", 3, factor=3)
    await until(running.catalogue, lambda: shown(running, "double") == {1: READY, 2: READY, 3: READY})
    assert f"another folder is {repository} now" in caplog.text


@pytest.mark.parametrize("how", ["events", "polling"])
async def test_repository_that_goes_and_comes_back_unloads_nothing(
    repository: Path, serve: Serve, tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """An empty folder in its place, as where a volume is not mounted, is none; the log tells of it."""
    publish(repository, "double", 1, factor=1)
    running = await serve(watch=how)
    other = tmp_path / "empty"
    swap(repository, other)
    async with asyncio.timeout(PATIENCE_S):
        while "is missing or empty: what is loaded goes on answering" not in caplog.text:
            assert await running.infer("double") == (1, 1.0)
    swap(repository, other)
    rename_into_place(repository, "double", 2, factor=2)
    await until(running.catalogue, lambda: shown(running, "double") == {1: READY, 2: READY})


async def test_server_that_stops_looks_no_more(repository: Path, serve: Serve) -> None:
    """What is published while it drains is for the next one."""
    publish(repository, "double", 1)
    running = await serve()
    rename_into_place(repository, "double", 2, factor=2)
    await running.server.stop()
    assert all(state is UNAVAILABLE for state in shown(running, "double").values())
    assert set(shown(running, "double")) == {1}
