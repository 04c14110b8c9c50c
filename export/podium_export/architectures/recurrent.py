"""Recurrent layers that read a padded source or write on: PyTorch's own `nn.GRU` and `nn.LSTM`, in their own keys.

In PyTorch a source is read as packed sequences, which leave the padding out. In the written graph it is ONNX's
operator that is told the lengths, so that neither has a loop over the source, and export compares one with the other.

States are one tensor (B, H) a layer: h_0, h_1, … of a GRU, h_0, c_0, h_1, c_1, … of an LSTM.

Shapes: B batch, T time, E features of an input, H hidden features, D directions, M = D·H.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from podium_export.architectures.recurrent_onnx import advance_onnx, read_onnx
from podium_export.architectures.sizes import length
from podium_export.errors import CheckpointError

States = tuple[Tensor, ...]


class Cell(StrEnum):
    """What a recurrent layer is made of."""

    GRU = "gru"
    LSTM = "lstm"

    @property
    def operator(self) -> Literal["GRU", "LSTM"]:
        """ONNX's name."""
        return "GRU" if self is Cell.GRU else "LSTM"

    @property
    def num_gates(self) -> int:
        """Rows of a weight for each hidden feature."""
        return {Cell.GRU: 3, Cell.LSTM: 4}[self]

    @property
    def state_names(self) -> tuple[str, ...]:
        """What the states of a layer are called: the paper's letters."""
        return {Cell.GRU: ("h",), Cell.LSTM: ("h", "c")}[self]


@dataclass(frozen=True, slots=True)
class RecurrentConfig:
    """The sizes of recurrent layers.

    Attributes:
        cell: what they are made of.
        input_size: features of an input, E.
        hidden_size: features of a state, H.
        num_layers: layers one upon another.
        bidirectional: whether each layer reads the source backwards too.
        dropout: between the layers, in training alone.
    """

    cell: Cell = Cell.GRU
    input_size: int = 256
    hidden_size: int = 256
    num_layers: int = 1
    bidirectional: bool = False
    dropout: float = 0.0

    @property
    def output_size(self) -> int:
        """Features of an output, both directions together, M."""
        return self.hidden_size * (2 if self.bidirectional else 1)

    @property
    def state_names(self) -> tuple[str, ...]:
        """Names of the states in their order: "h_0" and "c_0" of the lowest layer first."""
        return tuple(f"{name}_{layer}" for layer in range(self.num_layers) for name in self.cell.state_names)


def recurrent_layers(config: RecurrentConfig) -> nn.RNNBase:
    """Make the layers."""
    kind = nn.GRU if config.cell is Cell.GRU else nn.LSTM
    return kind(
        config.input_size,
        config.hidden_size,
        config.num_layers,
        batch_first=True,
        bidirectional=config.bidirectional,
        dropout=config.dropout if config.num_layers > 1 else 0.0,
    )


def read_recurrent(state: Mapping[str, Tensor], prefix: str, usual: RecurrentConfig) -> RecurrentConfig:
    """Read the sizes of the layers whose keys begin with a prefix, such as "encoder.rnn.".

    Raises:
        CheckpointError: the weights are neither a GRU's nor an LSTM's.
    """
    hidden_size = length(state, f"{prefix}weight_hh_l0", 1, usual.hidden_size)
    num_rows = length(state, f"{prefix}weight_ih_l0", 0, usual.cell.num_gates * hidden_size)
    cells = [cell for cell in Cell if cell.num_gates * hidden_size == num_rows]
    if not cells:
        raise CheckpointError(
            f"{prefix}weight_ih_l0 has {num_rows} rows for {hidden_size} hidden features: a GRU has 3 a feature, "
            "an LSTM 4; this network knows no other cell"
        )
    num_layers = sum(key.startswith(f"{prefix}weight_hh_l") and not key.endswith("_reverse") for key in state)
    return RecurrentConfig(
        cell=cells[0],
        input_size=length(state, f"{prefix}weight_ih_l0", 1, usual.input_size),
        hidden_size=hidden_size,
        num_layers=num_layers or usual.num_layers,
        bidirectional=f"{prefix}weight_hh_l0_reverse" in state,
    )


