"""MUT1, MUT2, MUT3: the three cells that an evolutionary search found.

R. Jozefowicz, W. Zaremba, I. Sutskever: An Empirical Exploration of Recurrent Network Architectures, ICML 2015,
section 3.3.

Shapes: B batch, T time, I input features, H hidden features.
"""

from abc import abstractmethod

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from podium_export.architectures.cells.over_time import over_time
from podium_export.architectures.cells.recurrent import Recurrent


class MUT(nn.Module):
    """One layer: its weights under the formula's names, matrices (H, I) or (H, H), biases (H)."""

    W_x: Tensor | None
    """Makes x as wide as h, where x itself enters the formula and is not."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.register_parameter("W_x", None)
        self.b_z, self.b_r, self.b_h = (nn.Parameter(torch.zeros(hidden_size)) for _ in range(3))

    def widen(self, input_size: int, hidden_size: int) -> None:
        """Make x as wide as h with a matrix of its own, if it is not."""
        if input_size != hidden_size:
            self.W_x = _matrix(hidden_size, input_size)

    def forward(self, x_BTI: Tensor, h_BH: Tensor) -> tuple[Tensor, Tensor]:
        """Run over time: the state after each time (B, T, H), and after the last (B, H)."""
        return over_time(self.step, x_BTI if self.W_x is None else linear(x_BTI, self.W_x), h_BH)

    @abstractmethod
    def step(self, x_BI: Tensor, h_BH: Tensor) -> Tensor:
        """Give the next state."""


class MUT1(MUT):
    """z reads x alone, and tanh(x) enters the candidate."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(hidden_size)
        self.widen(input_size, hidden_size)
        self.W_xz, self.W_xr, self.W_hr, self.W_hh = (_matrix(hidden_size, hidden_size) for _ in range(4))

    def step(self, x_BI: Tensor, h_BH: Tensor) -> Tensor:
        """Give the next state."""
        # z = σ(W_xz x + b_z)
        z_BH = torch.sigmoid(linear(x_BI, self.W_xz) + self.b_z)
        # r = σ(W_xr x + W_hr h + b_r)
        r_BH = torch.sigmoid(linear(x_BI, self.W_xr) + linear(h_BH, self.W_hr) + self.b_r)
        # h' = tanh(W_hh (r∘h) + tanh(x) + b_h)∘z + h∘(1 − z)
        candidate_BH = torch.tanh(linear(r_BH * h_BH, self.W_hh) + torch.tanh(x_BI) + self.b_h)
        return candidate_BH * z_BH + h_BH * (1 - z_BH)


class MUT2(MUT):
    """x enters the reset gate directly."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(hidden_size)
        self.widen(input_size, hidden_size)
        self.W_xz, self.W_hz, self.W_hr = (_matrix(hidden_size, hidden_size) for _ in range(3))
        self.W_xh, self.W_hh = (_matrix(hidden_size, hidden_size) for _ in range(2))

    def step(self, x_BI: Tensor, h_BH: Tensor) -> Tensor:
        """Give the next state."""
        # z = σ(W_xz x + W_hz h + b_z)
        z_BH = torch.sigmoid(linear(x_BI, self.W_xz) + linear(h_BH, self.W_hz) + self.b_z)
        # r = σ(x + W_hr h + b_r)
        r_BH = torch.sigmoid(x_BI + linear(h_BH, self.W_hr) + self.b_r)
        # h' = tanh(W_hh (r∘h) + W_xh x + b_h)∘z + h∘(1 − z)
        candidate_BH = torch.tanh(linear(r_BH * h_BH, self.W_hh) + linear(x_BI, self.W_xh) + self.b_h)
        return candidate_BH * z_BH + h_BH * (1 - z_BH)


class MUT3(MUT):
    """z reads tanh(h); the weights have the shapes that a GRU's have, so none tells the two apart."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(hidden_size)
        self.W_xz, self.W_xr, self.W_xh = (_matrix(hidden_size, input_size) for _ in range(3))
        self.W_hz, self.W_hr, self.W_hh = (_matrix(hidden_size, hidden_size) for _ in range(3))

    def step(self, x_BI: Tensor, h_BH: Tensor) -> Tensor:
        """Give the next state."""
        # z = σ(W_xz x + W_hz tanh(h) + b_z)
        z_BH = torch.sigmoid(linear(x_BI, self.W_xz) + linear(torch.tanh(h_BH), self.W_hz) + self.b_z)
        # r = σ(W_xr x + W_hr h + b_r)
        r_BH = torch.sigmoid(linear(x_BI, self.W_xr) + linear(h_BH, self.W_hr) + self.b_r)
        # h' = tanh(W_hh (r∘h) + W_xh x + b_h)∘z + h∘(1 − z)
        candidate_BH = torch.tanh(linear(r_BH * h_BH, self.W_hh) + linear(x_BI, self.W_xh) + self.b_h)
        return candidate_BH * z_BH + h_BH * (1 - z_BH)


class MUTLayers(Recurrent):
    """Layers of one of the three, numbered from "0"."""

    def __init__(self, cell: type[MUT1 | MUT2 | MUT3], input_size: int, hidden_size: int, num_layers: int = 1) -> None:
        super().__init__()
        self.num_layers = num_layers
        self.hidden_size = hidden_size
        for number in range(num_layers):
            self.add_module(str(number), cell(hidden_size if number else input_size, hidden_size))

    def layer(self, number: int, x_BTI: Tensor, *states_BH: Tensor) -> tuple[Tensor, ...]:
        """Run one layer; the graph has a scan, as ONNX has no operator for it."""
        y_BTH, h_BH = self.get_submodule(str(number))(x_BTI, *states_BH)
        return y_BTH, h_BH


def _matrix(rows: int, columns: int) -> nn.Parameter:
    """Make a matrix with the width of values that `nn.Linear` begins with."""
    bound = columns**-0.5
    return nn.Parameter(torch.empty(rows, columns).uniform_(-bound, bound))
