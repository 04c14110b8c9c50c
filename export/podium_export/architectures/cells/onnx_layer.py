"""Writes ONNX's recurrent operators, which PyTorch's converter writes for one layer of some networks alone.

Weights come as PyTorch stacks their gates, and leave as ONNX does.

Shapes: B batch, T time, I input features, H hidden features, D directions, G gates times H; 1 is one direction.
Source: ONNX's operator specifications, RNN, GRU and LSTM.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor

Operator = Literal["RNN", "GRU", "LSTM"]

_ORDERS: Mapping[str, tuple[int, ...]] = MappingProxyType({"RNN": (0,), "GRU": (1, 0, 2), "LSTM": (0, 3, 1, 2)})
"""The places of ONNX's gates (GRU: z, r, h; LSTM: i, o, f, c) among PyTorch's (r, z, n; i, f, g, o)."""


def onnx_operator(
    operator: Operator,
    x_TBI: Tensor,
    directions: Sequence[Sequence[Tensor]],
    *,
    length_B: Tensor | None = None,
    before_DBH: Sequence[Tensor] = (),
    attributes: Mapping[str, int],
) -> tuple[Tensor, ...]:
    """Put one operator into the graph that is being traced; it computes nothing before the graph is run.

    Args:
        operator: which one.
        x_TBI: the sequences.
        directions: for each of one or two, (G, I), (G, H), and two biases (G) where there are any.
        length_B: how much of each sequence is read, int32; None: all.
        before_DBH: the states before them; none: zeros.
        attributes: of the operator, beside the hidden size and the directions.

    Returns:
        What it writes (T, D, B, H), and its states after the last time (D, B, H).
    """
    ordered = [[_in_order(weight, operator) for weight in direction] for direction in directions]
    W_DGI, R_DGH = (torch.stack([direction[which] for direction in ordered]) for which in (0, 1))
    biases = [torch.cat(direction[2:]) for direction in ordered if direction[2:]]
    (time, batch, _), (num_directions, _, hidden) = x_TBI.shape, R_DGH.shape
    num_states = 2 if operator == "LSTM" else 1
    y_TDBH, *after_DBH = torch.onnx.ops.symbolic_multi_out(
        operator,
        (x_TBI, W_DGI, R_DGH, torch.stack(biases) if biases else None, length_B, *before_DBH),
        attrs={"hidden_size": hidden, "direction": ("forward", "bidirectional")[num_directions - 1], **attributes},
        dtypes=[x_TBI.dtype] * (1 + num_states),
        shapes=[(time, num_directions, batch, hidden), *[(num_directions, batch, hidden)] * num_states],
    )
    return y_TDBH, *after_DBH


def onnx_layer(
    operator: Operator, x_BTI: Tensor, states_BH: Sequence[Tensor], weights: Sequence[Tensor], **attributes: int
) -> tuple[Tensor, ...]:
    """Put one layer of one direction into the graph, the batch first; as `onnx_operator`.

    Returns:
        What the layer writes (B, T, H), and its states after the last time (B, H).
    """
    before = [state_BH[None] for state_BH in states_BH]
    y_T1BH, *after_1BH = onnx_operator(
        operator, x_BTI.transpose(0, 1), [weights], before_DBH=before, attributes=attributes
    )
    return y_T1BH[:, 0].transpose(0, 1), *(state_1BH[0] for state_1BH in after_1BH)


def _in_order(weight: Tensor, operator: Operator) -> Tensor:
    order = _ORDERS[operator]
    stacked = weight.chunk(len(order))
    return torch.cat([stacked[place] for place in order])
