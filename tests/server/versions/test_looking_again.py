"""What a changed repository does to what is served: taken up, let go of, or left alone."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from podium_server.catalogue import Catalogue
from podium_server.errors import ModelNotFound, NotReady
from podium_server.metrics import Metrics
from podium_server.servable import Servable
from podium_server.version_entry import VersionState
from podium_server.versions.policy import Policy

from tests.server.conftest import MakeCatalogue, MakeLoader
from tests.server.packages import GOLDEN_X as GOLDEN
from tests.server.publishing import factor, heard, publish, publish_broken, states
from tests.server.versions.callers import FakeCall

LOADING, READY, UNLOADING, UNAVAILABLE, DORMANT = VersionState


async def test_new_and_removed_versions_and_models_are_taken_up(
    repository: Path, make_catalogue: MakeCatalogue
) -> None:
    """What stays is the same object: nobody's calls are touched."""
    publish(repository, "double", 1, factor=1)
    catalogue = make_catalogue()
    await catalogue.start()
    kept = catalogue.resolve("double", 1)
    publish(repository, "double", 2, factor=2)
    publish(repository, "triple", 1, factor=3)
    for name in ("double", "triple"):
        await catalogue.look_again(name)
    assert await factor(catalogue, "double") == 2
    assert await factor(catalogue, "triple") == 3
    assert catalogue.resolve("double", 1) is kept
    shutil.rmtree(repository / "double" / "2")
    shutil.rmtree(repository / "triple")
    for name in ("double", "triple"):
        await catalogue.look_again(name)
    assert await factor(catalogue, "double") == 1
    with pytest.raises(ModelNotFound, match="'triple' is not found; the repository has: double"):
        catalogue.resolve("triple")


