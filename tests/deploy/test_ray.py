"""podium behind Ray Serve on a local cluster of two nodes; skipped where Ray is absent: it is nobody's dependency."""

import asyncio
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode
from podium_client import AsyncClient, ModelNotFoundError

from tests.server.callers import Callers
from tests.server.packages import scaled, write_onnx

ray: Any = pytest.importorskip("ray", reason="Ray is not installed: pip install 'ray[serve]'")
pytestmark = pytest.mark.filterwarnings("default")  # Ray has warnings of its own
FOLDER = Path(__file__).parents[2] / "deploy" / "ray"
PORT = 19_001
REPLICA = re.compile(rb"ray::ServeReplica:podium:podium")


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Two replicas on two nodes, behind the first one's proxy."""
    from ray import serve  # type: ignore[import-not-found, unused-ignore]
    from ray.cluster_utils import Cluster  # type: ignore[import-not-found, unused-ignore]
    from ray.serve.config import HTTPOptions, gRPCOptions  # type: ignore[import-not-found, unused-ignore]

    write_onnx(tmp_path / "models" / "double" / "1", scaled())
    monkeypatch.setenv("PYTHONPATH", f"{FOLDER}:{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("RAY_raylet_start_wait_time_s", "150")
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.syspath_prepend(str(FOLDER))
    import podium_ray  # type: ignore[import-not-found, unused-ignore]

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address)
    servicers = gRPCOptions(port=PORT, grpc_servicer_functions=["podium_ray.add_services"])
    serve.start(proxy_location="HeadOnly", grpc_options=servicers, http_options=HTTPOptions(host="127.0.0.1", port=0))
    settings = {"cores": 1, "cache_dir": str(tmp_path / "cache"), "sessions": 1, "threads": 1}
    replicas = serve.deployment(
        podium_ray.Replica, name="podium", num_replicas=2, ray_actor_options={"num_cpus": 1}
    ).bind(str(tmp_path / "models"), settings)
    serve.run(replicas, name="podium")
    yield f"127.0.0.1:{PORT}"
    serve.shutdown()
    ray.shutdown()
    cluster.shutdown()


def replicas() -> list[int]:
    """The numbers of the replicas' processes, which this test began through Ray."""
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and REPLICA.match((folder / "cmdline").read_bytes()):
                found.append(int(folder.name))
        except OSError:  # ended meanwhile
            continue
    return found


@pytest.mark.timeout(600)
async def test_the_typed_client_works_unchanged_and_a_killed_replica_loses_no_call(address: str) -> None:
    """Readiness, models, and errors of their own class go through the proxy; calls go on when a replica is killed."""
    async with AsyncClient(address) as client:
        await client.wait_until_ready()
        assert [model.name for model in await client.models()] == ["double"]
        with pytest.raises(ModelNotFoundError, match="the repository has: double"):
            await client.classify("nothing", b"no picture")
    callers, over = Callers(address), asyncio.Event()
    running = asyncio.ensure_future(callers.run(over.is_set))
    await callers.busy.wait()
    os.kill(replicas()[0], signal.SIGKILL)
    before = callers.codes[StatusCode.OK]
    while callers.codes[StatusCode.OK] < before + 200 and not running.done():
        await asyncio.wait([running], timeout=0.1)
    over.set()
    await running
    assert set(callers.codes) == {StatusCode.OK}
