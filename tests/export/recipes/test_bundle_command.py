"""`podium bundle` with recipes that are quick."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from podium.v1 import model_manifest_pb2
from podium_export import recipes
from podium_export.architecture import Tolerance
from podium_export.assembling import Published
from podium_export.errors import ExportError
from podium_export.package import Destination, publish, staging, write_manifest
from podium_export.progress import Progress
from podium_export.recipes import Recipe
from podium_export.recipes.command import bundle


@dataclass(frozen=True, slots=True)
class Quick(Recipe):
    """Publishes a package without graphs."""

    def make(self, destination: Destination, progress: Progress) -> Published:
        """Publish."""
        progress.step("Cooking")
        manifest = model_manifest_pb2.ModelManifest(format=1)
        manifest.evaluations.add(metric="accuracy", value=0.984, dataset="held-out digits", num_examples=1000)
        with staging(destination.repository) as folder:
            write_manifest(folder, manifest)
            return Published(publish(folder, destination), manifest, (), Tolerance())


@dataclass(frozen=True, slots=True)
class Hopeless(Recipe):
    """Cannot be made."""

    def make(self, destination: Destination, progress: Progress) -> Published:
        """Refuse."""
        progress.step("Trying")
        raise ExportError("the registry cannot be reached; check the network")


def offered(monkeypatch: pytest.MonkeyPatch, *offers: Recipe) -> None:
    """Let `podium bundle` know these recipes."""
    monkeypatch.setattr("podium_export.recipes.command.RECIPES", {offer.name: offer for offer in offers})


def run(*arguments: str) -> tuple[int, str]:
    """Run the command wide enough for its table."""
    answer = CliRunner().invoke(bundle, arguments, env={"COLUMNS": "160"})
    return answer.exit_code, answer.output


def test_what_is_missing_is_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every version of every recipe, shown with its size and figure."""
    offered(monkeypatch, Quick("a", "", "", versions=(1, 2)), Quick("b", "", ""))
    status, output = run("--repository", str(tmp_path / "models"))
    assert status == 0, output
    made = sorted(str(folder.relative_to(tmp_path)) for folder in tmp_path.glob("models/*/*"))
    assert made == ["models/a/1", "models/a/2", "models/b/1"]
    assert "accuracy 98.4 % on 1,000 held-out digits" in output


def test_what_is_there_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A second run makes nothing and says so."""
    offered(monkeypatch, Quick("a", "", ""))
    run("--repository", str(tmp_path))
    before = (tmp_path / "a" / "1" / "model.json").stat().st_mtime_ns
    status, output = run("--repository", str(tmp_path))
    assert (status, (tmp_path / "a" / "1" / "model.json").stat().st_mtime_ns) == (0, before)
    assert "was there" in output


def test_only_the_named_ones_are_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Names choose."""
    monkeypatch.setattr("podium_export.recipes.command.RECIPES", {n: Quick(n, "", "") for n in recipes.RECIPES})
    status, output = run("digits", "--repository", str(tmp_path))
    assert status == 0, output
    assert [folder.name for folder in tmp_path.iterdir()] == ["digits"]


def test_one_that_fails_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The others are made, the failure is named, and the exit status is 1."""
    offered(monkeypatch, Hopeless("a", "", ""), Quick("b", "", ""))
    status, output = run("--repository", str(tmp_path))
    assert status == 1
    assert (tmp_path / "b" / "1" / "model.json").is_file()
    assert not (tmp_path / "a").exists()
    assert "a: the registry cannot be reached; check the network" in output


def test_an_unknown_name_lists_those_that_are_known() -> None:
    """Exit status 2, as for any wrong command line."""
    status, output = run("digit", "--repository", "models")
    assert status == 2
    assert "'digits'" in output
    assert "'efficientnet-lite0'" in output
