"""`denoiser`, as it is served."""

from pathlib import Path

import numpy as np
import pytest
from podium_export.package import Destination
from podium_export.progress import Silence
from podium_export.recipes import RECIPES
from podium_export.recipes.digit_pictures import learned_and_held_out

from tests.export.architectures.halves import run_graph


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the package."""
    return RECIPES["denoiser"].make(Destination(tmp_path_factory.mktemp("models"), "denoiser"), Silence()).path


@pytest.mark.parametrize(("deviation", "part"), [(0.2, 0.6), (0.4, 0.25), (0.6, 0.2)])
def test_most_of_the_noise_is_taken_off(package: Path, deviation: float, part: float) -> None:
    """Of weak and strong noise on digits that were not learned from, no more than this part of the error is left."""
    _, held_out = learned_and_held_out()
    clean = held_out.images.numpy()
    noise = np.random.default_rng(0).normal(0, deviation, clean.shape)
    noisy = np.clip(clean + noise, 0, 1).astype(np.float32)
    latent = run_graph(package, "encoder", image=noisy)["mean"]
    image = run_graph(package, "decoder", latent=latent)["image"]
    assert np.square(image - clean).mean() < part * np.square(noisy - clean).mean()
