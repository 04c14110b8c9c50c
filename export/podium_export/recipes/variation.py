"""Changes training pictures a little, differently each time, so that a network sees more of them than there are."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True, slots=True)
class Variation:
    """How much a picture may be changed.

    Attributes:
        max_turn: radians.
        max_shift_px: pixels.
        max_scale: part by which what it shows grows or shrinks.
    """

    max_turn: float = 0.2
    max_shift_px: float = 2.0
    max_scale: float = 0.1

    def apply(self, images: Tensor, chance: torch.Generator) -> Tensor:
        """Turn, scale and move each picture (count, channels, side, side) by a little of its own."""

        def uniform(bound: float) -> Tensor:
            return (torch.rand(len(images), generator=chance) * 2 - 1) * bound

        angle, scale = uniform(self.max_turn), 1 + uniform(self.max_scale)
        to_side = 2 / images.shape[-1]  # grids measure the picture from -1 to 1
        across, down = uniform(self.max_shift_px * to_side), uniform(self.max_shift_px * to_side)
        rows = (
            torch.stack((scale * angle.cos(), -scale * angle.sin(), across), dim=1),
            torch.stack((scale * angle.sin(), scale * angle.cos(), down), dim=1),
        )
        grid = F.affine_grid(torch.stack(rows, dim=1), list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, align_corners=False)
