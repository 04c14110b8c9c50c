"""Small language models with random weights, and step networks as users write them."""

from collections.abc import Mapping

import torch
from podium_export.architecture import NetworkChoices
from podium_export.architectures.cells import MUT_CELLS
from podium_export.architectures.char_rnn import CharRNN, build
from podium_export.architectures.char_rnn_keys import CharRNNConfig, Names
from torch import Tensor, nn

VOCABULARY = 11
HIDDEN = 6


def small_char_rnn(
    cell: str, *, num_layers: int = 1, embedding: int | None = 5, num_tokens: int = VOCABULARY
) -> CharRNN:
    """Make a language model whose weights, biases too, are random and not small."""
    torch.manual_seed(3)
    config = CharRNNConfig(
        num_tokens,
        cell,
        embedding_size=embedding,
        hidden_size=HIDDEN,
        num_layers=num_layers,
        names=Names(recurrent="cells" if cell in MUT_CELLS else "rnn"),
    )
    network = CharRNN(config)
    for weight in network.parameters():
        nn.init.normal_(weight, std=0.7)
    return network.eval()


def rebuilt(state: Mapping[str, Tensor], cell: str | None = None) -> CharRNN:
    """Build a language model for weights, and load them."""
    network = build(state, NetworkChoices(cell))
    network.load_state_dict(dict(state))
    return network.eval()


class OwnStep(nn.Module):
    """A user's own network: two LSTM layers with their states in PyTorch's shape, the batch on axis 1."""

    podium_states: tuple[str, ...] = ("h:float32:2,batch,6", "c:float32:2,batch,6")

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(VOCABULARY, 5)
        self.lstm = nn.LSTM(5, HIDDEN, 2, batch_first=True)
        self.head = nn.Linear(HIDDEN, VOCABULARY)

    def forward(self, token: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        y, (h, c) = self.lstm(self.embedding(token), (h, c))
        return self.head(y[:, -1]), h, c


class SwappedStep(OwnStep):
    """The same, with the states returned in the wrong order."""

    def forward(self, token: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        logits, h, c = super().forward(token, h, c)
        return logits, c, h


class ForgetfulStep(OwnStep):
    """The same, with a state that is declared and not used."""

    def forward(self, token: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return super().forward(token, h, torch.zeros_like(c))


class EveryStep(OwnStep):
    """The same, with the logits of every token."""

    def forward(self, token: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        y, (h, c) = self.lstm(self.embedding(token), (h, c))
        return self.head(y), h, c


class WidenedStep(OwnStep):
    """The same, with a state that comes back in another type."""

    def forward(self, token: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        logits, h, c = super().forward(token, h, c)
        return logits, h, c.double()


class StatelessStep(OwnStep):
    """The same, which does not say what it remembers."""

    podium_states = ()
