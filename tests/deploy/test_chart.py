"""The Helm chart, rendered by Helm and compared with Kubernetes' own schemas; no cluster has seen it here."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from podium_server.load_settings import load_settings

CHART = Path(__file__).parents[2] / "deploy" / "helm" / "podium"
SERVED = "1.33"  # a Kubernetes that clusters have
EVERYTHING = {
    "autoscaling.enabled": "true", "serviceMonitor.enabled": "true", "tls.secret": "podium-tls",
    "tokens.secret": "podium-tokens", "serviceMonitor.token.secret": "scrape", "settings.access-log": "true",
    "settings.queue-rows": "1000000", "workers": "3", "drainSeconds": "60", "models.image": "registry/models:7",
    "models.writable": "true", "networkPolicy.targets[0].ports[0].port": "4317",
}  # fmt: skip

HELM = shutil.which("helm", path=f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}")
pytestmark = pytest.mark.skipif(HELM is None, reason="Helm is not installed: .ci/get-helm fetches it")


def helm(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run Helm."""
    assert HELM is not None
    return subprocess.run([HELM, *arguments], capture_output=True, text=True, check=False)


def render(values: dict[str, str] | None = None) -> dict[str, list[Any]]:
    """What the chart makes of values, by kind."""
    sets = [part for name, value in (values or {}).items() for part in ("--set", f"{name}={value}")]
    done = helm("template", "test", str(CHART), *sets)
    assert done.returncode == 0, done.stderr
    documents: dict[str, list[Any]] = {}
    for document in yaml.safe_load_all(done.stdout):
        if document:
            documents.setdefault(document["kind"], []).append(document)
    return documents


def container(documents: dict[str, list[Any]]) -> Any:
    """podium's container."""
    (deployment,) = documents["Deployment"]
    (only,) = deployment["spec"]["template"]["spec"]["containers"]
    return only


def test_helms_linter_finds_nothing() -> None:
    """With warnings as errors."""
    done = helm("lint", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("values", [{}, EVERYTHING], ids=["as it is", "everything on"])
def test_what_is_rendered_is_what_kubernetes_takes(values: dict[str, str]) -> None:
    """Against the API's schemas, unknown fields refused; the operator's ServiceMonitor has no schema there."""
    validate = pytest.importorskip("kubernetes_validate", reason="pip install kubernetes-validate")
    documents = [each for kind, some in render(values).items() if kind != "ServiceMonitor" for each in some]
    assert len(documents) >= 5
    for document in documents:
        validate.validate(document, SERVED, strict=True)


def test_the_command_is_one_that_podium_takes(tmp_path: Path) -> None:
    """Flags and environment of the rendered container are read by podium's own settings."""
    rendered = container(render(EVERYTHING))
    flags = dict(argument.removeprefix("--").split("=", 1) for argument in rendered["args"][1:])
    environ = {each["name"]: each["value"] for each in rendered["env"]}
    given = {name.replace("-", "_"): value for name, value in flags.items()}
    settings = load_settings({"repository": str(tmp_path), **given, "cache_dir": str(tmp_path)}, environ)
    assert (settings.workers, settings.drain_s, settings.queue_rows) == (3, 60, 1_000_000)
    assert settings.access_log
    assert settings.log_format == "json"


def test_accepted_calls_may_finish() -> None:
    """The pod lives longer than podium's own limit, and a new one is ready before an old one goes."""
    (deployment,) = render({"drainSeconds": "60"})["Deployment"]
    assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == 80
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_the_container_has_no_rights() -> None:
    """Not root, nothing writable but cache and /tmp, no token of the cluster's."""
    documents = render()
    rendered = container(documents)
    pod = documents["Deployment"][0]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert rendered["securityContext"]["readOnlyRootFilesystem"] is True
    writable = {mount["mountPath"] for mount in rendered["volumeMounts"] if not mount.get("readOnly")}
    assert writable == {"/cache", "/tmp"}
    aliases = container(render({"models.writable": "true"}))["volumeMounts"]
    assert {"name": "models", "mountPath": "/models", "readOnly": False} in aliases


def test_pods_call_names_and_what_is_allowed() -> None:
    """A collector of traces is somewhere else."""
    (closed,) = render()["NetworkPolicy"]
    (opened,) = render({"networkPolicy.targets[0].ports[0].port": "4317"})["NetworkPolicy"]
    dns = {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}
    assert closed["spec"]["egress"] == [dns]
    assert opened["spec"]["egress"] == [dns, {"ports": [{"port": 4317}]}]


def test_probes_ask_what_podium_answers() -> None:
    """Ready and live are different questions; with callers' certificates, the kubelet can ask neither."""
    plain, tls = container(render()), container(render({"tls.secret": "s"}))
    assert plain["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert plain["livenessProbe"]["httpGet"]["path"] == "/livez"
    assert tls["readinessProbe"]["httpGet"]["scheme"] == "HTTPS"
    mutual = container(render({"tls.secret": "s", "tls.clientCa": "ca.crt"}))
    assert "--tls-client-ca=/tls/ca.crt" in mutual["args"]
    assert "tcpSocket" in mutual["readinessProbe"]


def test_the_autoscaler_asks_for_a_series_that_podium_has() -> None:
    """And the adapter beside the chart makes the metric of that name from it."""
    (autoscaler,) = render({"autoscaling.enabled": "true"})["HorizontalPodAutoscaler"]
    assert "replicas" not in render({"autoscaling.enabled": "true"})["Deployment"][0]["spec"], "it would be undone"
    name = autoscaler["spec"]["metrics"][0]["pods"]["metric"]["name"]
    (rule,) = yaml.safe_load((CHART.parent / "prometheus-adapter.yaml").read_text())["rules"]["custom"]
    assert rule["name"]["as"] == name
    page = (Path(__file__).parents[2] / "server" / "podium_server" / "metrics.py").read_text()
    assert f'"{name}"' in page


def test_values_that_mean_nothing_are_refused() -> None:
    """By the schema, with the value's name; and models that come from nowhere or from two places, by the chart."""
    for wrong, words in {
        "replica=2": "replica",
        "settings.host=1": "invalid propertyName 'host'",
        "models.claim.enabled=false": "models: give existingClaim or image, or set claim.enabled",
        "models.image=a,models.existingClaim=b": "models: give existingClaim or image, not both",
    }.items():
        done = helm("template", "test", str(CHART), "--set", wrong)
        assert done.returncode != 0, wrong
        assert words in done.stderr, wrong


def test_every_value_has_its_explanation() -> None:
    """The schema knows what values.yaml names, and the other way round."""
    import json

    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert set(schema["properties"]) - {"global"} == set(values)
    for name, value in values.items():
        inner = schema["properties"][name].get("properties")
        if inner is not None:
            assert set(inner) == set(value), name
