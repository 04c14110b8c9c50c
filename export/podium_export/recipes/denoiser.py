"""`denoiser`: an autoencoder that takes the noise off digits."""

from collections.abc import Sequence

from podium.v1 import model_manifest_pb2 as pb
from torch import nn

from podium_export.architectures.autoencoder import Autoencoder
from podium_export.assembling import Published
from podium_export.package import Destination
from podium_export.progress import Progress
from podium_export.recipes.denoiser_training import NOISE, DenoiserPlan, squared_errors, train_denoiser
from podium_export.recipes.digit_pictures import HELD_OUT, learned_and_held_out
from podium_export.recipes.stored_weights import StoredWeights

STORED = StoredWeights(
    "denoiser",
    "denoising-autoencoder",
    "Takes the noise off handwritten digits, bright on dark, and fills in pixels that are missing.",
)


def make(destination: Destination, progress: Progress) -> Published:
    """Export the stored weights."""
    return STORED.make(destination, progress)


def train(progress: Progress) -> Autoencoder:
    """Train from nothing."""
    learned, _ = learned_and_held_out()
    progress.step(f"Training a denoising autoencoder on {len(learned):,} digits")
    return train_denoiser(learned, DenoiserPlan(), lambda done, steps: progress.detail(f"{done:,} of {steps:,} steps"))


def evaluate(network: nn.Module) -> Sequence[pb.Evaluation]:
    """Measure the squared error of noisy digits, and of what becomes of them, against the clean ones."""
    assert isinstance(network, Autoencoder)
    _, held_out = learned_and_held_out()
    noisy, cleaned = squared_errors(network, held_out)
    dataset = f"{HELD_OUT} with noise of deviation {NOISE:g}"
    return [
        pb.Evaluation(metric=metric, value=value, dataset=dataset, num_examples=len(held_out))
        for metric, value in (("mean squared error", cleaned), ("mean squared error before", noisy))
    ]
