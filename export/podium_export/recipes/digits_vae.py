"""`digits-vae`: a variational autoencoder of digits."""

from collections.abc import Sequence
from dataclasses import replace

from podium.v1 import model_manifest_pb2 as pb
from torch import nn

from podium_export.architecture import Blueprint
from podium_export.architectures.vae import VAE
from podium_export.assembling import Published
from podium_export.package import Destination
from podium_export.progress import Progress
from podium_export.recipes.digit_directions import digit_directions
from podium_export.recipes.digit_pictures import HELD_OUT, learned_and_held_out
from podium_export.recipes.stored_weights import StoredWeights
from podium_export.recipes.vae_training import VAEPlan, evidence_lower_bound, train_vae

STORED = StoredWeights("digits-vae", "vae", "A variational autoencoder of handwritten digits, bright on dark.")


def make(destination: Destination, progress: Progress) -> Published:
    """Export the stored weights, with the directions of latent space that digits give names to."""

    def with_directions(network: nn.Module, blueprint: Blueprint) -> Blueprint:
        assert isinstance(network, VAE)
        assert blueprint.latent_space is not None
        progress.step("Finding directions of latent space")
        space = pb.LatentSpace()
        space.CopyFrom(blueprint.latent_space)
        space.directions.extend(digit_directions(network, *learned_and_held_out()))
        return replace(blueprint, latent_space=space)

    return STORED.make(destination, progress, with_directions)


def train(progress: Progress) -> VAE:
    """Train from nothing."""
    learned, _ = learned_and_held_out()
    progress.step(f"Training a VAE on {len(learned):,} digits")
    return train_vae(learned, VAEPlan(), lambda done, steps: progress.detail(f"{done:,} of {steps:,} steps"))


def evaluate(network: nn.Module) -> Sequence[pb.Evaluation]:
    """Measure the evidence lower bound and its two parts on digits that were not learned from."""
    assert isinstance(network, VAE)
    _, held_out = learned_and_held_out()
    likelihood, divergence = evidence_lower_bound(network, held_out)
    figures = {
        "evidence lower bound": likelihood - divergence,
        "reconstruction": -likelihood,
        "divergence from the prior": divergence,
    }
    return [
        pb.Evaluation(metric=metric, value=value, unit="nats", dataset=HELD_OUT, num_examples=len(held_out))
        for metric, value in figures.items()
    ]
