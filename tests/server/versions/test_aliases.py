"""Names that stand for versions: set in one step, kept, followed, and never silently meaning something else."""

import asyncio
import shutil
from pathlib import Path

import pytest
from podium_server.catalogue import Catalogue
from podium_server.errors import LoadFailed, ModelNotFound, NotReady, RepositoryUnwritable
from podium_server.version_entry import VersionState
from podium_server.versions.route import Route, Share
from podium_server.versions.serving_file import SERVING, Serving, read_serving, write_serving

from tests.server.conftest import MakeCatalogue
from tests.server.publishing import factor, publish, publish_broken, states, until
from tests.server.versions.callers import FakeCall

LOADING, READY, UNLOADING, UNAVAILABLE, DORMANT = VersionState


async def served(catalogue: Catalogue, ref: str, request_id: str = "1") -> int:
    """The version that a call of a name goes to."""
    call = FakeCall(request_id)
    version = (await catalogue.serve(ref, call)).version
    call.end()
    return version


async def test_alias_survives_a_restart(repository: Path, make_catalogue: MakeCatalogue) -> None:
    """It lies with the model, so a server that starts later knows it."""
    for version in (1, 2):
        publish(repository, "double", version, factor=version)
    first = make_catalogue()
    await first.start()
    await first.set_alias("double", "stable", Route(1))
    assert await factor(first, "double@stable") == 1
    await first.close()
    second = make_catalogue()
    await second.start()
    assert second.aliases("double") == {"stable": Route(1)}
    assert await factor(second, "double@stable") == 1
    assert await factor(second, "double") == 2, "the bare name is still the newest"


async def test_rollback_is_moving_an_alias(repository: Path, make_catalogue: MakeCatalogue) -> None:
    """The bare name has one too: "default"; without it the newest answers again."""
    for version in (1, 2):
        publish(repository, "double", version, factor=version)
    catalogue = make_catalogue()
    await catalogue.start()
    await catalogue.set_alias("double", "default", Route(1))
    assert [await served(catalogue, ref) for ref in ("double", "double@default", "double/2")] == [1, 1, 2]
    entry = catalogue.default("double")
    assert entry is not None
    assert entry.version == 1
    publish(repository, "double", 3, factor=3)
    await catalogue.look_again("double")
    assert await served(catalogue, "double") == 1, "what comes later changes nothing"
    await catalogue.delete_alias("double", "default")
    assert await served(catalogue, "double") == 3


async def test_what_an_alias_names_is_kept_whatever_the_policy(repository: Path, make_catalogue: MakeCatalogue) -> None:
    """And goes when no alias names it any more."""
    for version in (1, 2):
        publish(repository, "double", version, factor=version)
    catalogue = make_catalogue("latest")
    await catalogue.start()
    assert states(catalogue, "double") == {2: READY}
    await catalogue.set_alias("double", "stable", Route(1))
    assert states(catalogue, "double") == {1: READY, 2: READY}, "it was loaded for the alias"
    publish(repository, "double", 3, factor=3)
    await catalogue.look_again("double")
    # The look that the alias began may be the one that lets go of version 2, and this one does not wait for that.
    await until(catalogue, lambda: states(catalogue, "double") == {1: READY, 3: READY})
    await catalogue.set_alias("double", "stable", Route(3))
    await until(catalogue, lambda: states(catalogue, "double") == {3: READY})


async def test_alias_of_what_cannot_be_served_is_refused(repository: Path, make_catalogue: MakeCatalogue) -> None:
    """A version that is not there, or is broken: the alias stays where it was, in memory and on disk."""
    publish(repository, "double", 1)
    publish_broken(repository, "double", 2)
    catalogue = make_catalogue()
    await catalogue.start()
    await catalogue.set_alias("double", "stable", Route(1))
    with pytest.raises(ModelNotFound, match="model 'double' has no version 7; it has 1, 2"):
        await catalogue.set_alias("double", "stable", Route(7))
    with pytest.raises(ModelNotFound, match="has no version 9"):
        await catalogue.set_alias("double", "stable", Route(1, shadow=Share(9, 100)))
    with pytest.raises(LoadFailed, match="alias 'stable' stays as it is: version 2 is not ready: golden example 0"):
        await catalogue.set_alias("double", "stable", Route(1, canary=Share(2, 10)))
    with pytest.raises(ModelNotFound, match="'triple' is not found"):
        await catalogue.set_alias("triple", "stable", Route(1))
    assert catalogue.aliases("double") == {"stable": Route(1)}
    assert read_serving(repository / "double").aliases == {"stable": Route(1)}


