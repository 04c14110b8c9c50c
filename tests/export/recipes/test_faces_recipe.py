"""`faces`, out of the registry."""

from pathlib import Path

import numpy as np
import pytest
from podium_export.inspection.opened import read_manifest
from podium_export.package import Destination
from podium_export.progress import Silence
from podium_export.recipes import RECIPES
from podium_export.recipes.registry_package import FetchError

from tests.export.architectures.halves import run_graph


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the package."""
    try:
        return RECIPES["faces"].make(Destination(tmp_path_factory.mktemp("models"), "faces"), Silence()).path
    except FetchError as error:
        pytest.skip(f"the weights cannot be had here: {error}")


def test_pictures_are_in_colour_and_differ(package: Path) -> None:
    """Sixteen pictures of 64×64: the channels say different things, and no two pictures are alike."""
    latent = np.random.default_rng(0).standard_normal((16, 100), np.float32)
    images = run_graph(package, "decoder", latent=latent)["image"]
    assert images.shape == (16, 3, 64, 64)
    assert np.abs(images).max() <= 1 + 1e-6
    red, _, blue = images.transpose(1, 0, 2, 3)
    assert np.abs(red - blue).mean() > 0.05
    differences = [np.abs(one - other).mean() for place, one in enumerate(images) for other in images[:place]]
    assert min(differences) > 0.1


def test_faces_are_lighter_than_what_is_around_them_or_darker(package: Path) -> None:
    """The mean of many has a face's place: nearly the same when mirrored, and not when turned upside down."""
    latent = np.random.default_rng(1).standard_normal((256, 100), np.float32)
    mean = run_graph(package, "decoder", latent=latent)["image"].mean(axis=(0, 1))
    assert np.abs(mean - mean[:, ::-1]).mean() < 0.5 * np.abs(mean - mean[::-1]).mean()


def test_the_checkpoint_is_named(package: Path) -> None:
    """Where the weights came from is in the manifest."""
    provenance = read_manifest(package).provenance
    assert (provenance.architecture, provenance.checkpoint) == ("dcgan", "weights.tar")
