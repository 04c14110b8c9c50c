"""`digits`, made for real."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from podium_export.inspection.opened import read_manifest
from podium_export.package import Destination
from podium_export.progress import Silence
from podium_export.recipes import RECIPES
from podium_export.recipes.digit_training import Plan, read_digits, split
from podium_export.recipes.digits import DIGITS


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the package; half a minute where processors are busy."""
    repository = tmp_path_factory.mktemp("models")
    return RECIPES["digits"].make(Destination(repository, "digits", 1), Silence()).path


def test_the_figure_of_the_manifest_is_true(package: Path) -> None:
    """The ONNX file recognises exactly that part of the digits that were kept back, and more than 97 %."""
    _, held_out = split(read_digits(DIGITS.locate()), Plan())
    session = onnxruntime.InferenceSession(package / "model.onnx", providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"image": held_out.images.numpy()})
    accuracy = float(np.mean(np.asarray(logits).argmax(axis=1) == held_out.labels.numpy()))
    (evaluation,) = read_manifest(package).evaluations
    assert evaluation.value == pytest.approx(accuracy)
    assert (evaluation.metric, evaluation.num_examples) == ("accuracy", 1000)
    assert accuracy > 0.97


def test_the_package_says_where_it_came_from(package: Path) -> None:
    """The architecture, and labels for people."""
    manifest = read_manifest(package)
    assert manifest.provenance.architecture == "lenet5"
    assert list(manifest.classification.labels) == list("0123456789")
