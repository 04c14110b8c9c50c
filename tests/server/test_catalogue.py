"""The life of versions: found, loaded, kept, replaced, unloaded; and what never replaces what."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from podium_server.catalogue import Catalogue
from podium_server.errors import InvalidArgument, LoadFailed, ModelNotFound, NotReady
from podium_server.metrics import Metrics
from podium_server.servable import Servable
from podium_server.version_entry import VersionState
from podium_server.versions.policy import Policy

from tests.server.conftest import MakeCatalogue, MakeLoader
from tests.server.packages import scaled, write_onnx
from tests.server.publishing import factor, heard, publish, publish_broken, states

LOADING, READY, UNLOADING, UNAVAILABLE, _ = VersionState


async def test_start_loads_every_version_and_the_newest_answers(
    repository: Path, make_catalogue: MakeCatalogue
) -> None:
    """Versions are numbers: 10 is newer than 9."""
    for version in (9, 10, 2):
        publish(repository, "double", version, factor=version)
    catalogue = make_catalogue()
    assert not catalogue.ready
    await catalogue.start()
    assert catalogue.ready
    assert states(catalogue, "double") == {2: READY, 9: READY, 10: READY}
    assert await factor(catalogue, "double") == 10
    assert await factor(catalogue, "double/9") == 9
    assert all(entry.load_s > 0 for entry in catalogue.models()["double"].values())


async def test_broken_package_is_reported_while_the_rest_serves(
    repository: Path, make_catalogue: MakeCatalogue, metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    """In its state and reason, in the log and in the metrics."""
    publish(repository, "good", 1)
    publish_broken(repository, "bad", 1)
    catalogue = make_catalogue()
    await catalogue.start()
    assert await factor(catalogue, "good") == 2
    entry = catalogue.models()["bad"][1]
    assert entry.state is UNAVAILABLE
    assert "golden example 0" in entry.reason
    assert "model bad version 1 is not served: golden example 0" in caplog.text
    assert shown_states(metrics, "bad", 1) == {"UNAVAILABLE"}
    with pytest.raises(NotReady, match="model 'bad' version 1 is unavailable: golden example 0"):
        catalogue.resolve("bad")


def shown_states(metrics: Metrics, name: str, version: int) -> set[str]:
    """The states that the metrics page shows a version in."""
    (family,) = metrics.version_state.collect()
    labels = {"model": name, "version": str(version)}
    return {s.labels["state"] for s in family.samples if labels.items() <= s.labels.items() and s.value == 1}


async def test_broken_new_version_never_replaces_a_good_one(repository: Path, make_catalogue: MakeCatalogue) -> None:
    """The old one goes on answering, whether all versions are wanted or the latest alone."""
    for policy in ("all", "latest"):
        name = f"double-{policy}"
        publish(repository, name, 1)
        catalogue = make_catalogue(policy)
        await catalogue.start()
        publish_broken(repository, name, 2)
        await catalogue.load(name)
        assert await factor(catalogue, name) == 2
        assert states(catalogue, name) == {1: READY, 2: UNAVAILABLE}


async def test_server_that_starts_on_a_broken_newest_version_serves_the_one_before(
    repository: Path, make_catalogue: MakeCatalogue
) -> None:
    """A restart after a bad publication is no outage: the latest n that can be served are."""
    for version in (1, 2, 3):
        publish(repository, "double", version, factor=version)
    publish_broken(repository, "double", 4)
    catalogue = make_catalogue("latest:2")
    await catalogue.start()
    assert states(catalogue, "double") == {2: READY, 3: READY, 4: UNAVAILABLE}
    assert await factor(catalogue, "double") == 3


async def test_all_versions_broken_is_told(repository: Path, make_catalogue: MakeCatalogue) -> None:
    """LoadFailed has each version's reason."""
    publish_broken(repository, "bad", 1)
    publish_broken(repository, "bad", 3)
    for policy in ("all", "latest:1"):
        catalogue = make_catalogue(policy)
        with pytest.raises(LoadFailed, match=r"failed to load 'bad': version 1: golden.*; version 3: golden"):
            await catalogue.load("bad")


async def test_latest_versions_only_are_loaded(repository: Path, make_catalogue: MakeCatalogue) -> None:
    """A new one takes the oldest one's place at the next load."""
    for version in (1, 2, 3):
        publish(repository, "double", version, factor=version)
    catalogue = make_catalogue("latest:2")
    await catalogue.start()
    assert states(catalogue, "double") == {2: READY, 3: READY}
    publish(repository, "double", 4, factor=4)
    await catalogue.load("double")
    assert states(catalogue, "double") == {3: READY, 4: READY}
    assert await factor(catalogue, "double") == 4


