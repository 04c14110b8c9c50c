"""Every cell against its formula, in PyTorch and in ONNX Runtime, in one layer and three."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from podium_export.architecture import GraphBlueprint, InputSpec, OutputSpec
from podium_export.architectures.cells import (
    GRU,
    LSTM,
    MUT1,
    MUT2,
    MUT3,
    RNN,
    GRUResetBefore,
    MUTLayers,
    Recurrent,
    TorchLayers,
)
from podium_export.trace import trace
from torch import Tensor, nn

from tests.export.architectures.cells import formulas
from tests.export.architectures.cells.formulas import Formula, Weights

INPUTS, HIDDEN = 5, 6

# How PyTorch stacks the gates of each cell, and what the formulas call them.
_GATES: Mapping[type[TorchLayers], str] = {RNN: "h", LSTM: "ifgo", GRU: "rzh", GRUResetBefore: "rzh"}
_CELLS: Mapping[str, tuple[Formula, type[RNN | LSTM | GRU | GRUResetBefore] | type[MUT1 | MUT2 | MUT3]]] = {
    "rnn": (formulas.vanilla, RNN),
    "lstm": (formulas.lstm, LSTM),
    "gru": (formulas.gru, GRU),
    "gru-reset-before": (formulas.gru_reset_before, GRUResetBefore),
    "mut1": (formulas.mut1, MUT1),
    "mut2": (formulas.mut2, MUT2),
    "mut3": (formulas.mut3, MUT3),
}


def _network(name: str, num_layers: int, input_size: int = INPUTS) -> Recurrent:
    """Make a cell whose weights, biases too, are random and not small."""
    cell = _CELLS[name][1]
    torch.manual_seed(len(name) + num_layers)
    network: Recurrent
    if issubclass(cell, MUT1 | MUT2 | MUT3):
        network = MUTLayers(cell, input_size, HIDDEN, num_layers)
    else:
        network = cell(input_size, HIDDEN, num_layers)
    for weight in network.parameters():
        nn.init.normal_(weight, std=0.7)
    return network.eval()


def _named(network: Recurrent, number: int) -> Weights:
    """Give one layer's weights by their names in the formulas."""
    state = {key: tensor.double().numpy() for key, tensor in network.state_dict().items()}
    if isinstance(network, MUTLayers):
        return {key.partition(".")[2]: array for key, array in state.items() if key.startswith(f"{number}.")}
    assert isinstance(network, TorchLayers)
    gates = _GATES[type(network)]
    named: dict[str, NDArray[np.float64]] = {}
    parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    stacked = [np.split(state[f"{part}_l{number}"], len(gates)) for part in parts]
    for gate, by_x, by_h, b_x, b_h in zip(gates, *stacked, strict=True):
        named |= {f"W_x{gate}": by_x, f"W_h{gate}": by_h, f"b_{gate}": b_x + b_h, f"b_x{gate}": b_x, f"b_h{gate}": b_h}
    return named


def _examples(network: Recurrent, batch: int, time: int, input_size: int = INPUTS) -> tuple[Tensor, list[Tensor]]:
    generator = torch.Generator().manual_seed(batch * 100 + time)
    x = torch.randn(batch, time, input_size, generator=generator)
    return x, [torch.randn(batch, HIDDEN, generator=generator) for _ in network.state_names]


def _by_formula(name: str, network: Recurrent, x: Tensor, states: Sequence[Tensor]) -> list[NDArray[np.float64]]:
    """Compute what every row writes, and its states at the end, from the formula alone."""
    layers = [_named(network, number) for number in range(network.num_layers)]
    kinds = len(network.kinds)
    rows: list[list[NDArray[np.float64]]] = []
    for row in range(len(x)):
        own = [state[row].double().numpy() for state in states]
        grouped = [own[place : place + kinds] for place in range(0, len(own), kinds)]
        written, after = formulas.over_layers(_CELLS[name][0], layers, x[row].double().numpy(), grouped)
        rows.append([written, *after])
    return [np.stack(arrays) for arrays in zip(*rows, strict=True)]


class _Flat(nn.Module):
    """Takes the states one by one, as a graph does."""

    def __init__(self, network: Recurrent) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, *states: Tensor) -> tuple[Tensor, ...]:
        written, after = self.network(x, states)
        return written, *after


