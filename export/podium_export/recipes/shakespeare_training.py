"""Trains a character LSTM on plays, and keeps it as it was on the way: a quarter of an hour, the same every time.

A. Graves: Generating Sequences With Recurrent Neural Networks, 2013, arXiv:1308.0850, section 2: the next character
is learned from all before it, with gradients through a window of time; the state goes on from window to window.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from podium_export.recipes.digit_training import Progress
from podium_export.recipes.reproducible import reproducible

START = "\n"
"""What every text begins after."""

LSTMState = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class ShakespearePlan:
    """How large, how long and how fast.

    Attributes:
        embedding_size: numbers a character is read as.
        hidden_size: numbers of each layer's state.
        num_layers: LSTM layers.
        num_streams: places of the text that are read side by side.
        window: characters that gradients go back through.
        kept_after: the steps after which the network is kept; the last one ends the training.
        peak_learning_rate: of Adam, reached a twentieth of the way.
        max_gradient: the norm that gradients are cut to.
        forgetting: the chance that a stream's state is zeros at the beginning of a window, as it is before a prompt.
        seed: of the first weights and of the forgetting.
    """

    embedding_size: int = 64
    hidden_size: int = 256
    num_layers: int = 2
    num_streams: int = 64
    window: int = 64
    kept_after: tuple[int, ...] = (80, 150, 500, 5000)
    peak_learning_rate: float = 4e-3
    max_gradient: float = 1.0
    forgetting: float = 0.02
    seed: int = 0


class CharLSTM(nn.Module):
    """The next character after each: embedding, LSTM, linear layer."""

    def __init__(self, vocabulary_size: int, embedding_size: int, hidden_size: int, num_layers: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        self.lstm = nn.LSTM(embedding_size, hidden_size, num_layers, batch_first=True)
        self.head = nn.Linear(hidden_size, vocabulary_size)

    def forward(self, token_BT: Tensor, state: LSTMState | None = None) -> tuple[Tensor, LSTMState]:
        """Give the logits of the character after each, and the state after the last."""
        hidden_BTH, after = self.lstm(self.embedding(token_BT), state)
        return self.head(hidden_BTH), after


def char_lstm(weights: Mapping[str, Tensor]) -> CharLSTM:
    """Make a network of its weights, in evaluation mode; whatever else has these keys has the same numbers."""
    vocabulary_size, embedding_size = weights["embedding.weight"].shape
    num_layers = sum(key.startswith("lstm.weight_hh") for key in weights)
    network = CharLSTM(vocabulary_size, embedding_size, weights["head.weight"].shape[1], num_layers)
    network.load_state_dict({key: tensor.detach().clone() for key, tensor in weights.items()})
    return network.eval()


def alphabet(texts: Sequence[str]) -> str:
    """Give the characters of texts in order; a character's place is its token."""
    return "".join(sorted({*"".join(texts), START}))


def tokens(text: str, characters: str) -> Tensor:
    """Give a text's characters as tokens (time,).

    Raises:
        KeyError: the text has a character that is none of them.
    """
    place = {character: index for index, character in enumerate(characters)}
    return torch.tensor([place[character] for character in text])


def train_shakespeare(
    texts: Mapping[str, str], characters: str, plan: ShakespearePlan, progress: Progress
) -> Sequence[CharLSTM]:
    """Train from nothing; the same texts, plan, PyTorch and kind of processor give the same weights.

    Products are of bfloat16, which processors with AMX take a third of the time for; weights stay float32.

    Returns:
        The network as it was after each step of `plan.kept_after`.
    """
    text_N = tokens("".join(texts.values()), characters)
    num_steps = plan.kept_after[-1]
    kept: list[CharLSTM] = []
    with reproducible(plan.seed) as chance:
        network = CharLSTM(len(characters), plan.embedding_size, plan.hidden_size, plan.num_layers)
        optimizer = torch.optim.Adam(network.parameters())
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, plan.peak_learning_rate, total_steps=num_steps, pct_start=0.05
        )
        shape = (plan.num_layers, plan.num_streams, plan.hidden_size)
        state = (torch.zeros(shape), torch.zeros(shape))
        for step in range(1, num_steps + 1):
            remembered_B1 = (torch.rand(plan.num_streams, 1, generator=chance) >= plan.forgetting).float()
            before = (state[0].detach() * remembered_B1, state[1].detach() * remembered_B1)
            window_BT = _window(text_N, step - 1, plan)
            with torch.autocast("cpu", torch.bfloat16):
                logits_BTV, state = network(window_BT[:, :-1], before)
            cost = F.cross_entropy(logits_BTV.float().flatten(0, 1), window_BT[:, 1:].flatten())
            optimizer.zero_grad()
            torch.autograd.backward(cost)
            nn.utils.clip_grad_norm_(network.parameters(), plan.max_gradient)
            optimizer.step()
            schedule.step()
            progress(step, num_steps)
            if step in plan.kept_after:
                kept.append(char_lstm(network.state_dict()))
    return kept


@torch.inference_mode()
def nats_per_character(network: CharLSTM, texts: Sequence[str], characters: str, *, piece: int = 2000) -> float:
    """Give the mean of −log p of the characters of texts, in nats.

    Texts are read in pieces, each from its beginning: a character is told by those before it in its piece.
    """
    cut = [text[begin : begin + piece] for text in texts for begin in range(0, len(text), piece)]
    costs: list[float] = []
    for length in sorted({len(text) for text in cut}):
        token_BT = torch.stack([tokens(START + text, characters) for text in cut if len(text) == length])
        logits_BTV, _ = network(token_BT[:, :-1])
        costs.append(float(F.cross_entropy(logits_BTV.flatten(0, 1), token_BT[:, 1:].flatten(), reduction="sum")))
    return math.fsum(costs) / sum(map(len, cut))


def _window(text_N: Tensor, turn: int, plan: ShakespearePlan) -> Tensor:
    """Give what every stream reads in its turn, and one character more; the text has no end, it begins again."""
    begin_B1 = torch.arange(plan.num_streams)[:, None] * (len(text_N) // plan.num_streams) + turn * plan.window
    return text_N[(begin_B1 + torch.arange(plan.window + 1)) % len(text_N)]
