"""Trains a classifier of moving digits: minutes of work on one core, the same every time.

Every frame is asked for the class, the later ones as much as the first: so the answer after each frame is the best that
the frames so far allow.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from podium_export.architectures.char_rnn_keys import CharRNNConfig, Names
from podium_export.architectures.cnn_rnn import CNNRNN, CNNRNNConfig
from podium_export.architectures.frame_trunk import chain_trunk
from podium_export.architectures.layers import Kind, Layer
from podium_export.recipes.digit_training import Digits, Progress
from podium_export.recipes.moving_digits import DIRECTIONS, NUM_CLASSES, SIDE, Clips, make_clips
from podium_export.recipes.reproducible import reproducible
from podium_export.recipes.variation import Variation


@dataclass(frozen=True, slots=True)
class MotionPlan:
    """How large, how long and how fast.

    Attributes:
        filters: of the three convolutions.
        num_features: of a frame.
        hidden_size: of the GRU.
        num_steps: batches learned from.
        batch_size: clips a step.
        peak_learning_rate: of AdamW, reached a tenth of the way.
        seed: of the first weights, the order, the changes and the clips.
    """

    filters: tuple[int, int, int] = (12, 24, 48)
    num_features: int = 96
    hidden_size: int = 128
    num_steps: int = 2500
    batch_size: int = 32
    peak_learning_rate: float = 3e-3
    seed: int = 0

    @property
    def config(self) -> CNNRNNConfig:
        """The layers: 40×40, 20×20, 10×10, 5×5, then a row of features."""
        few, more, most = self.filters
        cells = (SIDE // 8) ** 2
        trunk = chain_trunk(
            (
                Layer("0", Kind.DOWN, 1, few, 4),
                Layer("2", Kind.DOWN, few, more, 4),
                Layer("4", Kind.DOWN, more, most, 4),
                Layer("7", Kind.LINEAR, most * cells, self.num_features),
            )
        )
        recurrent = CharRNNConfig(
            vocabulary_size=NUM_CLASSES,
            cell="gru",
            embedding_size=None,
            hidden_size=self.hidden_size,
            num_layers=1,
            names=Names(recurrent="gru"),
        )
        return CNNRNNConfig(trunk, recurrent)


def train_motion(digits: Digits, plan: MotionPlan, progress: Progress) -> CNNRNN:
    """Train from nothing; the same digits, plan and PyTorch give the same weights."""
    variation = Variation(max_turn=0.15, max_shift_px=0.0, max_scale=0.1)
    with reproducible(plan.seed) as chance:
        network = CNNRNN(plan.config).train()
        optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, plan.peak_learning_rate, total_steps=plan.num_steps, pct_start=0.1
        )
        for step in range(1, plan.num_steps + 1):
            batch = digits.at(torch.randint(len(digits), (plan.batch_size,), generator=chance))
            clips = make_clips(Digits(variation.apply(batch.images, chance).clamp(0, 1), batch.labels), chance)
            optimizer.zero_grad()
            torch.autograd.backward(_cost(network(clips.frames), clips.labels))
            optimizer.step()
            schedule.step()
            progress(step, plan.num_steps)
    return network.eval()


def _cost(logits_BTN: Tensor, labels: Tensor) -> Tensor:
    """Give the mean over frames of the cross-entropy."""
    return F.cross_entropy(logits_BTN.flatten(0, 1), labels.repeat_interleave(logits_BTN.shape[1]))


@dataclass(frozen=True, slots=True)
class MotionFigures:
    """The parts of clips that are right, 0 ... 1.

    Attributes:
        both: digit and direction, after the last frame.
        digit: the digit.
        direction: the direction.
        third_frame: digit and direction, after the third frame.
    """

    both: float
    digit: float
    direction: float
    third_frame: float


def measure(network: CNNRNN, clips: Clips) -> MotionFigures:
    """Measure a network on clips."""
    with torch.inference_mode():
        said_BT = network(clips.frames).argmax(dim=2)
    last_B, wanted_B = said_BT[:, -1], clips.labels

    def part(right_B: Tensor) -> float:
        return float(right_B.double().mean())

    num = len(DIRECTIONS)
    return MotionFigures(
        both=part(last_B == wanted_B),
        digit=part(last_B // num == wanted_B // num),
        direction=part(last_B % num == wanted_B % num),
        third_frame=part(said_BT[:, 2] == wanted_B),
    )