@pytest.mark.parametrize("name", ["01", "0", "-1", "1.5", "abc", ".tmp", ".1", "1 ", "²", "٣", "9" * 30, "+1", "1_0"])
async def test_folders_that_are_no_versions_are_ignored(
    repository: Path, make_catalogue: MakeCatalogue, name: str
) -> None:
    """Only 1, 2, 3 … are versions; what an export is still writing is hidden."""
    publish(repository, "double", 1)
    publish(repository, "double", name)
    catalogue = make_catalogue()
    await catalogue.start()
    assert states(catalogue, "double") == {1: READY}


@pytest.mark.parametrize("name", [".hidden", "with space", "-dash", "ü", "a" * 101, "a,b", "con\ntrol"])
async def test_folders_that_cannot_be_named_are_not_served(
    repository: Path, make_catalogue: MakeCatalogue, name: str
) -> None:
    """A caller could not ask for them; the rest serves."""
    publish(repository, "double", 1)
    publish(repository, name, 1)
    catalogue = make_catalogue()
    await catalogue.start()
    assert list(catalogue.models()) == ["double"]
    with pytest.raises(ModelNotFound):
        await catalogue.load(name)


async def test_file_and_empty_folder_are_no_models(repository: Path, make_catalogue: MakeCatalogue) -> None:
    """They stop nothing and show nowhere."""
    (repository / "README.md").write_text("hello")
    (repository / "empty").mkdir()
    (repository / "notes" / "1.txt").mkdir(parents=True)
    (repository / "file").mkdir()
    (repository / "file" / "1").write_text("a version that is a file")
    catalogue = make_catalogue()
    await catalogue.start()
    assert catalogue.models() == {}
    assert catalogue.ready
    with pytest.raises(ModelNotFound):
        await catalogue.load("empty")


async def test_folders_without_a_version_are_told(
    repository: Path, make_catalogue: MakeCatalogue, caplog: pytest.LogCaptureFixture
) -> None:
    """Who forgets the folder between the name and the files, or serves an empty repository, learns why."""
    publish(repository, "double", "v1")
    await make_catalogue().start()
    assert caplog.messages == [
        "folder 'double' is not served: it holds no version, such as double/1/",
        f"{repository} holds no models: expected MODEL/VERSION/model.json, such as digits/1/",
    ]


async def test_policy_that_leaves_nothing_of_a_model_is_told_once(
    repository: Path, make_catalogue: MakeCatalogue, caplog: pytest.LogCaptureFixture
) -> None:
    """A typing error would take the model away without a word."""
    publish(repository, "double", 1)
    publish(repository, "double", 2)
    publish(repository, "other", 5)
    catalogue = make_catalogue("listed:5")
    await catalogue.start()
    await catalogue.look_again("double")
    assert list(catalogue.models()) == ["other"]
    assert caplog.messages == ["model double is not served: its versions are listed:5, and the repository has 1, 2"]


async def test_loads_and_unloads_are_in_the_log(
    repository: Path, make_catalogue: MakeCatalogue, caplog: pytest.LogCaptureFixture
) -> None:
    """One line each."""
    publish(repository, "double", 1)
    catalogue = make_catalogue()
    with caplog.at_level("INFO", "podium_server.catalogue"):
        await catalogue.start()
        await catalogue.unload("double")
    loaded, unloaded = (record.getMessage() for record in caplog.records if record.name == "podium_server.catalogue")
    assert loaded.startswith("model double version 1 is ready after ")
    assert unloaded == "model double version 1 is unloaded"


