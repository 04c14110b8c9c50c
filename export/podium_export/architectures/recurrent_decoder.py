"""The half of a captioner or translator that writes: embedding, recurrent layers, attention or none, logits.

Shapes: B batch, T time, S places of the memory, H hidden features, M features of the memory, V vocabulary.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor, nn
from torch.nn import functional as F

from podium_export.architectures.attention import GlobalAttention
from podium_export.architectures.recurrent import (
    RecurrentConfig,
    States,
    advance,
    layers_of,
    read_recurrent,
    recurrent_layers,
)
from podium_export.architectures.sizes import length
from podium_export.architectures.step_model import State
from podium_export.errors import CheckpointError


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """The sizes of a decoder.

    Attributes:
        vocabulary_size: tokens that it reads and writes, V.
        recurrent: its layers; their input is a token's embedding.
        memory_size: features of the memory that it looks at, M; None: it has no attention.
        dropout: of embeddings and of what becomes logits, in training alone.
    """

    vocabulary_size: int = 1000
    recurrent: RecurrentConfig = field(default_factory=RecurrentConfig)
    memory_size: int | None = None
    dropout: float = 0.0


class RecurrentDecoder(nn.Module):
    """Reads tokens and says what comes next."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        recurrent = config.recurrent
        self.embedding = nn.Embedding(config.vocabulary_size, recurrent.input_size)
        self.rnn = recurrent_layers(recurrent)
        if config.memory_size is not None:
            self.attention = GlobalAttention(recurrent.hidden_size, config.memory_size)
        self.output = nn.Linear(recurrent.hidden_size, config.vocabulary_size)

    def forward(
        self,
        token_BT: Tensor,
        states: Sequence[Tensor],
        memory_BSM: Tensor | None = None,
        mask_BS: Tensor | None = None,
    ) -> tuple[Tensor, States]:
        """Map tokens to logits (B, T, V) for what follows each of them, and the states behind the last."""
        h_BTH, after = self.read(token_BT, states)
        return self.logits(h_BTH, memory_BSM, mask_BS), after

    def read(self, token_BT: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, States]:
        """Map tokens to the layers' outputs (B, T, H) and states."""
        x_BTE = F.dropout(self.embedding(token_BT), self.config.dropout, training=self.training)
        return advance(layers_of(self.rnn), x_BTE, states)

    def logits(self, h_BTH: Tensor, memory_BSM: Tensor | None = None, mask_BS: Tensor | None = None) -> Tensor:
        """Map the layers' outputs to logits (B, T, V), by way of the memory where there is one."""
        if self.config.memory_size is not None:
            assert memory_BSM is not None
            h_BTH = self.attention(h_BTH, memory_BSM, mask_BS)
        logits_BTV: Tensor = self.output(F.dropout(h_BTH, self.config.dropout, training=self.training))
        return logits_BTV


class DecoderStep(nn.Module):
    """The graph "step" of a decoder."""

    def __init__(self, decoder: RecurrentDecoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, token_BT: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Map tokens, the states, and the memory and its mask if there are any, to the last logits and the states."""
        num_states = len(self.decoder.config.recurrent.state_names)
        h_BTH, after = self.decoder.read(token_BT, tensors[:num_states])
        logits_B1V = self.decoder.logits(h_BTH[:, -1:], *tensors[num_states:])
        return logits_B1V.squeeze(1), *after


def check_memory(decoder: DecoderConfig, encoder_size: int) -> None:
    """Refuse an attention that looks at something else than what an encoder gives.

    Raises:
        CheckpointError: the sizes differ.
    """
    if decoder.memory_size not in (None, encoder_size):
        raise CheckpointError(
            f"decoder.attention.score.weight looks at {decoder.memory_size} features, and the encoder gives "
            f"{encoder_size}: they must be as many"
        )


def decoder_states(recurrent: RecurrentConfig) -> tuple[State, ...]:
    """Describe the states of a decoder that begin as the encoder says; h lies in -1 ... 1, c anywhere."""
    bounds = {"h": (-1.0, 1.0), "c": (None, None)}
    return tuple(
        State(name, ("batch", recurrent.hidden_size), encoder_output=name, low=low, high=high)
        for name in recurrent.state_names
        for low, high in [bounds[name[0]]]
    )


class Bridge(nn.Module):
    """Makes a decoder's first states of what an encoder came to: tanh(W x + b), its own for each state."""

    def __init__(self, size: int, recurrent: RecurrentConfig) -> None:
        super().__init__()
        for name in recurrent.state_names:
            self.add_module(name, nn.Linear(size, recurrent.hidden_size))

    def forward(self, finals: Sequence[Tensor]) -> States:
        """Map one tensor (B, size) a state to the first states (B, H)."""
        return tuple(layer(final).tanh() for layer, final in zip(self.children(), finals, strict=True))


def read_decoder(state: Mapping[str, Tensor], prefix: str, usual: DecoderConfig) -> DecoderConfig:
    """Read the sizes of the decoder whose keys begin with a prefix, such as "decoder.".

    Raises:
        CheckpointError: its layers are neither a GRU's nor an LSTM's.
    """
    attends = f"{prefix}attention.score.weight" in state
    return DecoderConfig(
        vocabulary_size=length(state, f"{prefix}embedding.weight", 0, usual.vocabulary_size),
        recurrent=read_recurrent(state, f"{prefix}rnn.", usual.recurrent),
        memory_size=length(state, f"{prefix}attention.score.weight", 0, 0) if attends else None,
    )
