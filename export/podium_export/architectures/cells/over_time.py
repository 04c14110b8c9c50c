"""Runs a recurrence over time: a plain loop in PyTorch, and a scan, dynamic in batch and time, in an exported graph.

Shapes: B batch, T time, I input features, H hidden features.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._higher_order_ops import scan

Step = Callable[[Tensor, Tensor], Tensor]
"""From x (B, I) and h (B, H) to the next h."""


def over_time(step: Step, x_BTI: Tensor, h_BH: Tensor) -> tuple[Tensor, Tensor]:
    """Run a recurrence: a cell over its inputs, or a solver over the lengths of its steps.

    Args:
        step: its formula.
        x_BTI: sequences of one time or more.
        h_BH: the state before them.

    Returns:
        The state after each time (B, T, H), and after the last (B, H).
    """
    if torch.onnx.is_in_onnx_export():
        return _scanned(step, x_BTI, h_BH)
    ys: list[Tensor] = []
    for x_BI in x_BTI.unbind(1):
        h_BH = step(x_BI, h_BH)
        ys.append(h_BH)
    return torch.stack(ys, 1), h_BH


def _scanned(step: Step, x_BTI: Tensor, h_BH: Tensor) -> tuple[Tensor, Tensor]:
    def combine(h_BH: Tensor, x_BI: Tensor) -> tuple[Tensor, Tensor]:
        h_BH = step(x_BI, h_BH)
        return h_BH, h_BH.clone()  # a scan may not give one tensor twice

    result: Any = scan(combine, h_BH, x_BTI.transpose(0, 1))
    last_BH, y_TBH = result
    return y_TBH.transpose(0, 1), last_BH
