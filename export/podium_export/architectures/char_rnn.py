"""A recurrent language model: tokens in, the logits of the next token out; characters, words, or whatever they are.

A. Graves: Generating Sequences With Recurrent Neural Networks, 2013; A. Karpathy: The Unreasonable Effectiveness of
Recurrent Neural Networks, 2015.

The weights may be called anything before the last dot of:
    embedding.weight (V, E)              left out: tokens are one-hot
    lstm.weight_ih_l0, …                 as `nn.RNN`, `nn.LSTM` and `nn.GRU` name theirs
    cells.0.W_hh, …                      or as `cells.mut` names them, layers numbered from 0
    head.weight (V, H), head.bias (V)    the bias may be left out
    h0 (L, 1, H), c0 (L, 1, H)           learned initial states; left out: zeros

Shapes: B batch, T time, V vocabulary, E embedding, H hidden features, L layers.
"""

from collections.abc import Mapping, Sequence

from podium.v1 import model_manifest_pb2 as pb
from torch import Tensor, nn
from torch.nn import functional as F

from podium_export.architecture import Blueprint, NetworkChoices
from podium_export.architectures.char_rnn_keys import CharRNNConfig, read_config
from podium_export.architectures.char_rnn_layers import (
    head_of,
    initial_states,
    layers_words,
    place_layers,
    recurrent_of,
    states_of,
)
from podium_export.architectures.placing import place
from podium_export.architectures.step_model import generation_of, step_graph


class CharRNN(nn.Module):
    """An embedding or one-hot vectors, recurrent layers, and a linear layer."""

    def __init__(self, config: CharRNNConfig) -> None:
        super().__init__()
        self.config = config
        names = config.names
        if config.embedding_size is not None:
            place(self, names.embedding, nn.Embedding(config.vocabulary_size, config.embedding_size))
        place_layers(self, config, config.embedding_size or config.vocabulary_size)

    def features_of(self, token_BT: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Map tokens and the states before them to features (B, T, H) and the states after them."""
        if self.config.embedding_size is not None:
            x_BTE = self.get_submodule(self.config.names.embedding)(token_BT)
        else:
            x_BTE = F.one_hot(token_BT, self.config.vocabulary_size).to(next(self.parameters()).dtype)
        y_BTH, after = recurrent_of(self, self.config)(x_BTE, states)
        return y_BTH, after

    def forward(self, token_BT: Tensor, *states_BH: Tensor) -> tuple[Tensor, ...]:
        """Map tokens to the logits (B, V) of the token after the last of them, and the states."""
        y_BTH, after = self.features_of(token_BT, states_BH)
        return head_of(self, self.config)(y_BTH[:, -1]), *after

    def initial_states(self, batch: int = 1) -> list[Tensor]:
        """Give the states (B, H) before the first token: learned ones, or zeros."""
        return initial_states(self, self.config, batch)


def build(state: Mapping[str, Tensor], choices: NetworkChoices | None = None) -> CharRNN:
    """Build the network with the sizes and names that the checkpoint has.

    Args:
        state: the checkpoint's tensors.
        choices: `cell`, where the shapes fit several.

    Raises:
        CheckpointError: the weights are of no cell that is known, or of two.
        OptionError: the cell that was chosen has other weights.
    """
    return CharRNN(read_config(state, choices.cell if choices else None))


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made; which texts its tokens stand for is not known yet."""
    assert isinstance(network, CharRNN)
    config = network.config
    states = states_of(network, config)
    return Blueprint(
        (step_graph(network, config.vocabulary_size, states),),
        pb.TASK_TEXT_GENERATION,
        description=f"A language model over {config.vocabulary_size} tokens: {layers_words(config)}.",
        config={
            "cell": config.cell,
            "vocabulary_size": config.vocabulary_size,
            "embedding_size": config.embedding_size,
            "hidden_size": config.hidden_size,
            "num_layers": config.num_layers,
            "initial_state": "learned" if config.initial_shapes else "zeros",
        },
        generation=generation_of(pb.Tokenizer(), states),
    )
