"""`motion`: tells which digit moves which way, from frame to frame and of a whole clip."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from podium.v1 import model_manifest_pb2 as pb
from torch import nn

from podium_export.architecture import Blueprint
from podium_export.architectures.cnn_rnn import CNNRNN
from podium_export.assembling import Published
from podium_export.package import Destination
from podium_export.progress import Progress
from podium_export.recipes.digit_pictures import HELD_OUT, learned_and_held_out
from podium_export.recipes.motion_training import MotionPlan, measure, train_motion
from podium_export.recipes.moving_digits import FRAME_RATE, LABELS, make_clips
from podium_export.recipes.stored_weights import StoredWeights

STORED = StoredWeights(
    "motion",
    "cnn-rnn",
    "Tells which handwritten digit, bright on dark, moves in which of eight directions: after each frame, as well as "
    "the frames so far allow.",
)

_SEED_OF_HELD_OUT = 1


def make(destination: Destination, progress: Progress) -> Published:
    """Export the stored weights."""
    return STORED.make(destination, progress, _describe)


def train(progress: Progress) -> CNNRNN:
    """Train from nothing."""
    learned, _ = learned_and_held_out()
    progress.step(f"Training a classifier of clips on {len(learned):,} digits in motion")
    return train_motion(learned, MotionPlan(), lambda done, steps: progress.detail(f"{done:,} of {steps:,} steps"))


def evaluate(network: nn.Module) -> Sequence[pb.Evaluation]:
    """Measure digit and direction on digits that were not learned from, each moving once."""
    assert isinstance(network, CNNRNN)
    _, held_out = learned_and_held_out()
    clips = make_clips(held_out, torch.Generator().manual_seed(_SEED_OF_HELD_OUT))
    figures = measure(network, clips)
    dataset = f"{HELD_OUT} in motion"
    return [
        pb.Evaluation(metric=metric, value=value, dataset=dataset, num_examples=len(clips))
        for metric, value in (
            ("accuracy", figures.both),
            ("accuracy of the digit", figures.digit),
            ("accuracy of the direction", figures.direction),
            ("accuracy after three frames", figures.third_frame),
        )
    ]


def _describe(_network: nn.Module, blueprint: Blueprint) -> Blueprint:
    """Name the classes, and say how fast its clips are."""
    assert blueprint.video is not None
    video = pb.Video()
    video.CopyFrom(blueprint.video)
    video.frame_rate = FRAME_RATE
    return replace(blueprint, labels=LABELS, video=video)
