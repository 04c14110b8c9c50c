"""Recurrent layers as ONNX's operators GRU and LSTM, for the written graph alone.

PyTorch's converter knows no lengths of sources and puts a dozen operators around each layer. Written out here, a layer
is one operator, which is told the lengths ("sequence_lens"), and axes move once before the first layer and once behind
the last.

Shapes: B batch, T time, E features of an input, H hidden features, D directions, M = D·H, G gates.
Source: ONNX's operator specifications, GRU and LSTM.
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

Operator = Literal["GRU", "LSTM"]
Weights = Sequence[Sequence[Tensor]]

_ORDERS = {"GRU": (1, 0, 2), "LSTM": (0, 3, 1, 2)}
"""PyTorch's gates (GRU: r, z, n; LSTM: i, f, g, o) in ONNX's order (z, r, h; i, o, f, c)."""


def read_onnx(
    operator: Operator, weights: Weights, num_directions: int, x_BTE: Tensor, length_B: Tensor
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Write what `recurrent.read` computes."""
    y_TBM, length_B = x_BTE.transpose(0, 1), length_B.int()
    after: list[Tensor] = []
    for first in range(0, len(weights), num_directions):
        y_TBM, finals_DBH = _layer(operator, weights[first : first + num_directions], y_TBM, length_B, ())
        after.extend(final_DBH.transpose(0, 1).flatten(1) for final_DBH in finals_DBH)
    return y_TBM.transpose(0, 1), tuple(after)


def advance_onnx(
    operator: Operator, weights: Weights, x_BTE: Tensor, states: Sequence[Tensor]
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Write what `recurrent.advance` computes."""
    y_TBH = x_BTE.transpose(0, 1)
    after: list[Tensor] = []
    per_layer = len(states) // len(weights)
    for layer in range(len(weights)):
        before = [state[None] for state in states[layer * per_layer :][:per_layer]]
        y_TBH, finals_1BH = _layer(operator, weights[layer : layer + 1], y_TBH, None, before)
        after.extend(final_1BH.squeeze(0) for final_1BH in finals_1BH)
    return y_TBH.transpose(0, 1), tuple(after)


def _layer(
    operator: Operator, directions: Weights, x_TBE: Tensor, length_B: Tensor | None, before: Sequence[Tensor]
) -> tuple[Tensor, Sequence[Tensor]]:
    """Write one layer: its outputs (T, B, M) and its states behind the last input (D, B, H)."""
    w_DGE, r_DGH = (torch.stack([_ordered(direction[which], operator) for direction in directions]) for which in (0, 1))
    bias_DG = torch.stack([torch.cat([_ordered(bias, operator) for bias in direction[2:]]) for direction in directions])
    (time, batch, _), (num_directions, _, hidden_size) = x_TBE.shape, r_DGH.shape
    finals = (num_directions, batch, hidden_size)
    num_states = 2 if operator == "LSTM" else 1
    attributes: dict[str, Any] = {
        "hidden_size": hidden_size,
        "direction": "bidirectional" if num_directions == 2 else "forward",
    }
    if operator == "GRU":
        attributes["linear_before_reset"] = 1  # PyTorch's form: r ∘ (W_hn h + b_hn)
    y_TDBH, *after = torch.onnx.ops.symbolic_multi_out(
        operator,
        (x_TBE, w_DGE, r_DGH, bias_DG, length_B, *before),
        attributes,
        dtypes=[x_TBE.dtype] * (1 + num_states),
        shapes=[(time, num_directions, batch, hidden_size), *[finals] * num_states],
    )
    return y_TDBH.transpose(1, 2).flatten(2) if num_directions == 2 else y_TDBH.squeeze(1), after


def _ordered(weight_GX: Tensor, operator: Operator) -> Tensor:
    """Bring a weight's gates into ONNX's order."""
    order = _ORDERS[operator]
    gates = weight_GX.reshape(len(order), -1, *weight_GX.shape[1:])
    return gates[list(order)].flatten(0, 1)
