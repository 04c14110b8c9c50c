"""The Chinese to English translator that the package `cn2en` carries: a GRU reads characters, another writes words.

It follows PyTorch's tutorial on translation with a sequence to sequence network, without attention: ReLU behind the
decoder's embedding, the encoder's last state as the decoder's first.

Shapes: B batch, S time of the source, T time, H hidden features, V vocabulary.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from podium.v1 import model_manifest_pb2 as pb
from torch import Tensor, nn
from torch.nn import functional as F

from podium_export.architecture import Blueprint
from podium_export.architectures.latent_model import Method
from podium_export.architectures.recurrent import RecurrentConfig, advance, layers_of, read
from podium_export.architectures.recurrent_decoder import decoder_states
from podium_export.architectures.sizes import length
from podium_export.architectures.translator import Halves, Texts, translator

START, END = 0, 1


@dataclass(frozen=True, slots=True)
class Cn2EnConfig:
    """The sizes of the network.

    Attributes:
        source_vocabulary_size: characters, and runs of Latin letters, that it reads.
        vocabulary_size: words that it writes.
        hidden_size: features of embeddings and states.
    """

    source_vocabulary_size: int = 3277
    vocabulary_size: int = 5820
    hidden_size: int = 256


class Cn2En(nn.Module):
    """Two GRUs with embeddings of their own."""

    def __init__(self, config: Cn2EnConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = _half(config.source_vocabulary_size, config.hidden_size)
        self.decoder = _half(config.vocabulary_size, config.hidden_size)
        self.decoder["out"] = nn.Linear(config.hidden_size, config.vocabulary_size)

    def encode(self, source_BS: Tensor, length_B: Tensor) -> Tensor:
        """Map sources to the state (B, H) behind each one's last token."""
        length_B = length_B.clamp(1, source_BS.shape[1])
        _, (h_BH,) = read(layers_of(_gru(self.encoder)), self.encoder["embedding"](source_BS), length_B)
        return h_BH

    def step(self, token_BT: Tensor, h_BH: Tensor) -> tuple[Tensor, Tensor]:
        """Map tokens and a state to the logits (B, V) of what follows the last one, and the state behind it."""
        x_BTH = F.relu(self.decoder["embedding"](token_BT))
        y_BTH, (h_BH,) = advance(layers_of(_gru(self.decoder)), x_BTH, (h_BH,))
        logits_BV: Tensor = self.decoder["out"](y_BTH[:, -1])
        return logits_BV, h_BH


def _half(vocabulary_size: int, hidden_size: int) -> nn.ModuleDict:
    embedding = nn.Embedding(vocabulary_size, hidden_size)
    return nn.ModuleDict({"embedding": embedding, "gru": nn.GRU(hidden_size, hidden_size, batch_first=True)})


def _gru(half: nn.ModuleDict) -> nn.GRU:
    gru = half["gru"]
    assert isinstance(gru, nn.GRU)
    return gru


def build(state: Mapping[str, Tensor]) -> Cn2En:
    """Build the network with the checkpoint's sizes."""
    usual = Cn2EnConfig()
    return Cn2En(
        Cn2EnConfig(
            source_vocabulary_size=length(state, "encoder.embedding.weight", 0, usual.source_vocabulary_size),
            vocabulary_size=length(state, "decoder.embedding.weight", 0, usual.vocabulary_size),
            hidden_size=length(state, "decoder.embedding.weight", 1, usual.hidden_size),
        )
    )


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made; the texts of its tokens are not known yet.

    `cn2en` reads runs of the letters a ... z as one token, as in "tom", and every other character as one.
    """
    assert isinstance(network, Cn2En)
    config = network.config
    special = (START, END)
    return translator(
        Halves(
            encoder=Method(network, network.encode),
            step=Method(network, network.step),
            source_vocabulary_size=config.source_vocabulary_size,
            vocabulary_size=config.vocabulary_size,
            states=decoder_states(RecurrentConfig(hidden_size=config.hidden_size)),
        ),
        Texts(
            source=pb.Tokenizer(
                vocabulary=pb.Vocabulary(unit=pb.TEXT_UNIT_LETTER_RUN, lowercase=True),
                end_ids=[END],
                special_ids=special,
            ),
            target=pb.Tokenizer(
                vocabulary=pb.Vocabulary(unit=pb.TEXT_UNIT_WORD), start_ids=[START], special_ids=special
            ),
            end_ids=(END,),
        ),
        description="Translates short Chinese sentences into lower-case English.",
        config=asdict(config),
    )
