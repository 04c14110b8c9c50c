"""The ServingRuntime and InferenceService, read by KServe's own models; no cluster has seen them here."""

from pathlib import Path
from typing import Any

import kserve
import pytest
import yaml
from kubernetes.client import ApiClient
from podium_server.load_settings import load_settings

FOLDER = Path(__file__).parents[2] / "deploy" / "kserve"
RUNTIME: Any = yaml.safe_load((FOLDER / "serving-runtime.yaml").read_text())
SERVICE: Any = yaml.safe_load((FOLDER / "inference-service.yaml").read_text())


class Client(ApiClient):
    """Reads documents into KServe's models; a name that none of them has is an error."""

    def read(self, content: Any, kind: str) -> Any:
        """Read a document."""
        return self._read(content, getattr(kserve, kind))

    def _read(self, content: Any, kind: Any) -> Any:
        known = set(kind.attribute_map.values())
        assert set(content) <= known, f"{kind.__name__} knows no {set(content) - known}"
        values: dict[str, Any] = {}
        for attribute, name in kind.attribute_map.items():
            if name in content:
                inner = getattr(kserve, kind.openapi_types[attribute], None)
                value = content[name]
                values[attribute] = self._read(value, inner) if inner and isinstance(value, dict) else value
        return kind(**values)


@pytest.mark.parametrize(
    ("document", "kind"), [(RUNTIME, "V1alpha1ServingRuntime"), (SERVICE, "V1beta1InferenceService")]
)
def test_kserve_reads_it(document: Any, kind: str) -> None:
    """Required fields are there, and none is misspelt, down to where Kubernetes' own types begin."""
    read = Client().read(document, kind)
    assert read.metadata is not None or document["metadata"]


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
