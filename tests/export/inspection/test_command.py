"""`podium inspect` as people and programs use it."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image
from podium_export.inspection.command import inspect


def test_people_see_layers_and_history(repository: Path) -> None:
    """Layers, tensors, preprocessing, labels, provenance, parity and files are all there."""
    answer = CliRunner().invoke(inspect, [str(repository / "digits" / "1")], env={"COLUMNS": "100"})
    assert answer.exit_code == 0, answer.output
    for words in (
        "digits, version 1",
        "conv, 20 filters, K 5, P 2, S 1",
        "2450×500",
        "1,256,080 parameters",
        "image: float32 batch×1×28×28",
        "grey → stretch to 28×28 (bilinear) → × 1/255",
        "digits.pt, sha256 abababababab…",
        "agrees with PyTorch",
        "golden.npz",
    ):
        assert words in answer.output


def test_programs_get_json(repository: Path) -> None:
    """Layers as numbers, and the whole manifest."""
    answer = CliRunner().invoke(inspect, [str(repository / "digits"), "--json"])
    content = json.loads(answer.output)
    assert content["graphs"][0]["layers"][4] == {
        "layer": "conv, 50 filters, K 5, P 2, S 1",
        "operator": "Conv",
        "output": [50, 14, 14],
        "weights": [[50, 20, 5, 5]],
        "receptive_field": [14, 14],
    }
    assert content["graphs"][0]["inputs"] == [{"name": "image", "type": "float32", "shape": ["batch", 1, 28, 28]}]
    assert content["manifest"]["provenance"]["checkpoint_sha256"] == "ab" * 32


def test_a_model_folder_means_its_newest_version(repository: Path, tmp_path: Path) -> None:
    """Numbers are compared as numbers: 10 is newer than 9; a folder without a package does not count."""
    for version in ("9", "10"):
        shutil.copytree(repository / "digits" / "1", tmp_path / "digits" / version)
    (tmp_path / "digits" / "11").mkdir()
    answer = CliRunner().invoke(inspect, [str(tmp_path / "digits"), "--json"])
    assert json.loads(answer.output)["title"] == "digits, version 10"


def test_a_bare_onnx_file_is_enough(repository: Path) -> None:
    """The table comes from the graph; what only a manifest knows is said to be missing."""
    file = repository / "digits" / "1" / "model.onnx"
    answer = CliRunner().invoke(inspect, [str(file)], env={"COLUMNS": "100"})
    assert "max pool, K 2, S 2" in answer.output
    assert "a bare ONNX file says nothing of preprocessing" in answer.output


def test_filters_are_drawn(repository: Path, tmp_path: Path) -> None:
    """Twenty filters of 5×5 in five columns."""
    target = tmp_path / "filters.png"
    answer = CliRunner().invoke(inspect, [str(repository / "digits"), "--filters", str(target)])
    assert answer.exit_code == 0, answer.output
    with Image.open(target) as picture:
        assert picture.size == (5 * (5 * 15 + 4) + 4, 4 * (5 * 15 + 4) + 4)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (".", "this is a repository; name one of its models: "),
        ("nothing", "there is no such file or folder"),
        ("digits/1/golden.npz", "not readable as ONNX"),
    ],
)
def test_a_refusal_says_what_would_be_right(repository: Path, place: str, message: str) -> None:
    """Exit status 1, and a sentence."""
    answer = CliRunner().invoke(inspect, [str(repository / place)])
    assert answer.exit_code == 1
    assert message in answer.output


def test_a_broken_manifest_is_named(repository: Path, tmp_path: Path) -> None:
    """The file and what is wrong with it."""
    folder = tmp_path / "1"
    shutil.copytree(repository / "digits" / "1", folder)
    (folder / "model.json").write_text('{"format": "one"}')
    answer = CliRunner().invoke(inspect, [str(folder)])
    assert answer.exit_code == 1
    assert "model.json: not readable as a manifest" in answer.output


def test_a_missing_graph_is_named(repository: Path, tmp_path: Path) -> None:
    """The manifest names a file that is gone."""
    folder = tmp_path / "1"
    shutil.copytree(repository / "digits" / "1", folder)
    (folder / "model.onnx").unlink()
    answer = CliRunner().invoke(inspect, [str(folder)])
    assert answer.exit_code == 1
    assert "the manifest names model.onnx" in answer.output


def test_a_picture_needs_a_kind_of_file(repository: Path, tmp_path: Path) -> None:
    """The name's ending says which."""
    answer = CliRunner().invoke(inspect, [str(repository / "digits"), "--filters", str(tmp_path / "filters.txt")])
    assert answer.exit_code == 1
    assert "give a file such as filters.png" in answer.output
