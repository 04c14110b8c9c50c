"""`digits-vae`, as it is served."""

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
    return RECIPES["digits-vae"].make(Destination(tmp_path_factory.mktemp("models"), "digits-vae"), Silence()).path


def test_the_bound_is_good_on_digits_that_were_not_learned_from(package: Path) -> None:
    """Equations 10 and 11 of Kingma & Welling, in numpy on the ONNX graphs: better than 112 nats a digit."""
    _, held_out = learned_and_held_out()
    x = held_out.images.numpy().astype(np.float64)
    posterior = run_graph(package, "encoder", image=held_out.images)
    mean, log_variance = (posterior[key].astype(np.float64) for key in ("mean", "log_variance"))
    z = mean + np.exp(log_variance / 2) * np.random.default_rng(0).standard_normal(mean.shape)
    p = np.clip(run_graph(package, "decoder", latent=z.astype(np.float32))["image"].astype(np.float64), 1e-7, 1 - 1e-7)
    log_likelihood = (x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=(1, 2, 3))
    divergence = -0.5 * (1 + log_variance - mean**2 - np.exp(log_variance)).sum(axis=1)
    assert (log_likelihood - divergence).mean() > -112


def test_every_dimension_is_in_use(package: Path) -> None:
    """None has collapsed to the prior: each carries half a nat or more, so each row of a traverse shows something."""
    _, held_out = learned_and_held_out()
    posterior = run_graph(package, "encoder", image=held_out.images)
    mean, log_variance = posterior["mean"], posterior["log_variance"]
    assert (-0.5 * (1 + log_variance - mean**2 - np.exp(log_variance))).mean(axis=0).min() > 0.5
