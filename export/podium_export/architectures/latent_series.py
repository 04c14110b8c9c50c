"""The parts of a network of time series with a latent that obeys a differential equation.

Shapes: B batch, A asked times, S steps, C channels, D latent dimensions.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from podium_export.architectures.rk4 import rk4_at


@dataclass(frozen=True, slots=True)
class LatentSeries:
    """What graphs are made of.

    Attributes:
        encoder: maps time (B, T), value and mask (B, T, C) and count (B) to mean and standard deviation (B, D).
        equation: f of dz/dt = f(z), on the last axis.
        decode: from z (…, D) to values (…, C).
        num_channels: C.
        latent_size: D.
    """

    encoder: nn.Module
    equation: nn.Module
    decode: nn.Module
    num_channels: int
    latent_size: int


class SeriesDecoder(nn.Module):
    """Solves the equation by steps of one length, and decodes what comes of it."""

    def __init__(self, series: LatentSeries, step: float) -> None:
        super().__init__()
        self.equation = series.equation
        self.decode = series.decode
        self.step = step

    def forward(self, z_BD: Tensor, time_BA: Tensor, grid_BS: Tensor) -> Tensor:
        """Map latents, asked times and the solver's grid to values (B, A, C), see `rk4_at`."""
        values: Tensor = self.decode(rk4_at(self.equation, z_BD, time_BA, grid_BS, self.step))
        return values


def grid(span: float, step: float) -> Tensor:
    """Make the grid for times of 0 … span: step, 2 step, … (S), in double precision."""
    return torch.arange(1, max(1, math.ceil(span / step)) + 1, dtype=torch.float64) * step
