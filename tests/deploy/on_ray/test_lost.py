"""What dies on a Ray cluster, under load: no call of podium's own client fails."""

import asyncio
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from podium_client import AsyncClient, NoServerError

from tests.deploy.on_ray.callers import load
from tests.deploy.on_ray.cluster import PodiumOnRay, podium_on_ray
from tests.server.services.networks import write_letters

pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.timeout(600)]  # Ray has warnings of its own
# A call of a tenth of a second, so that some are inside whatever dies.
LENGTH = 1000


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PodiumOnRay]:
    """Two machines."""
    repository = tmp_path_factory.mktemp("ray") / "models"
    write_letters(repository / "letters" / "1")
    with podium_on_ray(repository, {"num_replicas": 2}) as cluster:
        yield cluster


@pytest.fixture
def running(cluster: PodiumOnRay) -> PodiumOnRay:
    """A replica on each, whatever was killed before."""
    cluster.wait_until(lambda: cluster.num_replicas() == 2)
    return cluster


class Same:
    """Asks for one text, which is always the same."""

    def __init__(self) -> None:
        self.texts: set[str] = set()

    async def __call__(self, client: AsyncClient) -> None:
        """Ask once."""
        self.texts.add((await client.complete("letters", "a", seed=3, max_tokens=LENGTH)).text)


def kill_replica(running: PodiumOnRay, node: Any) -> None:
    """Kill the replica of a machine."""
    (replica,) = running.replicas_on(node)
    os.kill(replica, signal.SIGKILL)


async def test_a_killed_replica_loses_no_call(running: PodiumOnRay) -> None:
    """Those that it worked on are given to the other by the proxy; the client knows one address alone."""
    ask = Same()
    async with load(running.head, ask) as calls:
        await calls.more(50)
        kill_replica(running, running.nodes[0])
        await calls.more(50)
        await running.until(lambda: running.num_replicas() == 2)
        kill_replica(running, running.cluster.head_node)
        await calls.more(50)
    assert len(ask.texts) == 1


async def test_a_stream_ends_with_its_replica_and_says_so(running: PodiumOnRay) -> None:
    """As a lost connection does: what came of it cannot be kept, so it is its caller's to ask again."""
    begun = asyncio.Barrier(9)

    async def read(client: AsyncClient) -> int:
        num_pieces = 0
        async for _ in client.generate("letters", "a", seed=3, max_tokens=8000):
            num_pieces += 1
            if num_pieces == 1:
                await begun.wait()
        return num_pieces

    async with AsyncClient(running.head) as client:
        streams = [asyncio.ensure_future(read(client)) for _ in range(8)]
        await begun.wait()
        kill_replica(running, running.cluster.head_node)  # which the proxy beside it prefers
        ends = await asyncio.gather(*streams, return_exceptions=True)
    lost = [end for end in ends if isinstance(end, Exception)]
    assert lost
    assert {type(end) for end in lost} == {NoServerError}


async def test_a_killed_node_loses_no_call(running: PodiumOnRay) -> None:
    """Neither of callers who know both proxies, one of which is gone, nor of those of the other one alone.

    Another replica begins on a machine that was idle, and calls go on.
    """
    ask = Same()
    running.add_node()
    async with (
        load(running.head, ask, num_callers=6) as of_one,
        load(f"{running.head},{running.worker}", ask, num_callers=6) as of_both,
    ):
        await of_both.more(50)
        await asyncio.to_thread(running.kill_node)
        await asyncio.gather(of_one.more(50), of_both.more(50))
        await running.until(lambda: running.num_replicas() == 2 and running.replicas_on(running.nodes[0]))
        await asyncio.gather(of_one.more(50), of_both.more(50))
    assert len(ask.texts) == 1
