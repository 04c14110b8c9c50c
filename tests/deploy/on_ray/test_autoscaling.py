"""More replicas when more is asked, fewer when less is: on a Ray cluster, under calls that do not stop."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from podium_client import AsyncClient

from tests.deploy.on_ray.callers import load
from tests.deploy.on_ray.cluster import FOLDER, PodiumOnRay, podium_on_ray
from tests.server.services.networks import write_letters

pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.timeout(600)]  # Ray has warnings of its own
# Minutes, as configured, are what an operator wants, and no test.
SOON = {
    "min_replicas": 1, "max_replicas": 2, "target_ongoing_requests": 4, "upscale_delay_s": 1, "downscale_delay_s": 2,
    "look_back_period_s": 11,
}  # fmt: skip


@pytest.fixture
def running(tmp_path: Path) -> Iterator[PodiumOnRay]:
    """One replica, and room for another."""
    write_letters(tmp_path / "models" / "letters" / "1")
    with podium_on_ray(tmp_path / "models", {"autoscaling_config": SOON}) as running:
        yield running


async def ask(client: AsyncClient) -> None:
    """Ask for a text of a tenth of a second."""
    await client.complete("letters", "a", seed=3, max_tokens=1000)


async def test_load_brings_a_replica_and_rest_takes_it_away_and_no_call_is_lost(running: PodiumOnRay) -> None:
    """One caller goes on all the time; twelve more come and go."""
    assert running.num_replicas() == 1
    async with load(running.head, ask, num_callers=1) as steady:
        async with load(running.head, ask) as rush:
            await running.until(lambda: running.num_replicas() == 2)
            await rush.more(50)
        await running.until(lambda: running.num_replicas() == 1)
        await steady.more(20)


def test_the_configuration_scales() -> None:
    """By what Ray calls ongoing requests, which the replicas take more of than they are to have."""
    (application,) = yaml.safe_load((FOLDER / "config.yaml").read_text())["applications"]
    (deployment,) = application["deployments"]
    scaling = deployment["autoscaling_config"]
    assert scaling["min_replicas"] < scaling["max_replicas"]
    assert scaling["target_ongoing_requests"] < deployment["max_ongoing_requests"]