async def test_deleted_and_unknown_aliases_are_told(repository: Path, make_catalogue: MakeCatalogue) -> None:
    """With those that there are."""
    publish(repository, "double", 1)
    catalogue = make_catalogue()
    await catalogue.start()
    await catalogue.set_alias("double", "stable", Route(1))
    with pytest.raises(ModelNotFound, match="model 'double' has no alias 'canary'; it has stable"):
        catalogue.resolve_ref("double@canary")
    with pytest.raises(ModelNotFound, match="has no alias 'canary'"):
        await catalogue.delete_alias("double", "canary")
    await catalogue.delete_alias("double", "stable")
    with pytest.raises(ModelNotFound, match="has no alias 'stable'; it has none at all"):
        await catalogue.serve("double@stable", FakeCall())


async def test_alias_whose_version_is_removed_says_so(
    repository: Path, make_catalogue: MakeCatalogue, caplog: pytest.LogCaptureFixture
) -> None:
    """It never means another version by itself, and answers again when the version is back."""
    for version in (1, 2):
        publish(repository, "double", version, factor=version)
    catalogue = make_catalogue()
    await catalogue.start()
    for alias in ("stable", "default"):
        await catalogue.set_alias("double", alias, Route(1))
    shutil.move(repository / "double" / "1", repository.parent / "gone")  # at once: looks may be under way
    while 1 in catalogue.models()["double"]:
        await catalogue.look_again("double")
    for ref, alias in (("double@stable", "stable"), ("double", "default")):
        says = f"model 'double' has no version 1 any more, which its alias '{alias}' means; it has 2: publish it again"
        with pytest.raises(ModelNotFound, match=says):
            await catalogue.serve(ref, FakeCall())
    assert "alias stable cannot be asked for all it names: version 1 does not answer" in caplog.text
    publish(repository, "double", 1, factor=1)
    await catalogue.look_again("double")
    assert await served(catalogue, "double@stable") == 1


async def test_edited_file_is_followed_and_a_broken_one_is_not(
    repository: Path, make_catalogue: MakeCatalogue, caplog: pytest.LogCaptureFixture
) -> None:
    """What was decided before holds until the file is one again; a call does not write over it meanwhile."""
    for version in (1, 2):
        publish(repository, "double", version, factor=version)
    catalogue = make_catalogue()
    await catalogue.start()
    write_serving(repository / "double", Serving(None, {"stable": Route(1)}))
    await catalogue.look_again("double")
    assert await served(catalogue, "double@stable") == 1
    (repository / "double" / SERVING).write_text('{"aliases": {"stable": {"versoin": 2}}}')
    await catalogue.look_again("double")
    assert await served(catalogue, "double@stable") == 1
    assert "has a field 'versoin'; there are canary, shadow, version; what was decided before holds" in caplog.text
    what = r"serving\.json: `aliases\.stable` has .*; repair or remove the file first"
    with pytest.raises(RepositoryUnwritable, match=what):
        await catalogue.set_alias("double", "stable", Route(2))
    write_serving(repository / "double", Serving(None, {"stable": Route(2)}))
    caplog.set_level("INFO")
    await catalogue.look_again("double")
    assert await served(catalogue, "double@stable") == 2
    assert "model double alias stable is version 2" in caplog.text, "who moved it is not asked"


async def test_edit_to_a_broken_version_leaves_the_alias_where_it_was(
    repository: Path, make_catalogue: MakeCatalogue
) -> None:
    """A bad version never replaces a good one, by whatever way."""
    publish(repository, "double", 1)
    publish_broken(repository, "double", 2)
    catalogue = make_catalogue()
    await catalogue.start()
    await catalogue.set_alias("double", "stable", Route(1))
    write_serving(repository / "double", Serving(None, {"stable": Route(2)}))
    await catalogue.look_again("double")
    assert await served(catalogue, "double@stable") == 1
    shutil.rmtree(repository / "double" / "2")
    publish(repository, "double", 2, factor=7)
    await catalogue.look_again("double")
    assert await served(catalogue, "double@stable") == 2


