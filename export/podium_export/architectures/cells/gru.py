"""The GRU, as `nn.GRU` computes it: the reset gate multiplies after the matrix.

Shapes: B batch, T time, I input features, H hidden features.
"""

import torch
from torch import Tensor

from podium_export.architectures.cells.onnx_layer import onnx_layer
from podium_export.architectures.cells.recurrent import TorchLayers


class GRU(TorchLayers):
    """Each of r, z, n, stacked in this order, has an affine map of x and one of h.

    r = σ(W_ir x + b_ir + W_hr h + b_hr), z = σ(W_iz x + b_iz + W_hz h + b_hz),
    n = tanh(W_in x + b_in + r∘(W_hn h + b_hn)), h' = z∘h + (1 − z)∘n.
    """

    mode_name = "GRU"

    def layer(self, number: int, x_BTI: Tensor, *states_BH: Tensor) -> tuple[Tensor, ...]:
        """Run one layer."""
        if torch.onnx.is_in_onnx_export():
            return onnx_layer("GRU", x_BTI, states_BH, self.weights(number), linear_before_reset=1)
        (h_BH,) = states_BH
        y_BTH, h_1BH = torch.gru(
            *(x_BTI, h_BH[None], self.weights(number), self.bias),
            num_layers=1, dropout=0.0, train=False, bidirectional=False, batch_first=True,
        )  # fmt: skip
        return y_BTH, h_1BH[0]
