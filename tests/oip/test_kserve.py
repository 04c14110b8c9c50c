"""The server as KServe's Python client sees it, unmodified."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.oip.running import Running

A = [[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]]
DOUBLED = [[2 * value for value in row] for row in A]
ZEROS = [[0.0] * 4] * 2


@pytest.fixture(scope="module")
def got(running: Running) -> dict[str, Any]:
    """What the client got from the server that tritonclient's tests call."""
    caller = Path(__file__).with_name("kserve_caller.py")
    done = subprocess.run(
        [sys.executable, str(caller), running.address], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    answers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answers


def test_health_is_seen(got: dict[str, Any]) -> None:
    """Alive, ready, and a model by name."""
    assert (got["live"], got["ready"], got["model_ready"]) == (True, True, True)


def test_arrays_go_raw_and_come_back(got: dict[str, Any]) -> None:
    """The client sends numpy arrays raw, with a `binary_data_size` on each input."""
    assert got["raw"] == {"sum": DOUBLED, "difference": ZEROS}
    assert got["id"] == "q1"


def test_lists_go_typed_and_come_back(got: dict[str, Any]) -> None:
    """The client sends lists as typed contents, and reads typed answers."""
    assert got["typed"] == {"sum": DOUBLED, "difference": ZEROS}


def test_half_precision_goes_raw(got: dict[str, Any]) -> None:
    """FP16 has no typed contents."""
    assert got["halves"] == [[1.5, -2]]


def test_errors_have_their_code(got: dict[str, Any]) -> None:
    """NOT_FOUND with the words that operators look for."""
    code, details = got["error"]
    assert code == "NOT_FOUND"
    assert "Request for unknown model: 'nope' is not found" in details


def test_load_and_unload_take_kserves_dialect(got: dict[str, Any]) -> None:
    """KServe sends the name where Triton's definition has repository_name, and reads the answer's fields."""
    assert got["unloaded"] == ["spare", True, False]
    assert got["loaded"] == ["spare", True, True]


def test_the_servers_messages_live_beside_kserves(got: dict[str, Any]) -> None:
    """Both have the package `inference`; the server's are in a pool of their own."""
    assert got["own_messages"] == "inference.ModelInferRequest"
