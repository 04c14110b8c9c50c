"""The network of the package `g2p_en`: a GRU reads the letters of an English word, another writes its phonemes.

K. Park, J. Kim: g2pE, 2019, github.com/Kyubyong/g2p: the words that its dictionary does not have. Its keys have no
modules, so the weights lie in the network as they lie in the file.

Shapes: B batch, S letters, T time, E features of an embedding, H hidden features, V phonemes.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import torch
from podium.v1 import decoding_pb2
from podium.v1 import model_manifest_pb2 as pb
from torch import Tensor, nn
from torch.nn import functional as F

from podium_export.architecture import Blueprint
from podium_export.architectures.latent_model import Method
from podium_export.architectures.recurrent import Cell, Layers, RecurrentConfig, advance, read
from podium_export.architectures.recurrent_decoder import decoder_states
from podium_export.architectures.sizes import length
from podium_export.architectures.translator import Halves, Texts, translator

# The first graphemes are <pad>, <unk>, </s>; the first phonemes <pad>, <unk>, <s>, </s>.
SOURCE_UNKNOWN, SOURCE_END = 1, 2
START, END = 2, 3
MAX_PHONEMES = 20


@dataclass(frozen=True, slots=True)
class G2PEnConfig:
    """The sizes of the network.

    Attributes:
        num_graphemes: letters that it reads, with what is no letter.
        num_phonemes: phonemes that it writes, with what is none.
        embedding_size: features of an embedding.
        hidden_size: features of a state.
    """

    num_graphemes: int = 29
    num_phonemes: int = 74
    embedding_size: int = 256
    hidden_size: int = 256


class G2PEn(nn.Module):
    """Two GRUs with embeddings of their own."""

    def __init__(self, config: G2PEnConfig) -> None:
        super().__init__()
        self.config = config
        num_rows, features, hidden_size = 3 * config.hidden_size, config.embedding_size, config.hidden_size
        shapes: dict[str, tuple[int, ...]] = {
            "enc_emb": (config.num_graphemes, features),
            "dec_emb": (config.num_phonemes, features),
            "fc_w": (config.num_phonemes, hidden_size),
            "fc_b": (config.num_phonemes,),
        }
        for half in ("enc", "dec"):
            shapes |= {f"{half}_w_ih": (num_rows, features), f"{half}_w_hh": (num_rows, hidden_size)}
            shapes |= {f"{half}_b_ih": (num_rows,), f"{half}_b_hh": (num_rows,)}
        for name, shape in shapes.items():
            self.register_parameter(name, nn.Parameter(0.1 * torch.randn(shape)))

    def encode(self, source_BS: Tensor, length_B: Tensor) -> Tensor:
        """Map words to the state (B, H) behind each one's end."""
        length_B = length_B.clamp(1, source_BS.shape[1])
        _, (h_BH,) = read(self._layers("enc"), F.embedding(source_BS, self.get_parameter("enc_emb")), length_B)
        return h_BH

    def step(self, token_BT: Tensor, h_BH: Tensor) -> tuple[Tensor, Tensor]:
        """Map phonemes and a state to the logits (B, V) of what follows the last one, and the state behind it."""
        x_BTE = F.embedding(token_BT, self.get_parameter("dec_emb"))
        y_BTH, (h_BH,) = advance(self._layers("dec"), x_BTE, (h_BH,))
        return F.linear(y_BTH[:, -1], self.get_parameter("fc_w"), self.get_parameter("fc_b")), h_BH

    def _layers(self, half: Literal["enc", "dec"]) -> Layers:
        names = ("w_ih", "w_hh", "b_ih", "b_hh")
        return Layers(Cell.GRU, [[self.get_parameter(f"{half}_{name}") for name in names]])


def build(state: Mapping[str, Tensor]) -> G2PEn:
    """Build the network with the checkpoint's sizes."""
    usual = G2PEnConfig()
    return G2PEn(
        G2PEnConfig(
            num_graphemes=length(state, "enc_emb", 0, usual.num_graphemes),
            num_phonemes=length(state, "dec_emb", 0, usual.num_phonemes),
            embedding_size=length(state, "enc_emb", 1, usual.embedding_size),
            hidden_size=length(state, "enc_w_hh", 1, usual.hidden_size),
        )
    )


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made; the texts of its tokens are not known yet."""
    assert isinstance(network, G2PEn)
    config = network.config
    return translator(
        Halves(
            encoder=Method(network, network.encode),
            step=Method(network, network.step),
            source_vocabulary_size=config.num_graphemes,
            vocabulary_size=config.num_phonemes,
            states=decoder_states(RecurrentConfig(hidden_size=config.hidden_size)),
        ),
        Texts(
            source=pb.Tokenizer(
                vocabulary=pb.Vocabulary(unit=pb.TEXT_UNIT_CHARACTER, lowercase=True, unknown_id=SOURCE_UNKNOWN),
                end_ids=[SOURCE_END],
                special_ids=range(SOURCE_END + 1),
            ),
            target=pb.Tokenizer(
                vocabulary=pb.Vocabulary(unit=pb.TEXT_UNIT_WORD), start_ids=[START], special_ids=range(END + 1)
            ),
            end_ids=(END,),
            defaults=decoding_pb2.Decoding(max_tokens=MAX_PHONEMES),
        ),
        description="Says how an English word is pronounced, in ARPAbet: letters in, phonemes out.",
        config=asdict(config),
    )
