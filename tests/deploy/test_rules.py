"""The rules for Prometheus: sound, tried on made-up series, and each alert with its section of the runbook."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.described_series import DEPLOY, described_series
from tests.deploy.tools import require_tool

RULES = DEPLOY / "prometheus"
TESTS = Path(__file__).parent / "prometheus"


def rules(file: str) -> list[dict[str, Any]]:
    """The rules of a file."""
    groups = yaml.safe_load((RULES / file).read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def promtool(*arguments: str) -> None:
    """Run it; what it finds wrong fails the test."""
    done = subprocess.run(
        [require_tool("promtool"), *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_configuration_and_rules_are_sound() -> None:
    """Promtool reads them all, those that the configuration names included."""
    promtool("check", "config", str(RULES / "prometheus.yml"))
    promtool("check", "rules", "--lint=all", "--lint-fatal", str(RULES / "recording.yml"), str(RULES / "alerts.yml"))


@pytest.mark.parametrize("file", sorted(path.name for path in TESTS.glob("*_test.yml")))
def test_rules_say_what_they_should_of_made_up_series(file: str) -> None:
    """Rates, ratios and quantiles by hand; each alert where it must fire and where it must not."""
    promtool("test", "rules", str(TESTS / file))


def test_every_alert_is_tried_both_ways() -> None:
    """A test has it fire, and one has it silent."""
    tried: dict[str, set[bool]] = {}
    for case in yaml.safe_load((TESTS / "alerts_test.yml").read_text())["tests"]:
        for check in case["alert_rule_test"]:
            tried.setdefault(check["alertname"], set()).add(bool(check["exp_alerts"]))
    assert tried == {rule["alert"]: {True, False} for rule in rules("alerts.yml")}


def test_every_alert_has_its_section_in_the_runbook() -> None:
    """It links to it; the section has meaning, looks and deeds; and no section is without an alert."""
    written = (DEPLOY / "runbook.md").read_text()
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", written, re.MULTILINE | re.DOTALL))
    assert list(sections) == [rule["alert"] for rule in rules("alerts.yml")]
    for rule in rules("alerts.yml"):
        assert rule["annotations"]["runbook"] == f"deploy/runbook.md#{rule['alert'].lower()}"
        parts = re.findall(r"^\*\*(.+?)\*\*", sections[rule["alert"]], re.MULTILINE)
        assert parts == ["Meaning.", "Look at.", "Do."], rule["alert"]


def test_every_link_of_the_runbook_leads_somewhere() -> None:
    """Links between sections name sections."""
    written = (DEPLOY / "runbook.md").read_text()
    anchors = {name.lower() for name in re.findall(r"^## (\w+)", written, re.MULTILINE)}
    assert set(re.findall(r"\(#(\w+)\)", written)) <= anchors


@pytest.mark.parametrize("file", ["recording.yml", "alerts.yml"])
def test_rules_name_series_that_there_are(file: str) -> None:
    """A series that is renamed takes its rules along."""
    known = {series.name for series in described_series()}
    for rule in rules(file):
        for name in re.findall(r"(?<!:)\bpodium_\w+", rule["expr"]):
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            recorded = re.search(rf":{name}:", rule["expr"])
            assert base in known or recorded, f"{rule} names {name}"
