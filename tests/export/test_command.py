"""`podium export` and `podium import` as people type them."""

import errno
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from google.protobuf import json_format
from podium.v1 import image_pb2
from podium.v1 import model_manifest_pb2 as pb
from podium_export.command import export, import_onnx

from tests.export.networks import Affine

_ROOT = Path(__file__).parents[2]


def _export(*arguments: object) -> Result:
    return CliRunner().invoke(export, [str(argument) for argument in arguments])


def _own(folder: Path, factory: str, *arguments: object) -> Result:
    """Export a network of `tests.export.networks` with `Affine`'s weights."""
    torch.save(Affine().state_dict(), folder / "net.pth")
    place = ("--module", f"tests.export.networks:{factory}", "--checkpoint", folder / "net.pth")
    return _export(*place, "--name", "net", "--repository", folder / "models", *arguments)


def _manifest(path: Path) -> pb.ModelManifest:
    return json_format.Parse((path / "model.json").read_text(), pb.ModelManifest())


def test_the_published_lenet5_is_exported(data: Path, repository: Path, tmp_path: Path) -> None:
    """One command makes a package of the real checkpoint, with labels, description, digest and parity."""
    (tmp_path / "labels.txt").write_text("\n".join(f"digit {n}" for n in range(10)))
    checkpoint = data / "image-classification" / "lenet5-mnist.pth"
    result = _export(
        *("lenet5-32", "--checkpoint", checkpoint, "--name", "digits", "--repository", repository),
        *("--labels", tmp_path / "labels.txt", "--description", "Digits."),
    )
    assert result.exit_code == 0, result.output
    assert f"Published {repository / 'digits' / '1'}" in result.stdout
    assert f"podium serve {repository}" in result.stdout
    manifest = _manifest(repository / "digits" / "1")
    assert manifest.task == pb.TASK_IMAGE_CLASSIFICATION
    assert manifest.description == "Digits."
    assert list(manifest.classification.labels) == [f"digit {n}" for n in range(10)]
    assert manifest.provenance.architecture == "lenet5-32"
    assert manifest.provenance.checkpoint == "lenet5-mnist.pth"
    # The digest that the data's README states.
    assert manifest.provenance.checkpoint_sha256.startswith("7b3591ba5a63752a7e728d7f7e511266556a2ec66844")
    assert set(manifest.provenance.tool_versions) >= {"podium", "torch", "onnx", "onnxruntime"}


def test_an_existing_version_is_refused_before_any_work(repository: Path) -> None:
    """The checkpoint, which does not exist, is not even looked at."""
    (repository / "net" / "4").mkdir(parents=True)
    result = _export("lenet5", "--checkpoint", "none.pth", "--name", "net", "--repository", repository, "--version", 4)
    assert result.exit_code == 1
    assert "never overwritten; the next free one is 5" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["lenet-5"], 'did you mean "lenet5"?'),
        ([], "give either ARCHITECTURE or --module"),
        (["lenet5", "--module", "a:b"], "give either ARCHITECTURE or --module"),
        (["lenet5", "--input", "x:float32:batch,3"], "--input, --output and --state go with --module"),
        (["lenet5", "--mean", "0.1;0.2"], "is not numbers with commas between"),
        (["lenet5", "--image-size", "32x"], "is not a size"),
        (["lenet5", "--axis", "time"], "is not an axis with lengths"),
        (["lenet5", "--version", "0"], "a version is 1 or more"),
        (["lenet5", "--labels", "nowhere.txt"], "does not exist"),
    ],
)
def test_a_wrong_command_line_ends_with_status_2(repository: Path, arguments: list[str], said: str) -> None:
    """What is wrong and what would be right go to the error stream; nothing is made."""
    result = _export(*arguments, "--checkpoint", "net.pth", "--name", "net", "--repository", repository)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""
    assert not repository.exists()


def test_a_refused_checkpoint_ends_with_status_1(data: Path, repository: Path) -> None:
    """The class that the pickle wants and the way out, without a traceback."""
    checkpoint = data / "latent-ode" / "latent-ode-physionet2012.ckpt"
    result = _export("lenet5", "--checkpoint", checkpoint, "--name", "net", "--repository", repository)
    assert result.exit_code == 1
    assert "argparse.Namespace" in result.stderr
    assert "Traceback" not in result.stderr
    assert not repository.exists()


def test_a_full_disk_ends_with_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system refuses is said with the file, without a traceback, and the hidden folder goes."""

    def full(folder: Path, manifest: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(folder / "model.json"))

    monkeypatch.setattr("podium_export.assembling.write_manifest", full)
    result = _own(tmp_path, "Affine")
    assert result.exit_code == 1
    assert "model.json" in result.stderr
    assert "No space left on device" in result.stderr
    assert list((tmp_path / "models").iterdir()) == []


def test_a_network_of_ones_own_describes_its_input(tmp_path: Path) -> None:
    """A factory and an attribute are enough."""
    result = _own(tmp_path, "Affine", "--output", "y", "--description", "Eight to eight.")
    assert result.exit_code == 0, result.output
    manifest = _manifest(tmp_path / "models" / "net" / "1")
    assert manifest.task == pb.TASK_TENSOR
    assert [spec.name for spec in manifest.graphs[0].outputs] == ["y"]
    assert manifest.provenance.architecture == "tests.export.networks:Affine"


def test_a_network_of_ones_own_is_described_by_flags(tmp_path: Path) -> None:
    """A classifier's input follows from the flags on pictures."""
    result = _own(
        *(tmp_path, "PictureAffine", "--task", "classification", "--image-size", "2x4", "--color", "gray"),
        *("--mean", "0.5", "--std", "1/4", "--interpolation", "bicubic"),
    )
    assert result.exit_code == 0, result.output
    manifest = _manifest(tmp_path / "models" / "net" / "1")
    images = manifest.image_preprocessing
    assert (images.height, images.width, list(images.mean), list(images.std)) == (2, 4, [0.5], [0.25])
    assert images.interpolation == image_pb2.INTERPOLATION_BICUBIC
    assert manifest.classification.score_kind == pb.SCORE_KIND_LOGITS
    shape = [dimension.axis or dimension.size for dimension in manifest.graphs[0].inputs[0].shape]
    assert shape == ["batch", 1, 2, 4]