async def test_folder_that_cannot_be_read_stops_nothing(
    repository: Path, make_catalogue: MakeCatalogue, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One model's missing permission is reported in the log, and the rest serves."""
    publish(repository, "double", 1)
    publish(repository, "secret", 1)
    listing = Path.iterdir

    def iterdir(path: Path) -> Iterator[Path]:
        if path.name == "secret":
            raise PermissionError(13, "Permission denied", str(path))
        return listing(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    catalogue = make_catalogue()
    await catalogue.start()
    assert states(catalogue, "double") == {1: READY}
    assert "secret" in caplog.text
    with pytest.raises(LoadFailed, match="failed to load 'secret': its folder cannot be read: Permission denied"):
        await catalogue.load("secret")


async def test_unknown_names_are_told_apart(repository: Path, make_catalogue: MakeCatalogue) -> None:
    """No such model, version or alias; or no name at all. Each says what there is."""
    publish(repository, "double", 1)
    catalogue = make_catalogue()
    await catalogue.start()
    with pytest.raises(ModelNotFound, match="'triple' is not found; the repository has: double"):
        catalogue.resolve("triple")
    with pytest.raises(ModelNotFound, match="model 'double' has no version 5; it has 1"):
        catalogue.resolve_ref("double/5")
    with pytest.raises(ModelNotFound, match="model 'double' has no alias 'stable'"):
        catalogue.resolve_ref("double@stable")
    with pytest.raises(InvalidArgument, match="versions are integers of 1 or more"):
        catalogue.resolve_ref("double/latest/1")


async def test_unloaded_model_is_not_ready_and_can_be_loaded_again(
    repository: Path, make_catalogue: MakeCatalogue, metrics: Metrics
) -> None:
    """Its state says so; its series of loaded versions are gone."""
    publish(repository, "double", 1)
    catalogue = make_catalogue()
    await catalogue.start()
    await catalogue.unload("double")
    assert states(catalogue, "double") == {1: UNAVAILABLE}
    assert catalogue.default("double") is None
    assert [sample for family in metrics.model_info.collect() for sample in family.samples] == []
    with pytest.raises(NotReady, match="unloaded"):
        catalogue.resolve("double")
    await catalogue.load("double")
    assert await factor(catalogue, "double") == 2
    assert shown_states(metrics, "double", 1) == {"READY"}


async def test_unloading_twice_or_nothing(repository: Path, make_catalogue: MakeCatalogue) -> None:
    """The second time changes nothing; what was never there is not found."""
    publish(repository, "double", 1)
    catalogue = make_catalogue()
    await catalogue.start()
    await asyncio.gather(catalogue.unload("double"), catalogue.unload("double"))
    assert states(catalogue, "double") == {1: UNAVAILABLE}
    with pytest.raises(ModelNotFound):
        await catalogue.unload("triple")


async def test_reload_takes_what_is_new_and_lets_go_of_what_is_gone(
    repository: Path, make_catalogue: MakeCatalogue, metrics: Metrics
) -> None:
    """Versions that stay are the same objects: nobody's calls are touched."""
    publish(repository, "double", 1, factor=1)
    publish(repository, "double", 2, factor=2)
    catalogue = make_catalogue()
    await catalogue.start()
    kept = catalogue.resolve("double", 2)
    shutil.rmtree(repository / "double" / "1")
    publish(repository, "double", 3, factor=3)
    await catalogue.load("double")
    assert states(catalogue, "double") == {2: READY, 3: READY}
    assert catalogue.resolve("double", 2) is kept
    assert await factor(catalogue, "double") == 3
    assert shown_states(metrics, "double", 1) == set()


async def test_repaired_version_is_loaded_again(repository: Path, make_catalogue: MakeCatalogue) -> None:
    """A broken version does not stay broken when its folder is put right."""
    folder = publish_broken(repository, "double", 1)
    catalogue = make_catalogue()
    await catalogue.start()
    shutil.rmtree(folder)
    publish(repository, "double", 1)
    await catalogue.load("double")
    assert await factor(catalogue, "double") == 2


async def test_removed_model_goes_on_until_it_is_unloaded(repository: Path, make_catalogue: MakeCatalogue) -> None:
    """Its folder is gone, so it cannot be loaded; what was loaded answers."""
    publish(repository, "double", 1)
    catalogue = make_catalogue()
    await catalogue.start()
    shutil.rmtree(repository / "double")
    with pytest.raises(ModelNotFound):
        await catalogue.load("double")
    assert await factor(catalogue, "double") == 2
    await catalogue.unload("double")


async def test_new_version_loads_beside_the_old_one(
    repository: Path, make_loader: MakeLoader, metrics: Metrics
) -> None:
    """While it loads the old one answers, and the swap is between one call and the next."""
    loader, release = make_loader(), asyncio.Event()

    async def load(name: str, version: int, path: Path) -> Servable:
        if version == 2:
            await release.wait()
        return await loader.load(name, version, path)

    publish(repository, "model", 1, factor=1)
    catalogue = Catalogue(repository, Policy(), load, metrics)
    await catalogue.start()
    publish(repository, "model", 2, factor=2)
    begun = heard(catalogue, "model", 2, LOADING)
    loading = asyncio.ensure_future(catalogue.load("model"))
    await asyncio.wait_for(begun.wait(), 10)
    assert states(catalogue, "model") == {1: READY, 2: LOADING}
    assert await factor(catalogue, "model") == 1
    with pytest.raises(NotReady, match="version 2 is loading; send the request again later"):
        catalogue.resolve("model", 2)
    release.set()
    await loading
    assert await factor(catalogue, "model") == 2
    await catalogue.close()


async def test_load_goes_on_when_who_asked_for_it_leaves(
    repository: Path, make_loader: MakeLoader, metrics: Metrics
) -> None:
    """A caller's deadline does not leave a version loading for ever."""
    loader, release = make_loader(), asyncio.Event()

    async def load(name: str, version: int, path: Path) -> Servable:
        await release.wait()
        return await loader.load(name, version, path)

    publish(repository, "model", 1)
    catalogue = Catalogue(repository, Policy(), load, metrics)
    begun = heard(catalogue, "model", 1, LOADING)
    loading = asyncio.ensure_future(catalogue.load("model"))
    await asyncio.wait_for(begun.wait(), 10)
    loading.cancel()
    await asyncio.gather(loading, return_exceptions=True)
    ready = heard(catalogue, "model", 1, READY)
    release.set()
    await asyncio.wait_for(ready.wait(), 10)
    assert await factor(catalogue, "model") == 2
    await catalogue.close()


async def test_unload_goes_on_when_who_asked_for_it_leaves(repository: Path, make_catalogue: MakeCatalogue) -> None:
    """Its threads end, and it can be loaded again."""
    publish(repository, "model", 1)
    catalogue = make_catalogue()
    await catalogue.start()
    begun, ended = heard(catalogue, "model", 1, UNLOADING), heard(catalogue, "model", 1, UNAVAILABLE)
    unloading = asyncio.ensure_future(catalogue.unload("model"))
    await asyncio.wait_for(begun.wait(), 10)
    unloading.cancel()
    await asyncio.gather(unloading, return_exceptions=True)
    await catalogue.load("model")  # waits for its turn behind the unload
    assert ended.is_set()
    assert await factor(catalogue, "model") == 2


async def test_unexpected_error_of_one_version_stops_no_other(repository: Path, metrics: Metrics) -> None:
    """Whatever goes wrong, its reason is kept."""

    async def load(name: str, version: int, path: Path) -> Servable:
        raise ZeroDivisionError("in the depths")

    publish(repository, "model", 1)
    catalogue = Catalogue(repository, Policy(), load, metrics)
    await catalogue.start()
    assert catalogue.ready
    assert "in the depths" in catalogue.models()["model"][1].reason


async def test_watchers_hear_of_every_change(repository: Path, make_catalogue: MakeCatalogue) -> None:
    """Each is called with the model's name after the change."""
    publish(repository, "double", 1)
    catalogue = make_catalogue()
    seen: list[tuple[str, VersionState]] = []

    def watch(name: str) -> None:
        seen.append((name, catalogue.entry(name).state))

    catalogue.watchers.append(watch)
    await catalogue.start()
    await catalogue.unload("double")
    assert list(dict.fromkeys(seen)) == [("double", state) for state in (LOADING, READY, UNLOADING, UNAVAILABLE)]


async def test_drained_catalogue_answers_what_was_accepted(repository: Path, make_catalogue: MakeCatalogue) -> None:
    """It is not ready any more, and resolves as before until it is closed."""
    publish(repository, "double", 1)
    catalogue = make_catalogue()
    await catalogue.start()
    catalogue.drain()
    assert not catalogue.ready
    assert await factor(catalogue, "double") == 2
    await catalogue.close()
    with pytest.raises(NotReady):
        catalogue.resolve("double")


async def test_many_loads_and_unloads_at_once_end_well(repository: Path, make_catalogue: MakeCatalogue) -> None:
    """One at a time for each model, in the order of asking."""
    write_onnx(repository / "double" / "1", scaled())
    catalogue = make_catalogue()
    await catalogue.start()
    jobs = [catalogue.load("double") if i % 2 else catalogue.unload("double") for i in range(20)]
    await asyncio.gather(*jobs)
    assert await factor(catalogue, "double") == 2
