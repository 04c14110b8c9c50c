"""Models that are loaded when they are called, within a budget of memory."""

import asyncio
from pathlib import Path

import pytest
from podium_server.catalogue import Catalogue
from podium_server.errors import DeadlineExceeded, LoadFailed, NotReady
from podium_server.lifecycle import Residence
from podium_server.metrics import Metrics
from podium_server.servable import Servable
from podium_server.version_entry import VersionState
from podium_server.versions.folders import files_of, size_of
from podium_server.versions.policy import Policy
from podium_server.versions.route import Route

from tests.server.conftest import MakeCatalogue, MakeLoader
from tests.server.publishing import factor, publish, publish_broken, states
from tests.server.versions.callers import FakeCall
from tests.server.versions.conftest import Serve

LOADING, READY, UNLOADING, UNAVAILABLE, DORMANT = VersionState


@pytest.fixture
def room(repository: Path) -> int:
    """The bytes of two models and a half, of the three that lie there."""
    folders = [publish(repository, name, 1, factor=number) for number, name in enumerate("abc", 1)]
    return max(size_of(files_of(folder)) for folder in folders) * 5 // 2


async def called(catalogue: Catalogue, ref: str) -> Servable:
    """Call a model and leave."""
    call = FakeCall()
    servable = await catalogue.serve(ref, call)
    call.end()
    return servable


def in_memory(catalogue: Catalogue) -> set[str]:
    """The models that are ready."""
    return {name for name, versions in catalogue.models().items() if versions[1].state is READY}


async def test_models_are_listed_and_loaded_by_their_first_call(room: int, make_catalogue: MakeCatalogue) -> None:
    """They count as served: what is not in memory says so, and is no error."""
    catalogue = make_catalogue(memory_bytes=room)
    await catalogue.start()
    assert catalogue.ready
    assert states(catalogue, "a") == {1: DORMANT}
    assert catalogue.models()["a"][1].reason == "not in memory; the first call loads it"
    assert (await called(catalogue, "a")).name == "a"
    assert await factor(catalogue, "a") == 1
    assert in_memory(catalogue) == {"a"}


async def test_least_recently_used_model_makes_room(room: int, make_catalogue: MakeCatalogue) -> None:
    """Its series of loaded versions go with it, and its next call loads it again."""
    catalogue = make_catalogue(memory_bytes=room)
    await catalogue.start()
    for name in ("a", "b", "a", "c"):
        await called(catalogue, name)
    assert in_memory(catalogue) == {"a", "c"}
    assert states(catalogue, "b") == {1: DORMANT}
    await called(catalogue, "b")
    assert in_memory(catalogue) == {"b", "c"}


async def test_model_in_mid_call_is_never_put_out(room: int, make_catalogue: MakeCatalogue) -> None:
    """Who needs the room waits, as long as its deadline allows, and gets it when a call ends."""
    catalogue = make_catalogue(memory_bytes=room)
    await catalogue.start()
    calls = {name: FakeCall() for name in "ab"}
    for name, call in calls.items():
        await catalogue.serve(name, call)
    with pytest.raises(DeadlineExceeded, match="model 'c' version 1 is still being loaded"):
        await catalogue.serve("c", FakeCall(timeout_s=0.0))
    assert in_memory(catalogue) == {"a", "b"}
    waiting = asyncio.ensure_future(called(catalogue, "c"))
    await asyncio.sleep(0)
    assert not waiting.done()
    calls["b"].end()
    assert (await waiting).name == "c"
    assert in_memory(catalogue) == {"a", "c"}


async def test_many_first_calls_share_one_load(
    room: int, repository: Path, make_loader: MakeLoader, metrics: Metrics
) -> None:
    """Of which one may leave without hurting the others."""
    loader, release, begun, loads = make_loader(), asyncio.Event(), asyncio.Event(), list[str]()

    async def load(name: str, version: int, path: Path) -> Servable:
        loads.append(name)
        begun.set()
        await release.wait()
        return await loader.load(name, version, path)

    catalogue = Catalogue(repository, Policy(), load, metrics, Residence(room))
    await catalogue.start()
    callers = [asyncio.ensure_future(called(catalogue, "a")) for _ in range(5)]
    await begun.wait()
    callers[0].cancel()
    release.set()
    answers = await asyncio.gather(*callers[1:])
    assert len(set(map(id, answers))) == 1
    assert loads == ["a"]
    await catalogue.close()


