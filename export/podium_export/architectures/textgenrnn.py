"""textgenrnn: a character model that sees the last 40 characters, and looks over them with attention.

M. Woolf: textgenrnn, 2017, github.com/minimaxir/textgenrnn, `model.py` and `AttentionWeightedAverage.py`.

It remembers no state of its cells: each step reads the whole window again, padded in front with id 0. So what a step
leaves for the next one is the window.

Shapes: B batch, T time, W window, E embedding, H hidden features, F = E + 2H features, V vocabulary.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch
from podium.v1 import model_manifest_pb2 as pb
from torch import Tensor, nn

from podium_export.architecture import Blueprint, Tolerance
from podium_export.architectures.cells import LSTM
from podium_export.architectures.sizes import length
from podium_export.architectures.step_model import State, generation_of, step_graph

# Weights of up to 20 amplify the rounding of a window of random characters, which is no text: PyTorch's own float32 is
# up to 0.01 from double precision there, in logits of up to 100.
_TOLERANCE = Tolerance(absolute=1e-3)

PADDING_ID = 0
"""What is in front of a text that is shorter than the window."""


@dataclass(frozen=True, slots=True)
class TextgenrnnConfig:
    """The sizes of the network.

    Attributes:
        vocabulary_size: characters, the padding included.
        embedding_size: features of a character.
        hidden_size: features of each of the two LSTMs.
        window: characters that are seen; no weight has this size.
    """

    vocabulary_size: int = 465
    embedding_size: int = 100
    hidden_size: int = 128
    window: int = 40


class Textgenrnn(nn.Module):
    """Two LSTMs over the window, and a mean of everything that they were told, weighted by attention."""

    def __init__(self, config: TextgenrnnConfig) -> None:
        super().__init__()
        self.config = config
        features = config.embedding_size + 2 * config.hidden_size
        self.embedding = nn.Embedding(config.vocabulary_size, config.embedding_size)
        self.rnn_1 = LSTM(config.embedding_size, config.hidden_size)
        self.rnn_2 = LSTM(config.hidden_size, config.hidden_size)
        self.attention = nn.Linear(features, 1, bias=False)
        self.head = nn.Linear(features, config.vocabulary_size)

    def forward(self, token_BT: Tensor, window_BW: Tensor) -> tuple[Tensor, Tensor]:
        """Map tokens and the window before them to the logits (B, V) after the last, and to the window after it."""
        window_BW = torch.cat((window_BW, token_BT), 1)[:, -self.config.window :]
        x_BWE = self.embedding(window_BW)
        zeros_BH = torch.zeros(x_BWE.shape[0], self.config.hidden_size, dtype=x_BWE.dtype, device=x_BWE.device)
        y1_BWH, _ = self.rnn_1(x_BWE, (zeros_BH, zeros_BH))
        y2_BWH, _ = self.rnn_2(y1_BWH, (zeros_BH, zeros_BH))
        features_BWF = torch.cat((x_BWE, y1_BWH, y2_BWH), 2)
        weight_BW1 = torch.softmax(self.attention(features_BWF), 1)
        return self.head((weight_BW1 * features_BWF).sum(1)), window_BW


def build(state: Mapping[str, Tensor]) -> Textgenrnn:
    """Build the network with the checkpoint's sizes, and the published window."""
    usual = TextgenrnnConfig()
    return Textgenrnn(
        TextgenrnnConfig(
            vocabulary_size=length(state, "embedding.weight", 0, usual.vocabulary_size),
            embedding_size=length(state, "embedding.weight", 1, usual.embedding_size),
            hidden_size=length(state, "rnn_1.weight_hh_l0", 1, usual.hidden_size),
        )
    )


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made: the last id, "<s>", starts and ends a text."""
    assert isinstance(network, Textgenrnn)
    config = network.config
    meta_id = config.vocabulary_size - 1
    window = State("window", ("batch", config.window), element_type="int64", low=0, high=meta_id)
    tokenizer = pb.Tokenizer(start_ids=[meta_id], special_ids=[PADDING_ID])
    generation = generation_of(tokenizer, [window], end_ids=[meta_id])
    generation.suppressed_ids[:] = [PADDING_ID]
    return Blueprint(
        (step_graph(network, config.vocabulary_size, [window]),),
        pb.TASK_TEXT_GENERATION,
        description=f"A character model with attention over the last {config.window} characters.",
        config=asdict(config),
        generation=generation,
        tolerance=_TOLERANCE,
    )