async def test_alias_that_cannot_be_kept_is_not_set(
    repository: Path, make_catalogue: MakeCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a restart would forget it."""
    publish(repository, "double", 1)
    catalogue = make_catalogue()
    await catalogue.start()

    def fail(folder: Path, serving: Serving) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("podium_server.versions.decisions.write_serving", fail)
    with pytest.raises(RepositoryUnwritable, match=r"double/serving\.json cannot be written: Read-only file system"):
        await catalogue.set_alias("double", "stable", Route(1))
    assert catalogue.aliases("double") == {}


async def test_model_s_own_policy_wins_and_stays_when_aliases_change(
    repository: Path, make_catalogue: MakeCatalogue
) -> None:
    """One line of its file; other models go by the server's setting."""
    for version in (1, 2, 3):
        publish(repository, "double", version, factor=version)
    (repository / "double" / SERVING).write_text('{"versions": "listed:1,2"}')
    catalogue = make_catalogue("latest")
    await catalogue.start()
    assert states(catalogue, "double") == {1: READY, 2: READY}
    await catalogue.set_alias("double", "stable", Route(1))
    assert str(read_serving(repository / "double").versions) == "listed:1,2"
    (repository / "double" / SERVING).write_text('{"versions": "all"}')
    await catalogue.look_again("double")
    assert states(catalogue, "double") == {1: READY, 2: READY, 3: READY}
    (repository / "double" / SERVING).unlink()
    await catalogue.look_again("double")
    await until(catalogue, lambda: states(catalogue, "double") == {3: READY})


async def test_canary_gets_its_share_by_request_id(repository: Path, make_catalogue: MakeCatalogue) -> None:
    """The same id goes to the same version, in another server too; a version asked for by number is never split."""
    for version in (1, 2):
        publish(repository, "double", version, factor=version)
    route = Route(1, canary=Share(2, 25))
    ids = [f"request-{number}" for number in range(200)]
    seen: list[list[int]] = []
    for _ in range(2):
        catalogue = make_catalogue()
        await catalogue.start()
        await catalogue.set_alias("double", "default", route)
        seen.append([await served(catalogue, "double", request_id) for request_id in ids])
        assert {await served(catalogue, "double/1", request_id) for request_id in ids} == {1}
        await catalogue.close()
    assert seen[0] == seen[1]
    assert 20 < seen[0].count(2) < 80  # 50 in the mean, six in deviation


async def test_canary_that_is_gone_leaves_its_calls_to_the_version(
    repository: Path, make_catalogue: MakeCatalogue
) -> None:
    """A candidate is no reason for a call to fail."""
    for version in (1, 2):
        publish(repository, "double", version, factor=version)
    catalogue = make_catalogue()
    await catalogue.start()
    await catalogue.set_alias("double", "stable", Route(1, canary=Share(2, 100)))
    assert await served(catalogue, "double@stable") == 2
    shutil.rmtree(repository / "double" / "2")
    await catalogue.look_again("double")
    assert await served(catalogue, "double@stable") == 1


async def test_aliases_of_an_unloaded_model_stay_and_cannot_be_changed(
    repository: Path, make_catalogue: MakeCatalogue
) -> None:
    """Nobody could have tried what they would name."""
    publish(repository, "double", 1)
    catalogue = make_catalogue()
    await catalogue.start()
    await catalogue.set_alias("double", "stable", Route(1))
    await catalogue.unload("double")
    with pytest.raises(NotReady, match="unloaded"):
        await catalogue.serve("double@stable", FakeCall())
    with pytest.raises(LoadFailed, match="model 'double' is unloaded: load it before"):
        await catalogue.set_alias("double", "other", Route(1))
    await catalogue.load("double")
    assert await served(catalogue, "double@stable") == 1


async def test_many_changes_at_once_leave_the_last_one(repository: Path, make_catalogue: MakeCatalogue) -> None:
    """In memory and on disk alike."""
    for version in (1, 2):
        publish(repository, "double", version, factor=version)
    catalogue = make_catalogue()
    await catalogue.start()
    await asyncio.gather(*(catalogue.set_alias("double", "stable", Route(1 + i % 2)) for i in range(10)))
    assert catalogue.aliases("double") == {"stable": Route(2)}
    assert read_serving(repository / "double").aliases == {"stable": Route(2)}
