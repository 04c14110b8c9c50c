"""Elman's network, as `nn.RNN` computes it.

J. L. Elman: Finding Structure in Time, 1990.

Shapes: B batch, T time, I input features, H hidden features.
"""

import torch
from torch import Tensor

from podium_export.architectures.cells.onnx_layer import onnx_layer
from podium_export.architectures.cells.recurrent import TorchLayers


class RNN(TorchLayers):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh)."""

    mode_name = "RNN_TANH"

    def layer(self, number: int, x_BTI: Tensor, *states_BH: Tensor) -> tuple[Tensor, ...]:
        """Run one layer."""
        if torch.onnx.is_in_onnx_export():
            return onnx_layer("RNN", x_BTI, states_BH, self.weights(number))
        (h_BH,) = states_BH
        y_BTH, h_1BH = torch.rnn_tanh(
            *(x_BTI, h_BH[None], self.weights(number), self.bias),
            num_layers=1, dropout=0.0, train=False, bidirectional=False, batch_first=True,
        )  # fmt: skip
        return y_BTH, h_1BH[0]
