"""The real Prometheus scrapes a loaded server: rules evaluate, and each query of the dashboard finds data."""

import json
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import grpc
import pytest
import yaml
from podium.v1 import text_service_pb2 as wire
from podium.v1 import text_service_pb2_grpc as stubs
from podium_client.demo.server_process import ServerProcess, serving
from podium_server.oip.messages import ModelInferRequest

from tests.deploy.described_series import DEPLOY
from tests.deploy.tools import require_tool
from tests.server.packages import write_package
from tests.server.services.networks import write_letters

PATIENCE_S = 60.0
REQUEST_ID = "order-of-the-dashboard"


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus."""

    address: str

    def get(self, path: str, **parameters: str) -> Any:
        """Ask its API."""
        with urlopen(f"{self.address}/api/v1/{path}?{urlencode(parameters)}", timeout=10) as response:
            answer = json.load(response)
        assert answer["status"] == "success"
        return answer["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples of an expression, now."""
        result: list[dict[str, Any]] = self.get("query", query=expression)["result"]
        return result


def until(met: Callable[[], object], what: str) -> None:
    """Wait until something holds; Prometheus itself decides when it scrapes."""
    end = time.monotonic() + PATIENCE_S
    while not met():
        assert time.monotonic() < end, f"not within {PATIENCE_S:.0f} s: {what}"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """`podium serve` of a batcher's model and an engine's."""
    repository = tmp_path_factory.mktemp("repository")
    write_package(repository / "double" / "1")
    write_letters(repository / "letters" / "1")
    with serving(repository, repository.parent / "log") as process:
        yield process


class Load:
    """Calls both models, in turns, until it is stopped."""

    def __init__(self, address: str) -> None:
        self._channel = grpc.insecure_channel(address)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._call)
        self._thread.start()

    def _call(self) -> None:
        texts: Any = stubs.TextServiceStub(self._channel)
        infer: Any = self._channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        tensor = ModelInferRequest.InferInputTensor(name="x", datatype="FP32", shape=[1, 3])
        request = ModelInferRequest(model_name="double", inputs=[tensor], raw_input_contents=[bytes(12)])
        while not self._stopped.wait(0.01):
            infer(request.SerializeToString(), metadata=(("x-request-id", REQUEST_ID),))
            texts.Generate(wire.GenerateRequest(model="letters", prompt="a cab"))

    def stop(self) -> None:
        """End."""
        self._stopped.set()
        self._thread.join()
        self._channel.close()


@pytest.fixture(scope="module")
def prometheus(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus with our rules, scraping that server under load twice a second."""
    program, folder = require_tool("prometheus"), tmp_path_factory.mktemp("prometheus")
    configuration = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    configuration["global"] = {"scrape_interval": "500ms", "evaluation_interval": "500ms"}
    configuration["rule_files"] = [str(DEPLOY / "prometheus" / file) for file in configuration["rule_files"]]
    (job,) = configuration["scrape_configs"]
    job["static_configs"] = [{"targets": [server.addresses.http]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = {
        "config.file": folder / "prometheus.yml", "storage.tsdb.path": folder / "data",
        "web.listen-address": f"127.0.0.1:{port}", "enable-feature": "exemplar-storage", "log.level": "warn",
    }  # fmt: skip
    load = Load(server.addresses.grpc)
    process = subprocess.Popen([program, *(f"--{name}={value}" for name, value in options.items())])
    prometheus = Prometheus(f"http://127.0.0.1:{port}")
    try:
        until(lambda: _answers(prometheus, process), "Prometheus answers")
        recorded = "job_model_method:podium_request_seconds:p99_5m{model='letters'} > 0"
        until(lambda: prometheus.query(recorded), "two scrapes with calls between them, and the rules after them")
        yield prometheus
    finally:
        load.stop()
        process.terminate()
        process.wait(30)


def _answers(prometheus: Prometheus, process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None, "Prometheus ended"
    try:
        prometheus.query("1")
    except OSError:
        return False
    return True


def test_page_is_scraped_whole(prometheus: Prometheus) -> None:
    """No target is down, and no sample was refused."""
    (target,) = prometheus.get("targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    assert prometheus.query("podium_ready")[0]["value"][1] == "1"


def test_rules_evaluate_and_no_alert_fires_on_a_healthy_server(prometheus: Prometheus) -> None:
    """Every rule is healthy; what is pending or firing would be a false alarm."""
    found = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
    assert len(found) >= 20
    assert {rule["health"] for rule in found} <= {"ok", "unknown"}  # unknown: not evaluated yet
    assert not [rule.get("lastError") for rule in found if rule.get("lastError")]
    assert prometheus.get("alerts")["alerts"] == []


def test_recorded_series_have_data(prometheus: Prometheus) -> None:
    """Each recording rule gives something for a loaded server."""
    groups = yaml.safe_load((DEPLOY / "prometheus" / "recording.yml").read_text())["groups"]
    names: list[str] = [rule["record"] for group in groups for rule in group["rules"]]
    until(lambda: all(prometheus.query(name) for name in names), "each recorded series has data")


def panel_queries() -> list[Any]:
    """Each query of each panel of the dashboard."""
    dashboard = json.loads((DEPLOY / "grafana" / "podium.json").read_text())
    return [
        pytest.param(target["expr"], id=f"{panel['title']}-{target['refId']}")
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
    ]


@pytest.mark.parametrize("expression", panel_queries())
def test_panel_of_the_dashboard_shows_data(prometheus: Prometheus, expression: str) -> None:
    """With its variables on All, each query gives numbers for a loaded server."""
    filled = expression.replace("$__rate_interval", "1m")
    filled = re.sub(r"\$(job|instance|model)\b", ".*", filled)
    assert "$" not in filled
    until(lambda: _numbers(prometheus.query(filled)), f"{filled} has data")


def _numbers(samples: list[dict[str, Any]]) -> bool:
    """Whether there is a line to draw: a model that has no runs of a batcher has none of their mean."""
    return any(sample["value"][1] != "NaN" for sample in samples)


def test_variables_of_the_dashboard_find_values(prometheus: Prometheus) -> None:
    """Job, instance and model each have a list to choose from."""
    dashboard = json.loads((DEPLOY / "grafana" / "podium.json").read_text())
    variables = {v["name"]: v["definition"] for v in dashboard["templating"]["list"] if v["type"] == "query"}
    assert set(variables) == {"job", "instance", "model"}
    for definition in variables.values():
        series, label = re.fullmatch(r"label_values\((.+), (\w+)\)", definition.replace("$job", ".*")).groups()  # type: ignore[union-attr]
        assert prometheus.query(f"count by ({label}) ({series})")


def test_prometheus_keeps_the_names_of_calls(prometheus: Prometheus) -> None:
    """An exemplar has the id that the caller gave: from a slow bucket to its log."""

    def named() -> bool:
        now = time.time()
        found = prometheus.get(
            "query_exemplars", query="podium_request_seconds_bucket", start=str(now - 300), end=str(now + 5)
        )
        return any(e["labels"].get("request_id") == REQUEST_ID for series in found for e in series["exemplars"])

    until(named, "an exemplar of the load's calls")
