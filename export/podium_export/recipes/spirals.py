"""`spirals`: a latent ODE of spirals in the plane, seen at irregular times through noise."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from podium.v1 import model_manifest_pb2 as pb
from torch import nn

from podium_export.architecture import Blueprint
from podium_export.architectures.latent_ode import LatentODE
from podium_export.assembling import Published
from podium_export.package import Destination
from podium_export.progress import Progress
from podium_export.recipes.spiral_series import DURATION, Spirals, readings, seen, spirals
from podium_export.recipes.spiral_training import SCALE, SpiralPlan, places, posterior, train_spirals
from podium_export.recipes.stored_weights import StoredWeights

STORED = StoredWeights(
    "spirals", "latent-ode", "A latent differential equation of spirals in the plane, of both directions."
)
SERIES = pb.Forecasting(
    channels=[pb.Channel(name=name, scale=SCALE) for name in ("x", "y")],
    time_scale=DURATION,
    latent_time=pb.LATENT_TIME_FIRST_OBSERVATION,
    horizon=DURATION,
    max_reach=4 * DURATION,
)
"""What is measured, and when."""

NUM_LEARNED, NUM_HELD_OUT = 1000, 500
NUM_READINGS, UNTIL = 30, 2 / 3 * DURATION
"""What is read of a held-out spiral: so many points by chance, of the first two thirds of its time."""
HELD_OUT = "spirals not learned from, 30 noisy points of the first two thirds read, against the places without noise"

_EVALUATED_STEPS = 64


def make(destination: Destination, progress: Progress) -> Published:
    """Export the stored weights."""

    def with_series(_network: nn.Module, blueprint: Blueprint) -> Blueprint:
        assert blueprint.with_series is not None
        return replace(blueprint.with_series(SERIES), description=blueprint.description)

    return STORED.make(destination, progress, with_series)


def learned_and_held_out() -> tuple[Spirals, Spirals]:
    """Draw the spirals, the same every time."""
    return (
        spirals(NUM_LEARNED, torch.Generator().manual_seed(0)),
        spirals(NUM_HELD_OUT, torch.Generator().manual_seed(1)),
    )


def train(progress: Progress) -> LatentODE:
    """Train from nothing."""
    learned, _ = learned_and_held_out()
    progress.step(f"Training a latent ODE on {len(learned):,} spirals")
    return train_spirals(learned, SpiralPlan(), lambda done, steps: progress.detail(f"{done:,} of {steps:,} steps"))


def evaluate(network: nn.Module) -> Sequence[pb.Evaluation]:
    """Measure the mean squared error of a coordinate on spirals that were not learned from."""
    assert isinstance(network, LatentODE)
    _, held_out = learned_and_held_out()
    chance = torch.Generator().manual_seed(2)
    until = torch.full((len(held_out), 1), UNTIL)
    given = readings(held_out.time, seen(held_out.place, chance), NUM_READINGS, until, chance)
    with torch.inference_mode():
        mean, _ = posterior(network, given)
        errors = (places(network, mean, held_out.time, _EVALUATED_STEPS) - held_out.place).square().mean(dim=-1)
    inside = held_out.time <= given.time.gather(1, given.count.unsqueeze(1) - 1)
    figures = {
        "mean squared error": errors.mean(),
        "mean squared error, interpolated": errors[inside].mean(),
        "mean squared error, extrapolated": errors[~inside].mean(),
    }
    return [
        pb.Evaluation(metric=metric, value=float(value), dataset=HELD_OUT, num_examples=len(held_out))
        for metric, value in figures.items()
    ]
