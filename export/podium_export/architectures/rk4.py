"""The classical method of Runge and Kutta, with its loop over steps as one node of a graph.

C. Runge 1895, W. Kutta 1901: k1 = f(z), k2 = f(z + h/2 k1), k3 = f(z + h/2 k2), k4 = f(z + h k3),
z(t + h) = z(t) + h/6 (k1 + 2 k2 + 2 k3 + k4) + O(h⁵): the error after a fixed time is of order 4.

Shapes: B batch, A asked times, S steps, D latent dimensions.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from podium_export.architectures.cells.over_time import over_time

Equation = Callable[[Tensor], Tensor]
"""f of dz/dt = f(z), on the last axis."""


def rk4_step(f: Equation, z: Tensor, h: Tensor) -> Tensor:
    """Go one step.

    Args:
        f: the equation.
        z: (…, D).
        h: the step's length, negative for backwards, broadcast against `z`.
    """
    k1 = f(z)
    k2 = f(z + h / 2 * k1)
    k3 = f(z + h / 2 * k2)
    k4 = f(z + h * k3)
    return z + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def rk4_at(f: Equation, z_BD: Tensor, time_BA: Tensor, grid_BS: Tensor, step: float) -> Tensor:
    """Solve dz/dt = f(z), z(0) given, at any times: (B, A, D).

    The solver goes along the grid; each asked time is reached by one step more from the grid's point before it. So
    times need no order, rows need no common times, and the value at a time does not depend on what else is asked for.

    Args:
        f: the equation.
        z_BD: z(0).
        time_BA: the asked times, all of a row on the grid's side of 0.
        grid_BS: step, 2 step, …; or -step, -2 step, …; as far as the farthest asked time.
        step: the distance of neighbouring grid points, above 0.
    """
    grid_BP = torch.cat([torch.zeros_like(grid_BS[:, :1]), grid_BS], dim=1)
    h_BS1 = (grid_BP[:, 1:] - grid_BP[:, :-1]).unsqueeze(-1)
    z_BSD, _ = over_time(lambda h_B1, z: rk4_step(f, z, h_B1), h_BS1, z_BD)
    z_BPD = torch.cat([z_BD.unsqueeze(1), z_BSD], dim=1)
    before_BA = torch.floor(time_BA.abs() / step).long().clamp(max=grid_BS.shape[1])
    z_BAD = z_BPD.gather(1, before_BA.unsqueeze(-1).expand(-1, -1, z_BD.shape[1]))
    return rk4_step(f, z_BAD, (time_BA - grid_BP.gather(1, before_BA)).unsqueeze(-1))
