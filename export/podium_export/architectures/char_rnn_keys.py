"""Reads the sizes of a recurrent language model from a checkpoint's keys and shapes, and what its layers are called."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from torch import Tensor

from podium_export.architectures.cells import TORCH_CELLS
from podium_export.architectures.sizes import length
from podium_export.errors import CheckpointError, OptionError

CELLS = ("rnn", "lstm", "gru", "gru-reset-before", "mut1", "mut2", "mut3")
"""--cell."""

_GATES = MappingProxyType({"rnn": 1, "lstm": 4, "gru": 3, "gru-reset-before": 3})
_USUAL = MappingProxyType({1: "rnn", 4: "lstm", 3: "gru"})
_INITIAL = ("h0", "c0")


@dataclass(frozen=True, slots=True)
class Names:
    """What the layers are called, dots for modules inside others.

    Attributes:
        embedding: from tokens to vectors.
        recurrent: the cells.
        head: from features to logits.
    """

    embedding: str = "embedding"
    recurrent: str = "lstm"
    head: str = "head"


@dataclass(frozen=True, slots=True)
class CharRNNConfig:
    """The sizes of the network.

    Attributes:
        vocabulary_size: tokens that are read and written.
        cell: one of `CELLS`.
        embedding_size: features of a token; None: it is one-hot.
        hidden_size: features of a state.
        num_layers: cells, one on another.
        cell_bias: whether the cells have biases.
        head_bias: whether the last layer has.
        initial_shapes: the shapes of learned initial states by name: of h, and for an LSTM of c.
        names: what the layers are called.
    """

    vocabulary_size: int = 65
    cell: str = "lstm"
    embedding_size: int | None = 128
    hidden_size: int = 128
    num_layers: int = 2
    cell_bias: bool = True
    head_bias: bool = True
    initial_shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
    names: Names = Names()


def read_config(state: Mapping[str, Tensor], cell: str | None) -> CharRNNConfig:
    """Read everything that the checkpoint tells.

    Args:
        state: the checkpoint's tensors.
        cell: one of `CELLS`, where the shapes fit several; None: PyTorch's own.

    Raises:
        CheckpointError: the weights are of no cell that is known, or of two.
        OptionError: the cell has other weights.
    """
    usual = CharRNNConfig()
    recurrent, weight_hh, num_layers = _find_recurrent(state)
    names = _find_names(state, recurrent)
    hidden_size = length(state, weight_hh, 1, usual.hidden_size)
    cell = _cell(state, recurrent, cell, hidden_size)
    embeds = not state or f"{names.embedding}.weight" in state
    return CharRNNConfig(
        vocabulary_size=length(state, f"{names.head}.weight", 0, usual.vocabulary_size),
        cell=cell,
        embedding_size=length(state, f"{names.embedding}.weight", 1, 128) if embeds else None,
        hidden_size=hidden_size,
        num_layers=num_layers or usual.num_layers,
        cell_bias=cell not in TORCH_CELLS or not num_layers or f"{recurrent}.bias_hh_l0" in state,
        head_bias=not state or f"{names.head}.bias" in state,
        initial_shapes=_initial_shapes(state, cell, hidden_size, num_layers),
        names=names,
    )


def _find_recurrent(state: Mapping[str, Tensor]) -> tuple[str, str, int]:
    """Find the cells: what they are called, the first one's matrix of h, and how many there are (0: none)."""
    for pattern, number in ((r"(.+)\.weight_hh_l{}", r"{}.weight_hh_l{}"), (r"(.+)\.{}\.W_hh", r"{}.{}.W_hh")):
        for key in state:
            if found := re.fullmatch(pattern.format(0), key):
                name = found[1]
                count = 1
                while number.format(name, count) in state:
                    count += 1
                return name, key, count
    return Names().recurrent, "", 0


def _find_names(state: Mapping[str, Tensor], recurrent: str) -> Names:
    """Tell the embedding from the head: the head has a bias, or it is the only one, or the other's name says so."""
    usual = Names()
    keys = [key for key in state if key.endswith(".weight") and not key.startswith(f"{recurrent}.")]
    layers = [key.removesuffix(".weight") for key in keys if state[key].ndim == 2]
    if len(layers) == 1:
        return Names(usual.embedding, recurrent, layers[0])
    without_bias = [name for name in layers if f"{name}.bias" not in state]
    without_bias.sort(key=lambda name: not re.search("emb|enc|wte", name.lower()))
    embedding = without_bias[0] if without_bias else usual.embedding
    return Names(embedding, recurrent, next((name for name in layers if name != embedding), usual.head))


def _cell(state: Mapping[str, Tensor], recurrent: str, chosen: str | None, hidden_size: int) -> str:
    if f"{recurrent}.0.W_hh" in state:
        return _cell_of_formula(state, recurrent, chosen)
    num_gates = length(state, f"{recurrent}.weight_hh_l0", 0, 4 * hidden_size) / hidden_size
    if num_gates not in _USUAL:
        raise CheckpointError(
            f"{recurrent}.weight_hh_l0 has {num_gates:g} rows a hidden feature: a vanilla network has 1, a GRU 3, "
            "an LSTM 4"
        )
    fitting = [name for name, gates in _GATES.items() if gates == num_gates]
    if chosen is not None and chosen not in fitting:
        raise OptionError(f"--cell {chosen}: the weights {recurrent}.… are those of {' or '.join(fitting)}")
    return chosen or _USUAL[int(num_gates)]


def _cell_of_formula(state: Mapping[str, Tensor], recurrent: str, chosen: str | None) -> str:
    """Tell the MUTs apart by the matrices that they lack."""
    has_xr, has_xh = (f"{recurrent}.0.{name}" in state for name in ("W_xr", "W_xh"))
    found = "mut2" if not has_xr else "mut3" if has_xh else "mut1"
    if chosen is not None and chosen != found:
        raise OptionError(f"--cell {chosen}: the weights {recurrent}.0.… are those of {found}")
    if found == "mut3" and chosen is None:
        raise CheckpointError(
            f"{recurrent}.0.… has the weights that MUT3 and a GRU alike have: say --cell mut3 if it is one; the "
            "weights of a GRU must be stacked as nn.GRU has them"
        )
    return found


def _initial_shapes(
    state: Mapping[str, Tensor], cell: str, hidden_size: int, num_layers: int
) -> dict[str, tuple[int, ...]]:
    shapes = {name: tuple(state[name].shape) for name in _INITIAL[: 2 if cell == "lstm" else 1] if name in state}
    for name, shape in shapes.items():
        if shape not in ((num_layers, 1, hidden_size), (num_layers, hidden_size)):
            raise CheckpointError(
                f"{name} is {'×'.join(map(str, shape))}: a learned initial state is {num_layers}×1×{hidden_size}, "
                "layers, 1, hidden features"
            )
    if len(shapes) == 1 and cell == "lstm":
        raise CheckpointError("an LSTM with a learned initial state has both, h0 and c0")
    return shapes