@dataclass(frozen=True, slots=True)
class Layers:
    """Recurrent layers as the weights that they are.

    Attributes:
        cell: what they are made of.
        weights: for each layer, and in it for each direction: of the input (G, E), of the state (G, H), and both
            biases (G), stacked as PyTorch stacks them.
        bidirectional: whether each layer has two directions.
        dropout: between the layers; 0 outside training.
    """

    cell: Cell
    weights: Sequence[Sequence[Tensor]]
    bidirectional: bool = False
    dropout: float = 0.0

    @property
    def num_directions(self) -> int:
        """1, or 2."""
        return 2 if self.bidirectional else 1

    @property
    def num_layers(self) -> int:
        """Layers one upon another."""
        return len(self.weights) // self.num_directions

    @property
    def hidden_size(self) -> int:
        """Features of a state, H."""
        return self.weights[0][1].shape[1]


def layers_of(rnn: nn.RNNBase) -> Layers:
    """Take the weights of PyTorch's own layers."""
    cell = Cell.LSTM if isinstance(rnn, nn.LSTM) else Cell.GRU
    return Layers(cell, rnn.all_weights, rnn.bidirectional, rnn.dropout if rnn.training else 0.0)


def read(layers: Layers, x_BTE: Tensor, length_B: Tensor) -> tuple[Tensor, States]:
    """Read whole sources from zero states.

    Args:
        layers: what reads them.
        x_BTE: the sources; what lies at and beyond a source's length changes nothing.
        length_B: their lengths, 1 ... T.

    Returns:
        The last layer's outputs (B, T, M), zero beyond a length, and each layer's state behind the last input, both
        directions side by side (B, M).
    """
    if torch.onnx.is_in_onnx_export():
        return read_onnx(layers.cell.operator, layers.weights, layers.num_directions, x_BTE, length_B)
    packed = pack_padded_sequence(x_BTE, length_B.cpu(), batch_first=True, enforce_sorted=False)
    zeros = [x_BTE.new_zeros(len(layers.weights), len(x_BTE), layers.hidden_size) for _ in layers.cell.state_names]
    options = True, layers.num_layers, layers.dropout, layers.dropout > 0, layers.bidirectional
    flat = [weight for direction in layers.weights for weight in direction]
    if layers.cell is Cell.LSTM:
        data, *finals = torch.lstm(packed.data, packed.batch_sizes, zeros, flat, *options)
    else:
        data, *finals = torch.gru(packed.data, packed.batch_sizes, zeros[0], flat, *options)
    outputs = PackedSequence(data, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
    y_BTM, _ = pad_packed_sequence(outputs, batch_first=True, total_length=x_BTE.shape[1])
    assert packed.unsorted_indices is not None
    in_order = [final.index_select(1, packed.unsorted_indices) for final in finals]
    by_layer = [_by_layer(final, layers.num_directions) for final in in_order]
    return y_BTM, tuple(kind[layer] for layer in range(layers.num_layers) for kind in by_layer)


def advance(layers: Layers, x_BTE: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, States]:
    """Read on from states, in one direction.

    Args:
        layers: what reads.
        x_BTE: what is read, nothing of it padding.
        states: of each layer (B, H).

    Returns:
        The last layer's outputs (B, T, H) and the states behind the last input.
    """
    if torch.onnx.is_in_onnx_export():
        return advance_onnx(layers.cell.operator, layers.weights, x_BTE, states)
    num_kinds = len(layers.cell.state_names)
    kinds = [torch.stack(tuple(states[kind::num_kinds])) for kind in range(num_kinds)]
    options = True, layers.num_layers, layers.dropout, layers.dropout > 0, False, True
    flat = [weight for direction in layers.weights for weight in direction]
    if layers.cell is Cell.LSTM:
        y_BTH, *finals = torch.lstm(x_BTE, kinds, flat, *options)
    else:
        y_BTH, *finals = torch.gru(x_BTE, kinds[0], flat, *options)
    return y_BTH, tuple(kind[layer] for layer in range(layers.num_layers) for kind in finals)


def _by_layer(final_NBH: Tensor, num_directions: int) -> Tensor:
    """Put the directions of each layer side by side: (layers, B, M)."""
    _, batch, hidden_size = final_NBH.shape
    return final_NBH.reshape(-1, num_directions, batch, hidden_size).transpose(1, 2).flatten(2)
