"""Measures of handwriting, from its pictures alone: how wide its strokes are, and how far they lean.

Shapes: B batch, H height, W width.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def stroke_width(x_B1HW: Tensor) -> Tensor:
    """Measure the width (B,) of strokes in pixels: twice the area over the perimeter, as of a long ribbon.

    The area is the sum of all pixels. The perimeter is their total variation, the sum of the gradient's lengths: by
    the coarea formula the mean perimeter over all grey levels, so that no threshold is needed and a pale picture has
    the width of a bright one.

    Args:
        x_B1HW: pictures bright on dark, not all of one grey.
    """
    ink_BHW = x_B1HW[:, 0].double()
    ringed = F.pad(ink_BHW, (1, 1, 1, 1))
    upper, lower = ringed[:, :-1], ringed[:, 1:]
    # The gradient where four pixels meet: half the difference of its two pairs.
    down = (lower[..., 1:] + lower[..., :-1] - upper[..., 1:] - upper[..., :-1]) / 2
    across = (lower[..., 1:] - lower[..., :-1] + upper[..., 1:] - upper[..., :-1]) / 2
    perimeter_B = torch.hypot(down, across).sum(dim=(1, 2))
    return 2 * ink_BHW.sum(dim=(1, 2)) / perimeter_B


def lean(x_B1HW: Tensor) -> Tensor:
    """Measure the lean (B,) of what is written, in radians from upright; above 0 to the right, as italics.

    It is the shear that a picture without lean has been given, from central moments: arctan(-μ₁₁ / μ₀₂), x to the
    right and y down. LeCun et al.: Gradient-Based Learning Applied to Document Recognition, 1998, section III.A,
    take it away ("deslanting").

    Args:
        x_B1HW: pictures bright on dark, with more than one row that is not black.
    """
    ink_BHW = x_B1HW[:, 0].double()
    mass_B = ink_BHW.sum(dim=(1, 2))
    y_BH = _about_the_mean(ink_BHW.sum(dim=2), mass_B)
    x_BW = _about_the_mean(ink_BHW.sum(dim=1), mass_B)
    together_B = torch.einsum("bhw,bh,bw->b", ink_BHW, y_BH, x_BW)
    spread_B = (ink_BHW.sum(dim=2) * y_BH**2).sum(dim=1)
    return torch.atan(-together_B / spread_B)


def _about_the_mean(ink_BN: Tensor, mass_B: Tensor) -> Tensor:
    """Give places along one axis (B, N), less the centre of the ink."""
    place_N = torch.arange(ink_BN.shape[1], dtype=torch.float64)
    centre_B = (ink_BN * place_N).sum(dim=1) / mass_B
    return place_N - centre_B[:, None]
