"""An export that is stopped in the middle leaves nothing that a server would load."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.export.networks import Affine

_HELD = """
import sys
import podium_export.assembling as assembling
from podium_export.command import export

def hold(folder, manifest):
    assert (folder / "model.onnx").exists() and (folder / "golden.npz").exists()
    print("written", flush=True)
    sys.stdin.read()

assembling.write_manifest = hold
export()
"""
"""The command, held for ever once graph and golden examples are written and the manifest is not."""


def _held_export(folder: Path, repository: Path) -> "subprocess.Popen[str]":
    torch.save(Affine().state_dict(), folder / "net.pth")
    arguments = ["--module", "tests.export.networks:Affine", "--checkpoint", str(folder / "net.pth")]
    process = subprocess.Popen(
        [sys.executable, "-c", _HELD, *arguments, "--name", "net", "--repository", str(repository)],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    return process


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_export_leaves_nothing_loadable(tmp_path: Path, repository: Path, stop: signal.Signals) -> None:
    """Ctrl-C and a polite stop clean up; a kill leaves one hidden folder, and the next export takes version 1."""
    with _held_export(tmp_path, repository) as process:
        visible = [path for path in repository.iterdir() if not path.name.startswith(".")]
        process.send_signal(stop)
        _, errors = process.communicate()
    assert visible == []
    assert process.returncode != 0
    left = [path.name for path in repository.iterdir()]
    if stop is signal.SIGKILL:
        assert all(name.startswith(".podium-export-") for name in left)
        assert len(left) == 1
    else:
        assert left == []
        assert "Traceback" not in errors
