"""A Ray cluster on this machine with podium behind its proxies; what imports this is skipped where Ray is absent."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

ray: Any = pytest.importorskip("ray", reason="Ray is not installed: pip install 'ray[serve]'")
serve: Any = pytest.importorskip("ray.serve")
ApplicationStatus: Any = serve.schema.ApplicationStatus
cluster_utils: Any = pytest.importorskip("ray.cluster_utils")

FOLDER = Path(__file__).parents[3] / "deploy" / "ray"
APPLICATION = "podium"
PATIENCE_S = 240.0
REPLICA = b"ray::ServeReplica:podium:podium"


@dataclass(slots=True)
class PodiumOnRay:
    """A cluster that runs.

    Attributes:
        head: address of the head's gRPC proxy.
        worker: address of the gRPC proxy of any other node.
        page: the address of everybody's metrics.
        nodes: those beside the head, in the order in which they came.
    """

    head: str
    worker: str
    page: str
    cluster: Any
    nodes: list[Any] = field(default_factory=list)

    def add_node(self) -> None:
        """Add a machine with room for one replica."""
        self.nodes.append(self.cluster.add_node(num_cpus=1))

    def kill_node(self) -> None:
        """Take the oldest machine beside the head away, as if its plug were pulled."""
        self.cluster.remove_node(self.nodes.pop(0), allow_graceful=False)

    def num_replicas(self) -> int:
        """How many replicas run, and all is as it should be; 0 while it is not."""
        application = serve.status().applications.get(APPLICATION)
        if application is None or application.status in (ApplicationStatus.DEPLOYING, ApplicationStatus.NOT_STARTED):
            return 0
        if application.status is ApplicationStatus.DEPLOY_FAILED:
            pytest.fail(f"the application does not begin: {application}")
        (deployment,) = application.deployments.values()
        return int(deployment.replica_states.get("RUNNING", 0))

    def replicas_on(self, node: Any) -> list[int]:
        """The processes of a node's replicas."""
        (raylet,) = node.all_processes["raylet"]
        threads = Path(f"/proc/{raylet.process.pid}/task").glob("*/children")
        children = [int(child) for thread in threads for child in thread.read_text().split()]
        return [child for child in children if Path(f"/proc/{child}/cmdline").read_bytes().startswith(REPLICA)]

    def wait_until(self, true: Callable[[], object]) -> None:
        """Wait for what Ray tells only to who asks."""
        end = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < end, "it does not come about"
            time.sleep(0.2)

    async def until(self, true: Callable[[], object]) -> None:
        """Wait beside an event loop."""
        await asyncio.to_thread(self.wait_until, true)


def free_ports(num: int) -> list[int]:
    """Ports that nobody listens on."""
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(num)]
        return [listener.getsockname()[1] for listener in listeners]


@contextmanager
def podium_on_ray(
    repository: Path, options: dict[str, Any], settings: dict[str, Any] | None = None
) -> Generator[PodiumOnRay]:
    """Run deploy/ray/config.yaml on a cluster of two machines, each with room for one replica and a proxy of its own.

    Args:
        repository: whose models are served.
        options: of the deployment, in place of the configuration's, such as {"num_replicas": 2}.
        settings: of each podium, beside what keeps it small.
    """
    head, worker, http, worker_http = free_ports(4)
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("PYTHONPATH", f"{FOLDER}:{os.environ.get('PYTHONPATH', '')}")
        patch.setenv("RAY_raylet_start_wait_time_s", "150")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        # All machines are this one, with one address for all proxies.
        patch.setenv("RAY_SERVE_WORKER_PROXY_GRPC_PORT", str(worker))
        patch.setenv("RAY_SERVE_WORKER_PROXY_HTTP_PORT", str(worker_http))
        for where in ("REPLICA", "HANDLE"):
            patch.setenv(f"RAY_SERVE_{where}_AUTOSCALING_METRIC_PUSH_INTERVAL_S", "0.5")
        cluster = cluster_utils.Cluster(
            initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
        )
        stack.callback(cluster.shutdown)
        running = PodiumOnRay(f"127.0.0.1:{head}", f"127.0.0.1:{worker}", f"http://127.0.0.1:{http}/metrics", cluster)
        running.add_node()
        path = repository.parent / "config.yaml"
        path.write_text(yaml.safe_dump(configuration(repository, options, settings or {}, head, http)))
        command = [sys.executable, "-m", "ray.serve.scripts", "run", "--non-blocking", "--address", cluster.address]
        subprocess.run([*command, str(path)], check=True)
        ray.init(address=cluster.address)
        stack.callback(ray.shutdown)
        stack.callback(serve.shutdown)
        running.wait_until(running.num_replicas)
        yield running


def configuration(
    repository: Path, options: dict[str, Any], settings: dict[str, Any], grpc_port: int, http_port: int
) -> Any:
    """deploy/ray/config.yaml, as small as a test wants it."""
    read = yaml.safe_load((FOLDER / "config.yaml").read_text())
    read["http_options"] = {"host": "127.0.0.1", "port": http_port}
    read["grpc_options"]["port"] = grpc_port
    (application,) = read["applications"]
    small = {"cores": 1, "cache_dir": str(repository.parent / "cache"), "sessions": 1, "threads": 1}
    application["args"] = {"repository": str(repository), "settings": small | settings}
    (deployment,) = application["deployments"]
    if "num_replicas" in options:
        del deployment["autoscaling_config"]
    deployment |= {"ray_actor_options": {"num_cpus": 1}, "max_replicas_per_node": 1} | options
    return read
