"""Who may do what through Ray Serve's proxies, and that what changes does so in all replicas."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from podium_client import AsyncClient, PermissionDeniedError, UnauthenticatedError, VersionState
from podium_server.security.tokens import Scope, entry_of, make_token
from prometheus_client.parser import text_string_to_metric_families

from tests.deploy.on_ray.cluster import PodiumOnRay, podium_on_ray
from tests.server.publishing import publish

pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.timeout(600)]  # Ray has warnings of its own


@dataclass(frozen=True, slots=True)
class Guarded:
    """A cluster whose replicas ask for tokens.

    Attributes:
        ray: the cluster.
        tokens: one for each scope.
    """

    ray: PodiumOnRay
    tokens: dict[Scope, str]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """Two replicas, on two machines, with a token file that both see."""
    folder = tmp_path_factory.mktemp("ray")
    publish(folder / "models", "double", 1)
    tokens = {scope: make_token() for scope in Scope}
    lines = [f"{entry_of(str(scope), frozenset({scope}), token)}\n" for scope, token in tokens.items()]
    (folder / "tokens").write_text("".join(lines))
    with podium_on_ray(folder / "models", {"num_replicas": 2}, {"tokens": str(folder / "tokens")}) as running:
        yield Guarded(running, tokens)


def states(guarded: Guarded) -> dict[str, str]:
    """The state of the model's version in each replica, as the page has it."""
    request = Request(guarded.ray.page, headers={"Authorization": f"Bearer {guarded.tokens[Scope.METRICS]}"})
    with urlopen(request) as page:
        families = list(text_string_to_metric_families(page.read().decode()))
    samples = [sample for family in families for sample in family.samples if sample.name == "podium_model_state"]
    return {sample.labels["instance"]: sample.labels["state"] for sample in samples if sample.value}


async def test_loads_and_unloads_reach_all_replicas(guarded: Guarded) -> None:
    """When they are answered, they are done everywhere."""
    async with AsyncClient(guarded.ray.head, token=guarded.tokens[Scope.ADMIN]) as client:
        unloaded = await client.unload("double")
        assert [version.state for version in unloaded.versions] == [VersionState.UNAVAILABLE]
        assert list((await asyncio.to_thread(states, guarded)).values()) == ["UNAVAILABLE"] * 2
        loaded = await client.load("double")
        assert [version.state for version in loaded.versions] == [VersionState.READY]
        assert list((await asyncio.to_thread(states, guarded)).values()) == ["READY"] * 2


async def test_an_alias_reaches_all_replicas(guarded: Guarded) -> None:
    """Through the repository, which they watch."""
    async with AsyncClient(guarded.ray.head, token=guarded.tokens[Scope.ADMIN]) as client:
        await client.set_alias("double", "stable", 1)
        known = 0
        while known < 20:  # at whichever replica
            (model,) = await client.models()
            known = known + 1 if [alias.name for alias in model.aliases] == ["stable"] else 0


async def test_tokens_say_who_may_what(guarded: Guarded) -> None:
    """As with a podium without a proxy, for calls and for the page."""
    async with AsyncClient(guarded.ray.head) as client:
        with pytest.raises(UnauthenticatedError):
            await client.models()
    async with AsyncClient(guarded.ray.head, token=guarded.tokens[Scope.CALL]) as client:
        await client.models()
        with pytest.raises(PermissionDeniedError):
            await client.unload("double")
    with pytest.raises(HTTPError, match="401"):
        await asyncio.to_thread(urlopen, guarded.ray.page)
