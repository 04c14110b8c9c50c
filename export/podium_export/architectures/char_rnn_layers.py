"""Makes and finds the layers whose sizes and names `char_rnn_keys` reads: recurrent ones, a head, learned first states.

Shapes: B batch, I features of an input, H hidden features, V vocabulary, or classes.
"""

import torch
from torch import Tensor, nn

from podium_export.architectures.cells import MUT_CELLS, TORCH_CELLS, MUTLayers, Recurrent
from podium_export.architectures.char_rnn_keys import CharRNNConfig
from podium_export.architectures.placing import place
from podium_export.architectures.step_model import State


def place_layers(network: nn.Module, config: CharRNNConfig, input_size: int) -> None:
    """Put recurrent layers that read I features, the head and the first states that are learned into a network."""
    place(network, config.names.recurrent, _recurrent(config, input_size))
    place(network, config.names.head, nn.Linear(config.hidden_size, config.vocabulary_size, bias=config.head_bias))
    for name, shape in config.initial_shapes.items():
        network.register_parameter(name, nn.Parameter(torch.zeros(shape)))


def recurrent_of(network: nn.Module, config: CharRNNConfig) -> Recurrent:
    """Find the recurrent layers, which a checkpoint may call anything."""
    layers = network.get_submodule(config.names.recurrent)
    assert isinstance(layers, Recurrent)
    return layers


def head_of(network: nn.Module, config: CharRNNConfig) -> nn.Module:
    """Find the layer from features (…, H) to logits (…, V)."""
    return network.get_submodule(config.names.head)


def states_of(network: nn.Module, config: CharRNNConfig) -> list[State]:
    """Describe the states, one a layer and kind: (B, H).

    What is hidden lies in -1 … 1, which no cell leaves: it is a tanh, or lies between one and what it was before. An
    LSTM's cell may lie anywhere.
    """
    recurrent = recurrent_of(network, config)
    learned = [network.get_parameter(name).reshape(-1, 1, config.hidden_size) for name in config.initial_shapes]
    firsts: list[Tensor | None] = [kind[layer] for layer in range(config.num_layers) for kind in learned]
    firsts = firsts or [None] * len(recurrent.state_names)
    bounds = {"hidden": (-1.0, 1.0), "cell": (None, None)}
    return [
        State(name, ("batch", config.hidden_size), first=first, low=low, high=high)
        for name, first in zip(recurrent.state_names, firsts, strict=True)
        for low, high in [bounds[name.partition("_")[0]]]
    ]


def initial_states(network: nn.Module, config: CharRNNConfig, batch: int) -> list[Tensor]:
    """Give the states (B, H) before the first input: learned ones, or zeros."""
    zeros = torch.zeros(1, config.hidden_size)
    firsts = [zeros if state.first is None else state.first for state in states_of(network, config)]
    return [first.expand(batch, -1).contiguous() for first in firsts]


def layers_words(config: CharRNNConfig) -> str:
    """Say cell and layers, as in "lstm, 2 layers of 128"."""
    return f"{config.cell}, {config.num_layers} layer{'s' if config.num_layers > 1 else ''} of {config.hidden_size}"


def _recurrent(config: CharRNNConfig, input_size: int) -> Recurrent:
    sizes = (input_size, config.hidden_size, config.num_layers)
    if config.cell in MUT_CELLS:
        return MUTLayers(MUT_CELLS[config.cell], *sizes)
    return TORCH_CELLS[config.cell](*sizes, bias=config.cell_bias)
