"""The GRU as it was published: the reset gate multiplies the state before the matrix.

K. Cho et al.: Learning Phrase Representations using RNN Encoder–Decoder for Statistical Machine Translation, 2014,
equations 5 to 8, with z gating the old state.

Shapes: B batch, T time, I input features, H hidden features.
"""

import torch
from torch import Tensor
from torch.nn.functional import linear

from podium_export.architectures.cells.onnx_layer import onnx_layer
from podium_export.architectures.cells.over_time import over_time
from podium_export.architectures.cells.recurrent import TorchLayers


class GRUResetBefore(TorchLayers):
    """Weights as `nn.GRU` has them, for r, z and the candidate h̃; of two biases of one gate only the sum counts.

    The same weights give other numbers in `nn.GRU`: its r multiplies W_hh h, with its bias.
    """

    mode_name = "GRU"

    def layer(self, number: int, x_BTI: Tensor, *states_BH: Tensor) -> tuple[Tensor, ...]:
        """Run one layer."""
        if torch.onnx.is_in_onnx_export():
            return onnx_layer("GRU", x_BTI, states_BH, self.weights(number), linear_before_reset=0)
        (h_BH,) = states_BH
        W_x, W_h, *biases = self.weights(number)
        b = biases[0] + biases[1] if biases else W_x.new_zeros(len(W_x))
        (W_xr, W_xz, W_xh), (W_hr, W_hz, W_hh), (b_r, b_z, b_h) = W_x.chunk(3), W_h.chunk(3), b.chunk(3)

        def step(x_BI: Tensor, h_BH: Tensor) -> Tensor:
            r_BH = torch.sigmoid(linear(x_BI, W_xr) + linear(h_BH, W_hr) + b_r)
            z_BH = torch.sigmoid(linear(x_BI, W_xz) + linear(h_BH, W_hz) + b_z)
            candidate_BH = torch.tanh(linear(x_BI, W_xh) + linear(r_BH * h_BH, W_hh) + b_h)
            return z_BH * h_BH + (1 - z_BH) * candidate_BH

        return over_time(step, x_BTI, h_BH)
