"""Clips made of real digits: one digit moves across a small picture, in one of eight directions.

Shapes: B batch, T time, C channels, H height, W width.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from podium_export.recipes.digit_training import Digits

SIDE = 40
"""Height and width of a frame."""
NUM_FRAMES = 12
"""Frames of a clip."""
FRAME_RATE = 12.0
"""Frames a second that a clip is shown at."""
DIRECTIONS = ("right", "down-right", "down", "down-left", "left", "up-left", "up", "up-right")
"""Each an eighth of a turn from the one before."""
NUM_CLASSES = 10 * len(DIRECTIONS)
LABELS = tuple(f"{digit} moving {direction}" for digit in range(10) for direction in DIRECTIONS)
"""A clip's class: its digit times eight, plus its direction."""

_DIGIT_SIDE = 22.0  # of the 28×28 pixels that a digit comes in
_SPEEDS = 0.5, 1.3  # pixels a frame
_MARGIN = 9.0  # a digit's middle stays so far from the sides
_NOISE = 0.06


@dataclass(frozen=True, slots=True)
class Clips:
    """Clips with their classes.

    Attributes:
        frames: (B, T, 1, 40, 40), 0 ... 1, bright on dark, in steps of 1/255 as files have them.
        labels: (B,), 0 ... 79.
    """

    frames: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


def make_clips(digits: Digits, chance: torch.Generator) -> Clips:
    """Let each digit move its own way: direction, speed and start by chance, all of it in sight."""
    count = len(digits)

    def uniform(low: float, high: float) -> Tensor:
        return torch.rand(count, generator=chance) * (high - low) + low

    direction = torch.randint(len(DIRECTIONS), (count,), generator=chance)
    angle, speed = direction * (2 * math.pi / len(DIRECTIONS)), uniform(*_SPEEDS)
    way_B2 = torch.stack((angle.cos(), angle.sin()), dim=1) * speed[:, None]  # a row further down is a larger y
    room_B2 = SIDE - 2 * _MARGIN - (way_B2 * (NUM_FRAMES - 1)).abs()
    low_B2 = _MARGIN + (-way_B2 * (NUM_FRAMES - 1)).clamp(min=0)
    start_B2 = low_B2 + torch.stack((uniform(0, 1), uniform(0, 1)), dim=1) * room_B2
    middle_BT2 = start_B2[:, None] + way_B2[:, None] * torch.arange(NUM_FRAMES)[None, :, None]
    frames = _draw(digits.images, middle_BT2)
    frames = (frames + torch.randn(frames.shape, generator=chance) * _NOISE).clamp(0, 1)
    return Clips((frames * 255).round() / 255, digits.labels * len(DIRECTIONS) + direction)


def _draw(images: Tensor, middle_BT2: Tensor) -> Tensor:
    """Put each digit, made smaller, where its middle is in each frame: (B, T, 1, H, W)."""
    count, num_frames, _ = middle_BT2.shape
    scale = SIDE / _DIGIT_SIDE  # grids measure pictures from -1 to 1
    offset_N2 = ((middle_BT2 / SIDE) * 2 - 1).reshape(-1, 2) * scale
    rows = torch.zeros(len(offset_N2), 2, 3)
    rows[:, 0, 0] = rows[:, 1, 1] = scale
    rows[:, :, 2] = -offset_N2
    grid = F.affine_grid(rows, [len(offset_N2), 1, SIDE, SIDE], align_corners=False)
    repeated = images[:, None].expand(-1, num_frames, -1, -1, -1).flatten(0, 1)
    drawn = F.grid_sample(repeated, grid, align_corners=False)
    return drawn.reshape(count, num_frames, 1, SIDE, SIDE)
