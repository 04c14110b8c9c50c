"""Recurrent cells in layers, one on another, for whatever reads or writes token by token.

Each is a `Recurrent`: sequences and the states before them in, sequences and the states after them out. A state has the
batch on axis 0, one a layer and kind. Where ONNX has an operator for a layer, the exported graph has that operator;
where it has none, a scan.

rnn               Elman's network, `nn.RNN` with tanh               weights as `nn.RNN` names them
lstm              `nn.LSTM`                                         weights as `nn.LSTM` names them
gru               `nn.GRU`: reset after the matrix                  weights as `nn.GRU` names them
gru_reset_before  the GRU of Cho et al.: reset before the matrix    weights as `nn.GRU` names them
mut               MUT1, MUT2, MUT3 of Jozefowicz et al.             weights as the formulas name them
"""

from collections.abc import Mapping
from types import MappingProxyType

from podium_export.architectures.cells.gru import GRU
from podium_export.architectures.cells.gru_reset_before import GRUResetBefore
from podium_export.architectures.cells.lstm import LSTM
from podium_export.architectures.cells.mut import MUT1, MUT2, MUT3, MUTLayers
from podium_export.architectures.cells.recurrent import Recurrent, TorchLayers
from podium_export.architectures.cells.rnn import RNN

TORCH_CELLS: Mapping[str, type[RNN | LSTM | GRU | GRUResetBefore]] = MappingProxyType(
    {"rnn": RNN, "lstm": LSTM, "gru": GRU, "gru-reset-before": GRUResetBefore}
)
"""The cells whose weights are named as PyTorch names them."""
MUT_CELLS: Mapping[str, type[MUT1 | MUT2 | MUT3]] = MappingProxyType({"mut1": MUT1, "mut2": MUT2, "mut3": MUT3})
"""The cells whose weights are named as the formulas name them."""

__all__ = [
    "GRU",
    "LSTM",
    "MUT1",
    "MUT2",
    "MUT3",
    "MUT_CELLS",
    "RNN",
    "TORCH_CELLS",
    "GRUResetBefore",
    "MUTLayers",
    "Recurrent",
    "TorchLayers",
]