def test_probabilities_are_not_taken_for_logits(tmp_path: Path) -> None:
    """A network that ends in softmax must say so, or softmax would be applied twice."""
    flags = ("--task", "classification", "--image-size", "2x4", "--color", "gray")
    refused = _own(tmp_path, "PictureProbabilities", *flags)
    assert refused.exit_code == 1
    assert "use --scores probabilities" in refused.stderr
    assert _own(tmp_path, "PictureProbabilities", *flags, "--scores", "probabilities").exit_code == 0
    assert "use --scores logits" in _own(tmp_path, "PictureAffine", *flags, "--scores", "probabilities").stderr


@pytest.mark.parametrize(
    ("factory", "arguments", "status", "said"),
    [
        ("Nowhere", [], 2, 'has no function or class "Nowhere"'),
        ("fails", [], 1, "the factory failed: ZeroDivisionError"),
        ("gives_no_network", [], 1, "the factory returned int"),
        ("Affine", ["--input", "x:float33:batch,8"], 2, 'type "float33" is none of'),
        ("Affine", ["--input", "x:float32"], 2, "must be name:type:shape"),
        ("Affine", ["--input", "x:float32:batch,0"], 2, 'axis "0" must be a length of 1 or more'),
        ("Affine", ["--input", "x:float32:batch,8:0"], 2, "must be two numbers"),
        ("Affine", ["--input", "x:float32:batch,9"], 1, "the network itself fails at batch 1"),
        (
            "Affine",
            ["--axis", "time=3"],
            2,
            "--axis time: the network has no dynamic axis of that name; there are batch",
        ),
        ("Affine", ["--color", "rgb"], 2, "--color: for --task classification alone"),
        ("Affine", ["--output", "a", "--output", "b"], 1, "outputs named: 2, returned by the network: 1"),
        ("PictureAffine", [], 2, "the network's inputs are not described"),
    ],
)
def test_what_is_wrong_with_a_network_of_ones_own_is_said(
    tmp_path: Path, factory: str, arguments: Sequence[str], status: int, said: str
) -> None:
    """Each mistake has its message, and nothing is published."""
    result = _own(tmp_path, factory, *arguments)
    assert (result.exit_code, said in result.stderr) == (status, True), result.stderr
    assert not list((tmp_path / "models").glob("*"))


def test_a_module_that_is_not_there_is_told_from_one_that_fails(tmp_path: Path) -> None:
    """Looked for in the current folder, which is named."""
    (tmp_path / "net.pth").write_bytes(b"")
    torch.save(Affine().state_dict(), tmp_path / "net.pth")
    common = ("--checkpoint", tmp_path / "net.pth", "--name", "net", "--repository", tmp_path / "models")
    missing = _export("--module", "no_such_package.nets:make", *common)
    assert missing.exit_code == 2
    assert f'no module "no_such_package" in {Path.cwd()}' in missing.stderr
    assert _export("--module", "nets", *common).exit_code == 2


def test_a_failed_comparison_shows_the_table(tmp_path: Path) -> None:
    """With no tolerance at all rounding is a disagreement: the table marks it and names output and size."""
    result = _own(tmp_path, "Affine", "--atol", "0", "--rtol", "0")
    assert result.exit_code == 1
    assert "!" in result.stderr
    assert "the largest difference from PyTorch is" in result.stderr
    assert not list((tmp_path / "models").glob("*"))


def test_an_onnx_file_is_imported(tmp_path: Path) -> None:
    """A graph that was exported before stands for one made elsewhere."""
    assert _own(tmp_path, "PictureAffine", "--input", "image:float32:batch,1,2,4").exit_code == 0
    file = tmp_path / "models" / "net" / "1" / "model.onnx"
    common = [str(file), "--name", "taken", "--repository", str(tmp_path / "models")]
    run = CliRunner()
    assert "--task is required" in run.invoke(import_onnx, common).stderr
    classifier = run.invoke(
        import_onnx, [*common, "--task", "classification", "--image-size", "2x4", "--color", "gray"]
    )
    assert classifier.exit_code == 0, classifier.output
    manifest = _manifest(tmp_path / "models" / "taken" / "1")
    assert manifest.task == pb.TASK_IMAGE_CLASSIFICATION
    assert manifest.parity.reference == "onnxruntime"
    wrong = run.invoke(import_onnx, [*common, "--task", "classification", "--image-size", "3", "--color", "gray"])
    assert wrong.exit_code == 2
    assert "set --image-size, --color and --layout" in wrong.stderr


def test_help_loads_neither_torch_nor_onnx() -> None:
    """The command line is ready before anything heavy is imported."""
    code = (
        "import sys, json\n"
        "from podium_export.command import export\n"
        "export(['--help'], standalone_mode=False)\n"
        "print(json.dumps([name for name in ('torch', 'onnx', 'onnxruntime') if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=_ROOT, capture_output=True, text=True, check=True)
    assert "--checkpoint" in done.stdout
    assert json.loads(done.stdout.splitlines()[-1]) == []