def _graph(network: Recurrent, input_size: int = INPUTS) -> GraphBlueprint:
    states = network.state_names
    return GraphBlueprint(
        _Flat(network),
        (
            InputSpec("x", "float32", ("batch", "time", input_size)),
            *(InputSpec(state, "float32", ("batch", HIDDEN)) for state in states),
        ),
        (
            OutputSpec("y", ("batch", "time", HIDDEN)),
            *(OutputSpec(f"next_{state}", ("batch", HIDDEN)) for state in states),
        ),
    )


def _operators(model: onnx.ModelProto) -> list[str]:
    return [node.op_type for node in model.graph.node if node.op_type in ("RNN", "LSTM", "GRU", "Scan", "Loop")]


@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("name", _CELLS)
def test_computes_the_formula(name: str, num_layers: int) -> None:
    """PyTorch gives what the lecture's formula gives, for every row and time and from any state."""
    network = _network(name, num_layers)
    for batch, time in ((1, 1), (3, 7), (2, 20)):
        x, states = _examples(network, batch, time)
        with torch.no_grad():
            written, after = network(x, states)
        for actual, expected in zip((written, *after), _by_formula(name, network, x, states), strict=True):
            np.testing.assert_allclose(actual, expected, atol=2e-5)


@pytest.mark.parametrize("num_layers", [1, 3])
@pytest.mark.parametrize("name", _CELLS)
def test_the_graph_computes_the_formula(name: str, num_layers: int, tmp_path: Path) -> None:
    """ONNX Runtime gives it too, at batches and lengths other than the traced, by operators where there are."""
    network = _network(name, num_layers)
    model = trace(_graph(network)).model
    operator = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU", "gru-reset-before": "GRU"}.get(name, "Scan")
    assert _operators(model) == [operator] * num_layers
    onnx.save(model, tmp_path / "cell.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "cell.onnx", providers=["CPUExecutionProvider"])
    for batch, time in ((1, 1), (5, 1), (3, 7), (1, 33)):
        x, states = _examples(network, batch, time)
        feed = {port.name: t.numpy() for port, t in zip(session.get_inputs(), (x, *states), strict=True)}
        outputs = session.run(None, feed)
        for actual, expected in zip(outputs, _by_formula(name, network, x, states), strict=True):
            np.testing.assert_allclose(np.asarray(actual), expected, atol=2e-5)


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_is_pytorchs_own_network(name: str) -> None:
    """The weights of `nn.RNN`, `nn.LSTM` and `nn.GRU` load under their own keys and give the same numbers."""
    torch.manual_seed(1)
    theirs = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[name](INPUTS, HIDDEN, 2, batch_first=True)
    network = _network(name, 2)
    network.load_state_dict(theirs.state_dict())
    x, states = _examples(network, 4, 9)
    first = [torch.stack(states[kind :: len(network.kinds)]) for kind in range(len(network.kinds))]
    with torch.no_grad():
        expected, _ = theirs(x, tuple(first) if len(first) > 1 else first[0])
        torch.testing.assert_close(network(x, states)[0], expected)


def test_the_two_grus_are_not_the_same() -> None:
    """The same weights give other numbers on the other side of the matrix."""
    after, before = _network("gru", 1), _network("gru-reset-before", 1)
    before.load_state_dict(after.state_dict())
    x, states = _examples(after, 2, 5)
    with torch.no_grad():
        assert (after(x, states)[0] - before(x, states)[0]).abs().max() > 0.05


@pytest.mark.parametrize("name", ["mut1", "mut2", "mut3"])
def test_x_that_is_as_wide_as_h_enters_as_it_is(name: str) -> None:
    """Without a matrix of its own for x, as in the paper."""
    network = _network(name, 1, input_size=HIDDEN)
    assert "0.W_x" not in network.state_dict()
    x, states = _examples(network, 2, 4, HIDDEN)
    with torch.no_grad():
        written, _ = network(x, states)
    np.testing.assert_allclose(written, _by_formula(name, network, x, states)[0], atol=2e-5)


@pytest.mark.parametrize("cell", _GATES)
def test_no_bias_is_a_bias_of_zero(cell: type[TorchLayers]) -> None:
    """Cells with weights named as PyTorch's may be without biases, in PyTorch and in the graph."""
    without, zeros = cell(INPUTS, HIDDEN, bias=False).eval(), cell(INPUTS, HIDDEN).eval()
    for weight in zeros.parameters():
        nn.init.zeros_(weight)
    zeros.load_state_dict(without.state_dict(), strict=False)
    x, states = _examples(without, 2, 5)
    with torch.no_grad():
        torch.testing.assert_close(without(x, states)[0], zeros(x, states)[0])
    assert len(_operators(trace(_graph(without)).model)) == 1
