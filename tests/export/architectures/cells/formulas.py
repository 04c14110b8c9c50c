"""The recurrent cells as a lecture writes them, one row and one time at once, in plain numpy and double precision.

`w` holds the matrices and biases by their names in the formulas; a state is a vector.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Weights = Mapping[str, Vector]
Formula = Callable[[Weights, Vector, Sequence[Vector]], tuple[Vector, ...]]
"""From the weights, x and the states to the new states; the first of them is what the layer writes."""

tanh = np.tanh


def sigma(a: Vector) -> Vector:
    """The logistic function."""
    return 1 / (1 + np.exp(-a))


def vanilla(w: Weights, x: Vector, states: Sequence[Vector]) -> tuple[Vector, ...]:
    """Elman."""
    (h,) = states
    return (tanh(w["W_hh"] @ h + w["W_xh"] @ x + w["b_h"]),)


def lstm(w: Weights, x: Vector, states: Sequence[Vector]) -> tuple[Vector, ...]:
    """Write? erase? reveal?"""
    h, c = states
    i, f, o = (sigma(w[f"W_x{gate}"] @ x + w[f"W_h{gate}"] @ h + w[f"b_{gate}"]) for gate in "ifo")
    g = tanh(w["W_xg"] @ x + w["W_hg"] @ h + w["b_g"])
    c = f * c + i * g
    return o * tanh(c), c


def gru_reset_before(w: Weights, x: Vector, states: Sequence[Vector]) -> tuple[Vector, ...]:
    """The lecture's form: r multiplies h before the matrix."""
    (h,) = states
    r = sigma(w["W_xr"] @ x + w["W_hr"] @ h + w["b_r"])
    z = sigma(w["W_xz"] @ x + w["W_hz"] @ h + w["b_z"])
    candidate = tanh(w["W_xh"] @ x + w["W_hh"] @ (r * h) + w["b_h"])
    return (z * h + (1 - z) * candidate,)


def gru(w: Weights, x: Vector, states: Sequence[Vector]) -> tuple[Vector, ...]:
    """PyTorch's form: r multiplies after the matrix, and the matrix has a bias of its own."""
    (h,) = states
    r = sigma(w["W_xr"] @ x + w["W_hr"] @ h + w["b_r"])
    z = sigma(w["W_xz"] @ x + w["W_hz"] @ h + w["b_z"])
    candidate = tanh(w["W_xh"] @ x + w["b_xh"] + r * (w["W_hh"] @ h + w["b_hh"]))
    return (z * h + (1 - z) * candidate,)


def mut1(w: Weights, x: Vector, states: Sequence[Vector]) -> tuple[Vector, ...]:
    """MUT1."""
    (h,) = states
    x = w["W_x"] @ x if "W_x" in w else x
    z = sigma(w["W_xz"] @ x + w["b_z"])
    r = sigma(w["W_xr"] @ x + w["W_hr"] @ h + w["b_r"])
    return (tanh(w["W_hh"] @ (r * h) + tanh(x) + w["b_h"]) * z + h * (1 - z),)


def mut2(w: Weights, x: Vector, states: Sequence[Vector]) -> tuple[Vector, ...]:
    """MUT2."""
    (h,) = states
    x = w["W_x"] @ x if "W_x" in w else x
    z = sigma(w["W_xz"] @ x + w["W_hz"] @ h + w["b_z"])
    r = sigma(x + w["W_hr"] @ h + w["b_r"])
    return (tanh(w["W_hh"] @ (r * h) + w["W_xh"] @ x + w["b_h"]) * z + h * (1 - z),)


def mut3(w: Weights, x: Vector, states: Sequence[Vector]) -> tuple[Vector, ...]:
    """MUT3."""
    (h,) = states
    z = sigma(w["W_xz"] @ x + w["W_hz"] @ tanh(h) + w["b_z"])
    r = sigma(w["W_xr"] @ x + w["W_hr"] @ h + w["b_r"])
    return (tanh(w["W_hh"] @ (r * h) + w["W_xh"] @ x + w["b_h"]) * z + h * (1 - z),)


def over_layers(
    formula: Formula, layers: Sequence[Weights], sequence: Vector, states: Sequence[Sequence[Vector]]
) -> tuple[Vector, list[Vector]]:
    """Run layers, one on another, over one sequence: what the last writes at each time, and all states at the end."""
    after: list[Vector] = []
    for weights, first in zip(layers, states, strict=True):
        now: tuple[Vector, ...] = tuple(first)
        written: list[Vector] = []
        for x in sequence:
            now = formula(weights, x, now)
            written.append(now[0])
        sequence = np.stack(written)
        after += now
    return sequence, after
