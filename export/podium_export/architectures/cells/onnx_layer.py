"""Writes ONNX's recurrent operators, which PyTorch's converter writes for one layer of some networks alone.

Shapes: B batch, T time, I input features, H hidden features, G gates times H; 1 is ONNX's axis of directions.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def onnx_layer(
    operator: str, x_BTI: Tensor, states_BH: Sequence[Tensor], weights: Sequence[Tensor], gates: str, **attributes: int
) -> tuple[Tensor, ...]:
    """Put one layer into the graph that is being traced; it computes nothing before the graph is run.

    Args:
        operator: "RNN", "LSTM" or "GRU".
        x_BTI: the sequences.
        states_BH: the states before them.
        weights: (G, I), (G, H), and two biases (G) where there are any.
        gates: the places of ONNX's gates among those that are stacked in the weights, as in "102" where ONNX has the
            second, the first, and the third.
        attributes: of the operator, beside the hidden size.

    Returns:
        What the layer writes (B, T, H), and its states after the last time.
    """
    (batch, time, _), hidden = x_BTI.shape, states_BH[0].shape[1]
    W_GI, R_GH, *biases = (_in_order(weight, gates) for weight in weights)
    inputs = (x_BTI.transpose(0, 1), W_GI[None], R_GH[None], torch.cat(biases)[None] if biases else None, None)
    state = (1, batch, hidden)
    y_T1BH, *after_1BH = torch.onnx.ops.symbolic_multi_out(
        operator,
        (*inputs, *(state_BH[None] for state_BH in states_BH)),
        attrs={"hidden_size": hidden, **attributes},
        dtypes=[x_BTI.dtype] * (1 + len(states_BH)),
        shapes=[(time, 1, batch, hidden), *[state] * len(states_BH)],
    )
    return y_T1BH[:, 0].transpose(0, 1), *(state_1BH[0] for state_1BH in after_1BH)


def _in_order(weight: Tensor, gates: str) -> Tensor:
    stacked = weight.chunk(len(gates))
    return torch.cat([stacked[int(place)] for place in gates])
