"""Recurrent layers as ONNX's operators GRU and LSTM, for the written graph alone.

PyTorch's converter knows no lengths of sources and puts a dozen operators around each layer. Written out here, a layer
is one operator, which is told the lengths ("sequence_lens"), and axes move once before the first layer and once behind
the last.

Shapes: B batch, T time, E features of an input, H hidden features, D directions, M = D·H.
"""

from collections.abc import Sequence

from torch import Tensor

from podium_export.architectures.cells.onnx_layer import Operator, onnx_operator

Weights = Sequence[Sequence[Tensor]]


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
    # PyTorch's GRU: r ∘ (W_hn h + b_hn).
    attributes = {"linear_before_reset": 1} if operator == "GRU" else {}
    y_TDBH, *after = onnx_operator(
        operator, x_TBE, directions, length_B=length_B, before_DBH=before, attributes=attributes
    )
    return y_TDBH.transpose(1, 2).flatten(2) if len(directions) == 2 else y_TDBH.squeeze(1), after
