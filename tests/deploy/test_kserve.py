"""The ServingRuntime and InferenceService, read by KServe's own models; no cluster has seen them here."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from podium_server.load_settings import load_settings

FOLDER = Path(__file__).parents[2] / "deploy" / "kserve"
RUNTIME: Any = yaml.safe_load((FOLDER / "serving-runtime.yaml").read_text())
SERVICE: Any = yaml.safe_load((FOLDER / "inference-service.yaml").read_text())


READER = Path(__file__).with_name("kserve_reader.py")


@pytest.mark.parametrize(
    ("file", "kind"),
    [("serving-runtime.yaml", "V1alpha1ServingRuntime"), ("inference-service.yaml", "V1beta1InferenceService")],
)
def test_kserve_reads_it(file: str, kind: str) -> None:
    """Required fields are there, and none is misspelt, down to where Kubernetes' own types begin."""
    command = [sys.executable, "-W", "ignore", str(READER), str(FOLDER / file), kind]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr


def test_the_container_is_what_kubernetes_takes() -> None:
    """A pod of the runtime's container and volumes, against Kubernetes' own schema."""
    validate = pytest.importorskip("kubernetes_validate", reason="pip install kubernetes-validate")
    spec = {key: RUNTIME["spec"][key] for key in ("containers", "volumes")}
    validate.validate({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": spec}, "1.33", strict=True)


def test_the_service_asks_for_what_the_runtime_offers() -> None:
    """Format, version, protocol and name agree."""
    model, spec = SERVICE["spec"]["predictor"]["model"], RUNTIME["spec"]
    assert model["runtime"] == RUNTIME["metadata"]["name"]
    assert model["protocolVersion"] in spec["protocolVersions"]
    offered = {(each["name"], each["version"]) for each in spec["supportedModelFormats"]}
    assert (model["modelFormat"]["name"], model["modelFormat"]["version"]) in offered


def test_the_command_is_one_that_podium_takes(tmp_path: Path) -> None:
    """KServe puts storage under /mnt/models, which is the repository; the rest is read by podium's own settings."""
    (container,) = RUNTIME["spec"]["containers"]
    assert container["args"][0] == "/mnt/models"
    flags = dict(argument.removeprefix("--").split("=", 1) for argument in container["args"][1:])
    environ = {each["name"]: each["value"] for each in container["env"]} | {"PODIUM_CACHE_DIR": str(tmp_path)}
    settings = load_settings({"repository": str(tmp_path), **flags}, environ)
    assert (settings.host, settings.watch, settings.log_format) == ("0.0.0.0", "off", "json")
    assert container["ports"][0]["containerPort"] == settings.grpc_port
    assert container["livenessProbe"]["httpGet"]["port"] == settings.http_port
