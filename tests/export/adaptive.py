"""torchdiffeq's dopri5: the adaptive solver that fixed steps are measured against."""

import copy
from typing import cast

import torch
from torch import Tensor, nn
from torchdiffeq import odeint


def adaptive(equation: nn.Module, z: Tensor, times: Tensor, tolerance: float = 1e-9) -> Tensor:
    """Solve dz/dt = equation(z) in double precision: (times, …) from z (…).

    Args:
        equation: f.
        z: at the first of the times.
        times: ascending or descending, each once.
        tolerance: relative and absolute.
    """
    wide = copy.deepcopy(equation).double()

    def slope(_time: Tensor, z: Tensor) -> Tensor:
        return cast("Tensor", wide(z))

    with torch.no_grad():
        solved = odeint(slope, z.double(), times.double(), rtol=tolerance, atol=tolerance, method="dopri5")
    return cast("Tensor", solved)