async def test_half_a_copy_is_reported_and_taken_up_when_it_is_whole(
    repository: Path, make_catalogue: MakeCatalogue, tmp_path: Path
) -> None:
    """As `cp -r` makes it, file by file; the good version answers all the while."""
    publish(repository, "double", 1, factor=1)
    whole = publish(tmp_path / "elsewhere", "double", 2, factor=2)
    catalogue = make_catalogue()
    await catalogue.start()
    copy = repository / "double" / "2"
    copy.mkdir()
    for name in ("model.json", "golden.npz", "model.onnx"):
        data = (whole / name).read_bytes()
        (copy / name).write_bytes(data[: len(data) // 2])
        await catalogue.look_again("double")
        assert states(catalogue, "double") == {1: READY, 2: UNAVAILABLE}
        assert await factor(catalogue, "double") == 1
        (copy / name).write_bytes(data)
    await catalogue.look_again("double")
    assert states(catalogue, "double") == {1: READY, 2: READY}
    assert await factor(catalogue, "double") == 2


async def test_broken_version_is_tried_again_only_when_its_files_change(
    repository: Path, make_loader: MakeLoader, metrics: Metrics
) -> None:
    """Loading it again would fail again, and be in the log again."""
    loader, tried = make_loader(), list[int]()

    async def load(name: str, version: int, path: Path) -> Servable:
        tried.append(version)
        return await loader.load(name, version, path)

    publish(repository, "double", 1)
    folder = publish_broken(repository, "double", 2)
    catalogue = Catalogue(repository, Policy(), load, metrics)
    await catalogue.start()
    for _ in range(3):
        await catalogue.look_again("double")
    assert sorted(tried) == [1, 2]
    os.utime(folder / "model.onnx", ns=(1, 1))
    await catalogue.look_again("double")
    assert sorted(tried) == [1, 2, 2]
    await catalogue.close()


async def test_files_that_change_while_they_are_read_are_not_served(
    repository: Path, make_loader: MakeLoader, metrics: Metrics
) -> None:
    """What was loaded may be half of one thing and half of another."""
    loader = make_loader()

    async def load(name: str, version: int, path: Path) -> Servable:
        servable = await loader.load(name, version, path)
        if not (path / "late").exists():
            (path / "late").touch()
        return servable

    publish(repository, "double", 1)
    catalogue = Catalogue(repository, Policy(), load, metrics)
    await catalogue.start()
    assert "its files changed while they were read" in catalogue.entry("double").reason
    await catalogue.look_again("double")
    assert states(catalogue, "double") == {1: READY}
    await catalogue.close()


async def test_version_whose_files_change_is_served_as_it_was(
    repository: Path, make_catalogue: MakeCatalogue, caplog: pytest.LogCaptureFixture
) -> None:
    """The same version gives the same answer; who changes it is told once to publish a new one."""
    folder = publish(repository, "double", 1, factor=2)
    catalogue = make_catalogue()
    await catalogue.start()
    shutil.rmtree(folder)
    publish(repository, "double", 1, factor=5)
    for _ in range(2):
        await catalogue.look_again("double")
    assert await factor(catalogue, "double") == 2
    assert caplog.text.count("its files changed after it was loaded; it is served as it was") == 1


async def test_unloaded_model_stays_unloaded_until_its_files_change(
    repository: Path, make_catalogue: MakeCatalogue
) -> None:
    """A new version is a change, and is served; those that were unloaded stay so until somebody asks."""
    for version in (1, 2):
        publish(repository, "double", version, factor=version)
    catalogue = make_catalogue("latest:2")
    await catalogue.start()
    await catalogue.unload("double")
    await catalogue.look_again("double")
    assert states(catalogue, "double") == {1: UNAVAILABLE, 2: UNAVAILABLE}
    publish(repository, "double", 3, factor=3)
    await catalogue.look_again("double")
    assert states(catalogue, "double") == {2: UNAVAILABLE, 3: READY}
    await catalogue.load("double")
    assert states(catalogue, "double") == {2: READY, 3: READY}


async def test_older_versions_do_not_take_the_place_of_unloaded_ones(
    repository: Path, make_catalogue: MakeCatalogue
) -> None:
    """`latest` counts what was unloaded as served: it would answer if nobody had said otherwise."""
    for version in (1, 2):
        publish(repository, "double", version, factor=version)
    catalogue = make_catalogue("latest")
    await catalogue.start()
    await catalogue.unload("double")
    await catalogue.look_again("double")
    assert states(catalogue, "double") == {2: UNAVAILABLE}


async def test_older_version_takes_the_place_of_a_removed_one(repository: Path, make_catalogue: MakeCatalogue) -> None:
    """`latest:N` is the newest N that can be served, at any time."""
    for version in (1, 2):
        publish(repository, "double", version, factor=version)
    catalogue = make_catalogue("latest")
    await catalogue.start()
    shutil.rmtree(repository / "double" / "2")
    await catalogue.look_again("double")
    assert await factor(catalogue, "double") == 1


async def test_removed_version_finishes_its_calls_first(repository: Path, make_catalogue: MakeCatalogue) -> None:
    """A call that has found its version may run it, however late; new calls go elsewhere meanwhile."""
    for version in (1, 2):
        publish(repository, "double", version, factor=version)
    catalogue = make_catalogue()
    await catalogue.start()
    call = FakeCall()
    servable = await catalogue.serve("double", call)
    gone = heard(catalogue, "double", 2, UNLOADING)
    shutil.rmtree(repository / "double" / "2")
    looking = asyncio.ensure_future(catalogue.look_again("double"))
    await gone.wait()
    assert await factor(catalogue, "double") == 1
    with pytest.raises(NotReady, match="version 2 is unloading"):
        await catalogue.serve("double/2", FakeCall())
    publish(repository, "double", 3, factor=3)
    await catalogue.look_again("double")  # the next version does not wait for those calls
    assert await factor(catalogue, "double") == 3
    assert not looking.done()
    assert (await servable.batchers["model"].run((GOLDEN,))).outputs[0].tolist() == (2 * GOLDEN).tolist()
    call.end()
    await looking
    assert states(catalogue, "double") == {1: READY, 3: READY}


async def test_call_that_never_ends_is_left_behind_after_the_drain(
    repository: Path, make_catalogue: MakeCatalogue, caplog: pytest.LogCaptureFixture
) -> None:
    """One caller cannot keep a version for ever; it is told that the version goes."""
    publish(repository, "double", 1)
    catalogue = make_catalogue(drain_s=0.01)
    await catalogue.start()
    servable = await catalogue.serve("double", FakeCall())
    await catalogue.unload("double")
    assert "calls go on after 0.01 s and are ended" in caplog.text
    with pytest.raises(NotReady, match="the model is being unloaded"):
        await servable.batchers["model"].run((GOLDEN,))


async def test_version_that_comes_back_while_it_goes_is_loaded_anew(
    repository: Path, make_catalogue: MakeCatalogue, tmp_path: Path
) -> None:
    """Its last calls are finished first, so that one version of a number is there at a time."""
    publish(repository, "double", 1)
    catalogue = make_catalogue()
    await catalogue.start()
    call = FakeCall()
    old = await catalogue.serve("double", call)
    going = heard(catalogue, "double", 1, UNLOADING)
    (repository / "double" / "1").rename(tmp_path / "aside")
    first = asyncio.ensure_future(catalogue.look_again("double"))
    await going.wait()
    (tmp_path / "aside").rename(repository / "double" / "1")
    second = asyncio.ensure_future(catalogue.look_again("double"))
    call.end()
    await asyncio.gather(first, second)
    assert states(catalogue, "double") == {1: READY}
    assert catalogue.resolve("double") is not old


async def test_repository_that_is_gone_takes_nothing_along(
    repository: Path, make_catalogue: MakeCatalogue, tmp_path: Path
) -> None:
    """A disk that is unmounted is no order to unload."""
    publish(repository, "double", 1)
    catalogue = make_catalogue()
    await catalogue.start()
    await asyncio.to_thread(repository.rename, tmp_path / "aside")
    await catalogue.look_again("double")
    assert await factor(catalogue, "double") == 2
    await asyncio.to_thread((tmp_path / "aside").rename, repository)
