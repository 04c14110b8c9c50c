"""Chooses the step of a fixed-step solver: the longest one that stays near an adaptive solver.

The reference is the method of Dormand and Prince with tolerances far below what is asked for, in double precision,
as torchdiffeq implements it.
"""

import copy
from typing import cast

import torch
from podium.v1 import model_manifest_pb2 as pb
from torch import Tensor

from podium_export.architectures.latent_series import LatentSeries, SeriesDecoder, grid
from podium_export.errors import NetworkError

TOLERANCE = 1e-4
"""How far from the reference the decoded values may be, in the network's numbers; of those beyond 1, relatively."""
HEADROOM = 4
"""How many times below the tolerance the measured error must be: real series lead to other latents than those drawn."""
NUM_STEPS = tuple(2**power for power in range(2, 11))
"""The numbers of steps up to the horizon that are tried, the fewest first."""

_REFERENCE_TOLERANCE = 1e-8
_NUM_LATENTS, _NUM_TIMES, _SEED = 64, 101, 0


def choose_step(series: LatentSeries, horizon: float) -> pb.Solver:
    """Choose the longest step whose error stays well below `TOLERANCE`, and say what the error is.

    Solved are latents drawn from the prior, N(0, I), always the same ones.

    Args:
        series: the equation and what decodes its solution.
        horizon: the longest time, in the network's time.

    Raises:
        NetworkError: the equation needs more steps than the largest of `NUM_STEPS`, or no solver solves it.
    """
    chance = torch.Generator().manual_seed(_SEED)
    z_BD = torch.randn(_NUM_LATENTS, series.latent_size, generator=chance)
    time_A = torch.linspace(0, horizon, _NUM_TIMES)
    with torch.inference_mode():
        reference_BAC = _reference(series, z_BD, time_A)
        error = float("inf")
        for num_steps in NUM_STEPS:
            step = horizon / num_steps
            error = _error(_fixed(series, z_BD, time_A, step), reference_BAC)
            if HEADROOM * error <= TOLERANCE:
                return pb.Solver(
                    method="rk4",
                    step=step,
                    max_error=error,
                    tolerance=TOLERANCE,
                    reference=f"dopri5, rtol {_REFERENCE_TOLERANCE:g}, atol {_REFERENCE_TOLERANCE:g}, double",
                )
    raise NetworkError(
        f"the differential equation cannot be solved with {NUM_STEPS[-1]:,} steps of one length up to the horizon: "
        f"the largest error is {error:.3g}, and {TOLERANCE / HEADROOM:g} is allowed. It is stiff, or it grows without "
        "bound: its weights have probably diverged in training"
    )


def _fixed(series: LatentSeries, z_BD: Tensor, time_A: Tensor, step: float) -> Tensor:
    grid_BS = grid(float(time_A[-1]), step).float().expand(len(z_BD), -1)
    values: Tensor = SeriesDecoder(series, step)(z_BD, time_A.expand(len(z_BD), -1), grid_BS)
    return values.double()


def _reference(series: LatentSeries, z_BD: Tensor, time_A: Tensor) -> Tensor:
    from torchdiffeq import odeint

    equation, decode = (copy.deepcopy(module).double() for module in (series.equation, series.decode))
    near = _REFERENCE_TOLERANCE

    def slope(_time: Tensor, z: Tensor) -> Tensor:
        along: Tensor = equation(z)
        return along

    try:
        solved_ABD = cast("Tensor", odeint(slope, z_BD.double(), time_A.double(), rtol=near, atol=near))
    except AssertionError as error:  # how torchdiffeq says that its step has become 0, or its error NaN
        raise NetworkError(
            f"the differential equation has no solution up to the horizon: torchdiffeq says {error}. Its weights have "
            "probably diverged in training"
        ) from error
    values: Tensor = decode(solved_ABD.transpose(0, 1))
    return values


def _error(actual: Tensor, expected: Tensor) -> float:
    difference = (actual - expected).abs() / expected.abs().clamp(min=1)
    return float(difference.nan_to_num(nan=float("inf"), posinf=float("inf")).max())
