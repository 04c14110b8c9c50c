"""Sequence to sequence: recurrent layers read a whole source, recurrent layers write what it becomes.

I. Sutskever, O. Vinyals, Q. V. Le: Sequence to Sequence Learning with Neural Networks, 2014, arXiv:1409.3215; with
attention: M.-T. Luong, H. Pham, C. D. Manning: Effective Approaches to Attention-based Neural Machine Translation,
2015, arXiv:1508.04025. The first states of a decoder of other sizes than the encoder, or of one whose encoder reads in
both directions, are tanh(W [forward; backward] + b), as D. Bahdanau, K. Cho, Y. Bengio, 2014, arXiv:1409.0473, appendix
A.2.2, have it for the backward one.

Shapes: B batch, S time of the source, T time of the target, E features of an embedding, H hidden features of the
decoder, M features of the memory, V vocabulary.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from podium_export.architecture import Blueprint
from podium_export.architectures.recurrent import (
    RecurrentConfig,
    States,
    layers_of,
    read,
    read_recurrent,
    recurrent_layers,
)
from podium_export.architectures.recurrent_decoder import (
    Bridge,
    DecoderConfig,
    DecoderStep,
    RecurrentDecoder,
    check_memory,
    decoder_states,
    read_decoder,
)
from podium_export.architectures.sizes import length
from podium_export.architectures.translator import UNKNOWN_TEXTS, Halves, translator
from podium_export.errors import CheckpointError


@dataclass(frozen=True, slots=True)
class EncoderConfig:
    """The sizes of an encoder.

    Attributes:
        vocabulary_size: tokens that it reads.
        recurrent: its layers; their input is a token's embedding.
        dropout: of embeddings, in training alone.
    """

    vocabulary_size: int = 1000
    recurrent: RecurrentConfig = field(default_factory=RecurrentConfig)
    dropout: float = 0.0


@dataclass(frozen=True, slots=True)
class Seq2SeqConfig:
    """The sizes of both halves.

    Attributes:
        encoder: of what reads; as many layers of the same cell as the decoder has.
        decoder: of what writes; with attention where it has a memory size, which is the encoder's output size.
        bridge: whether a layer lies between the encoder's last states and the decoder's first; without one they are
            the same.
    """

    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    bridge: bool = False

    def __post_init__(self) -> None:
        reads, writes = self.encoder.recurrent, self.decoder.recurrent
        if (reads.cell, reads.num_layers) != (writes.cell, writes.num_layers):
            raise CheckpointError(
                f"the encoder has {reads.num_layers} layers of {reads.cell}, the decoder {writes.num_layers} of "
                f"{writes.cell}: each layer of the decoder begins with the state of one of the encoder, so both must "
                "have as many of the same kind"
            )
        if not self.bridge and reads.output_size != writes.hidden_size:
            raise CheckpointError(
                f"the encoder's states have {reads.output_size} features, the decoder's {writes.hidden_size}: there "
                'must be a bridge between them ("bridge.h_0.weight")'
            )
        check_memory(self.decoder, reads.output_size)


class RecurrentEncoder(nn.Module):
    """Reads sources, however far they are padded."""

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary_size, config.recurrent.input_size)
        self.rnn = recurrent_layers(config.recurrent)

    def forward(self, source_BS: Tensor, length_B: Tensor) -> tuple[Tensor, States]:
        """Map sources to the memory (B, S, M) and the states behind each source's last token (B, M)."""
        x_BSE = F.dropout(self.embedding(source_BS), self.config.dropout, training=self.training)
        return read(layers_of(self.rnn), x_BSE, length_B)


@dataclass(frozen=True, slots=True)
class Encoded:
    """What an encoder says of sources.

    Attributes:
        states: the decoder's first, (B, H) each.
        memory: what it remembers of each token (B, S, M), zero beyond a length.
        mask: true within a length (B, S).
    """

    states: States
    memory: Tensor
    mask: Tensor


class Seq2Seq(nn.Module):
    """An encoder, a bridge or none, a decoder."""

    def __init__(self, config: Seq2SeqConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = RecurrentEncoder(config.encoder)
        if config.bridge:
            self.bridge = Bridge(config.encoder.recurrent.output_size, config.decoder.recurrent)
        self.decoder = RecurrentDecoder(config.decoder)

    def encode(self, source_BS: Tensor, length_B: Tensor) -> Encoded:
        """Read sources; lengths below 1 and above S are taken as these."""
        length_B = length_B.clamp(1, source_BS.shape[1])
        memory_BSM, states = self.encoder(source_BS, length_B)
        mask_BS = torch.arange(source_BS.shape[1], device=source_BS.device) < length_B[:, None]
        return Encoded(self.bridge(states) if self.config.bridge else states, memory_BSM, mask_BS)

    def forward(self, source_BS: Tensor, length_B: Tensor, target_BT: Tensor) -> Tensor:
        """Map sources, and targets that begin with the start, to logits (B, T, V) for what follows each target token.

        This is what is trained; a graph each is written of `encode` and of one step of the decoder.
        """
        encoded = self.encode(source_BS, length_B)
        logits_BTV: Tensor
        logits_BTV, _ = self.decoder(target_BT, encoded.states, encoded.memory, encoded.mask)
        return logits_BTV


def build(state: Mapping[str, Tensor]) -> Seq2Seq:
    """Build the network with the checkpoint's sizes.

    Raises:
        CheckpointError: the two halves do not fit together.
    """
    usual = EncoderConfig()
    encoder = EncoderConfig(
        vocabulary_size=length(state, "encoder.embedding.weight", 0, usual.vocabulary_size),
        recurrent=read_recurrent(state, "encoder.rnn.", usual.recurrent),
    )
    decoder = read_decoder(state, "decoder.", DecoderConfig())
    return Seq2Seq(Seq2SeqConfig(encoder, decoder, bridge="bridge.h_0.weight" in state))


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made; its tokens are not known yet."""
    assert isinstance(network, Seq2Seq)
    config = network.config
    reads, writes = config.encoder.recurrent, config.decoder.recurrent
    halves = Halves(
        encoder=_Encoding(network),
        step=DecoderStep(network.decoder),
        source_vocabulary_size=config.encoder.vocabulary_size,
        vocabulary_size=config.decoder.vocabulary_size,
        states=decoder_states(writes),
        memory_size=config.decoder.memory_size,
    )
    return translator(
        halves,
        UNKNOWN_TEXTS,
        description="A translator" + (" with attention." if halves.memory_size else "."),
        config={
            "cell": str(writes.cell),
            "num_layers": writes.num_layers,
            "bidirectional": reads.bidirectional,
            "encoder_hidden_size": reads.hidden_size,
            "decoder_hidden_size": writes.hidden_size,
            "source_embedding_size": reads.input_size,
            "embedding_size": writes.input_size,
            "bridge": config.bridge,
            "attention": halves.memory_size is not None,
        },
    )


class _Encoding(nn.Module):
    """The graph "encoder"."""

    def __init__(self, network: Seq2Seq) -> None:
        super().__init__()
        self.network = network

    def forward(self, source_BS: Tensor, length_B: Tensor) -> tuple[Tensor, ...]:
        """Give the first states and, with attention, the memory and its mask."""
        encoded = self.network.encode(source_BS, length_B)
        if self.network.config.decoder.memory_size is None:
            return encoded.states
        return (*encoded.states, encoded.memory, encoded.mask)
