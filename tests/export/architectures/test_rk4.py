"""The solver of the decoder graph, on equations whose solutions are known."""

import math

import pytest
import torch
from podium_export.architectures.latent_series import grid
from podium_export.architectures.rk4 import rk4_at, rk4_step
from torch import Tensor

TURN = torch.tensor([[0.0, 1.0], [-1.0, 0.0]], dtype=torch.float64)
"""Of dz/dt = z · TURN, whose solution turns z clockwise by 1 radian a unit of time."""


def turning(z: Tensor) -> Tensor:
    """f(z) = z · TURN."""
    return z @ TURN


def turned(z: Tensor, times: Tensor) -> Tensor:
    """The solution at times (A,): (B, A, D)."""
    return torch.stack([z @ torch.linalg.matrix_exp(TURN * time) for time in times], dim=1)


def solved(z: Tensor, times: Tensor, step: float) -> Tensor:
    """Solve forwards as far as the farthest time."""
    steps = grid(float(times.max()), step).expand(len(z), -1)
    return rk4_at(turning, z, times.expand(len(z), -1), steps, step)


def test_one_step_is_the_taylor_series_up_to_the_fourth_order() -> None:
    """Of dz/dt = z, one step of length h gives 1 + h + h²/2 + h³/6 + h⁴/24."""
    for h in (0.5, -0.25):
        step = rk4_step(lambda z: z, torch.ones(1, dtype=torch.float64), torch.tensor(h, dtype=torch.float64))
        assert float(step) == pytest.approx(sum(h**k / math.factorial(k) for k in range(5)), rel=1e-15)


def test_the_error_is_of_order_four() -> None:
    """Halving the step divides the error by 16, at times on the grid and between its points."""
    z, times = torch.tensor([[1.0, 0.5]], dtype=torch.float64), torch.tensor([0.31, 1.7, 2.0], dtype=torch.float64)
    errors = [(solved(z, times, step) - turned(z, times)).abs().amax(dim=(0, 2)) for step in (0.2, 0.1, 0.05)]
    orders = torch.log2(torch.stack([errors[0] / errors[1], errors[1] / errors[2]]))
    assert (orders[:, 2] - 4).abs().max() < 0.1
    assert orders.min() > 3.5


def test_times_need_no_order_and_no_difference() -> None:
    """Shuffled and repeated times give the shuffled and repeated values, bit for bit."""
    z = torch.randn(3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    times = torch.tensor([0.0, 0.3, 0.55, 1.2, 2.0], dtype=torch.float64)
    mixed = torch.tensor([3, 0, 3, 1, 4, 2, 0])
    assert torch.equal(solved(z, times[mixed], 0.1), solved(z, times, 0.1)[:, mixed])


def test_rows_need_no_common_times() -> None:
    """Each row is asked for its own times, and gets what it gets alone."""
    z = torch.randn(2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    times = torch.tensor([[0.1, 0.9], [1.4, 0.2]], dtype=torch.float64)
    steps = grid(1.4, 0.1).expand(2, -1)
    together = rk4_at(turning, z, times, steps, 0.1)
    for row in range(2):
        one = slice(row, row + 1)
        assert torch.equal(together[one], rk4_at(turning, z[one], times[one], steps[one], 0.1))


def test_a_longer_grid_changes_nothing() -> None:
    """Steps beyond the farthest time are gone in vain."""
    z, times = torch.ones(1, 2, dtype=torch.float64), torch.tensor([[0.33, 1.0]], dtype=torch.float64)
    short, long = (rk4_at(turning, z, times, grid(span, 0.1).expand(1, -1), 0.1) for span in (1.0, 3.0))
    assert torch.equal(short, long)


def test_solves_backwards() -> None:
    """Along a grid of negative times; forwards again from there leads back to where it began."""
    z, times = torch.tensor([[1.0, 0.5]], dtype=torch.float64), torch.tensor([[-0.77]], dtype=torch.float64)
    back = rk4_at(turning, z, times, -grid(0.77, 0.05).expand(1, -1), 0.05)
    assert (back - turned(z, times[0])).abs().max() < 1e-6
    again = solved(back[:, 0], torch.tensor([0.77], dtype=torch.float64), 0.05)
    assert (again[:, 0] - z).abs().max() < 1e-6


def test_the_value_at_zero_is_the_latent() -> None:
    """Nothing is solved for time 0."""
    z = torch.tensor([[1.0, 0.5]], dtype=torch.float64)
    assert torch.equal(solved(z, torch.zeros(1, dtype=torch.float64), 0.1)[:, 0], z)
