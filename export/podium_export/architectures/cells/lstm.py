"""The LSTM, as `nn.LSTM` computes it.

S. Hochreiter, J. Schmidhuber: Long Short-Term Memory, 1997; F. Gers, J. Schmidhuber, F. Cummins: Learning to Forget,
2000, for the forget gate.

Shapes: B batch, T time, I input features, H hidden features.
"""

import torch
from torch import Tensor

from podium_export.architectures.cells.onnx_layer import onnx_layer
from podium_export.architectures.cells.recurrent import TorchLayers


class LSTM(TorchLayers):
    """Each of i, f, g, o, stacked in this order, is an affine map of x and h.

    i, f, o = σ(…), g = tanh(…), c' = f∘c + i∘g, h' = o∘tanh(c').
    """

    mode_name = "LSTM"
    kinds = ("hidden", "cell")

    def layer(self, number: int, x_BTI: Tensor, *states_BH: Tensor) -> tuple[Tensor, ...]:
        """Run one layer."""
        if torch.onnx.is_in_onnx_export():
            return onnx_layer("LSTM", x_BTI, states_BH, self.weights(number))
        h_BH, c_BH = states_BH
        y_BTH, h_1BH, c_1BH = torch.lstm(
            *(x_BTI, (h_BH[None], c_BH[None]), self.weights(number), self.bias),
            num_layers=1, dropout=0.0, train=False, bidirectional=False, batch_first=True,
        )  # fmt: skip
        return y_BTH, h_1BH[0], c_1BH[0]
