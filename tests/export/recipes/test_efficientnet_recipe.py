"""`efficientnet-lite0`, out of the registry."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray
from PIL import Image
from podium.v1 import image_pb2
from podium_export.inspection.opened import read_manifest
from podium_export.package import Destination
from podium_export.progress import Silence
from podium_export.recipes import RECIPES
from podium_export.recipes.registry_package import FetchError


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the package."""
    repository = tmp_path_factory.mktemp("models")
    destination = Destination(repository, "efficientnet-lite0", 1)
    try:
        return RECIPES["efficientnet-lite0"].make(destination, Silence()).path
    except FetchError as error:
        pytest.skip(f"the weights cannot be had here: {error}")


@pytest.fixture(scope="module")
def photos() -> Path:
    """Give the folder of scikit-image's photos."""
    skimage = pytest.importorskip("skimage")
    return Path(skimage.__file__).parent / "data"


def network_input(photo: Path, p: image_pb2.ImagePreprocessing) -> NDArray[np.float32]:
    """Do by Pillow's own means what the manifest asks for."""
    assert p.resize_mode == image_pb2.RESIZE_MODE_CROP_THEN_RESIZE
    assert p.interpolation == image_pb2.INTERPOLATION_BICUBIC
    with Image.open(photo) as file:
        picture = file.convert("RGB")
    side = round(min(picture.size) * p.crop_fraction)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    box = (left, top, left + side, top + side)
    pixels = np.asarray(picture.resize((p.width, p.height), Image.Resampling.BICUBIC, box), np.float32)
    mean, std = (np.array(list(channels), np.float32) for channels in (p.mean, p.std))
    values = (pixels * np.float32(p.rescale) - mean) / std
    return values.transpose(2, 0, 1)[None]


@pytest.mark.parametrize(
    ("photo", "right"),
    [
        ("coffee.png", {"espresso"}),
        ("camera.png", {"tripod"}),
        ("chelsea.png", {"tabby, tabby cat", "tiger cat", "Egyptian cat"}),
        ("rocket.jpg", {"missile", "projectile, missile"}),
    ],
)
def test_photos_are_recognised(package: Path, photos: Path, photo: str, right: set[str]) -> None:
    """The most likely class is the one that the photo shows."""
    manifest = read_manifest(package)
    session = onnxruntime.InferenceSession(package / "model.onnx", providers=["CPUExecutionProvider"])
    (logits,) = session.run(["logits"], {"image": network_input(photos / photo, manifest.image_preprocessing)})
    assert manifest.classification.labels[int(np.asarray(logits).argmax())] in right


def test_every_class_has_a_name(package: Path) -> None:
    """A thousand different ones, in ImageNet's order."""
    labels = list(read_manifest(package).classification.labels)
    assert (labels[0], labels[999]) == ("tench, Tinca tinca", "toilet tissue, toilet paper, bathroom tissue")
    assert len(set(labels)) >= 998


def test_the_checkpoint_is_the_published_one(package: Path) -> None:
    """Its file's name carries the first digits of its digest."""
    provenance = read_manifest(package).provenance
    assert provenance.checkpoint == "efficientnet-lite0-57934424.pth"
    assert provenance.checkpoint_sha256.startswith("57934424")