async def test_broken_model_is_told_to_its_first_caller_and_an_older_one_answers(
    repository: Path, make_catalogue: MakeCatalogue
) -> None:
    """What was never loaded was never tried: the call finds out, and goes where it would at a start."""
    publish(repository, "double", 1, factor=1)
    publish_broken(repository, "double", 2)
    catalogue = make_catalogue("latest", memory_bytes=10**9)
    await catalogue.start()
    assert states(catalogue, "double") == {2: DORMANT}
    with pytest.raises(NotReady, match="version 2 is unavailable: golden example 0"):
        await catalogue.serve("double/2", FakeCall())
    assert (await called(catalogue, "double")).version == 1


async def test_new_version_is_tried_before_it_answers(repository: Path, make_catalogue: MakeCatalogue) -> None:
    """Loaded when it is published, so that a broken one takes nobody's place."""
    publish(repository, "double", 1, factor=1)
    catalogue = make_catalogue(memory_bytes=10**9)
    await catalogue.start()
    publish_broken(repository, "double", 2)
    await catalogue.look_again("double")
    assert states(catalogue, "double") == {1: DORMANT, 2: UNAVAILABLE}
    publish(repository, "double", 3, factor=3)
    await catalogue.look_again("double")
    assert states(catalogue, "double") == {1: DORMANT, 2: UNAVAILABLE, 3: READY}
    with pytest.raises(LoadFailed, match="version 2 is not ready"):
        await catalogue.set_alias("double", "stable", Route(2))
    await catalogue.set_alias("double", "stable", Route(1))
    assert states(catalogue, "double")[1] is READY, "it was tried before the alias was set"


async def test_model_larger_than_the_budget_is_refused(repository: Path, make_catalogue: MakeCatalogue) -> None:
    """Waiting would not help; the message names the setting."""
    publish(repository, "double", 1)
    catalogue = make_catalogue(memory_bytes=10)
    await catalogue.start()
    with pytest.raises(NotReady, match=r"its files have \d+ bytes, more than the 10 of memory-budget"):
        await catalogue.serve("double", FakeCall())


async def test_unloaded_model_is_not_loaded_by_a_call(room: int, make_catalogue: MakeCatalogue) -> None:
    """Unloading is an order, and more than a lack of room; loading takes it back at once."""
    catalogue = make_catalogue(memory_bytes=room)
    await catalogue.start()
    await catalogue.unload("a")
    with pytest.raises(NotReady, match="unloaded"):
        await catalogue.serve("a", FakeCall())
    await catalogue.load("a")
    assert in_memory(catalogue) == {"a"}


async def test_unloading_a_model_that_is_being_loaded_ends_that(room: int, repository: Path, metrics: Metrics) -> None:
    """Its callers are told, and the room is free again."""
    begun = asyncio.Event()

    async def load(name: str, version: int, path: Path) -> Servable:
        begun.set()
        return await asyncio.Future()

    catalogue = Catalogue(repository, Policy(), load, metrics, Residence(room))
    await catalogue.start()
    call = asyncio.ensure_future(called(catalogue, "a"))
    await begun.wait()
    await catalogue.unload("a")
    with pytest.raises(NotReady, match="unload"):
        await call
    assert states(catalogue, "a") == {1: UNAVAILABLE}
    await catalogue.close()


async def test_server_within_a_budget_answers_for_all_its_models(room: int, serve: Serve) -> None:
    """Over the wire, with more models called than there is room for, again and again and at once."""
    running = await serve(memory_budget=room)
    for _ in range(2):
        assert [(await running.infer(name))[1] for name in "abc"] == [1.0, 2.0, 3.0]
    answers = await asyncio.gather(*(running.infer(name) for name in "abcabcabc"))
    assert [factor for _, factor in answers] == [1.0, 2.0, 3.0] * 3
