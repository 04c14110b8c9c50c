"""Captioner: convolutions see a picture, recurrent layers write what is on it.

O. Vinyals et al.: Show and Tell: A Neural Image Caption Generator, 2014, arXiv:1411.4555; the first states are made of
the mean over the picture, as K. Xu et al.: Show, Attend and Tell, 2015, arXiv:1502.03044, section 3.1.2, have it, and
what is attended to are the cells of the picture (section 3.1.1), with the attention of M.-T. Luong et al., 2015,
arXiv:1508.04025.

Shapes: B batch, C channels, H height, W width, S cells of the picture, T time, M features of a cell, V vocabulary.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from podium.v1 import model_manifest_pb2 as pb
from torch import Tensor, nn
from torch.nn import functional as F

from podium_export.architecture import Blueprint, GraphBlueprint, InputSpec, OutputSpec
from podium_export.architectures.picture_trunk import SmallTrunk, Trunk, read_trunk
from podium_export.architectures.recurrent import Cell, RecurrentConfig, States
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
from podium_export.architectures.step_model import Context, generation_of, step_graph
from podium_export.errors import CheckpointError


@dataclass(frozen=True, slots=True)
class CaptionerConfig:
    """The sizes of a captioner.

    Attributes:
        trunk: the convolutions.
        side: height and width of the pictures, in pixels.
        cell_size: features of a cell behind the projection, M.
        decoder: of what writes; with attention where it has a memory size, which is `cell_size` then.
    """

    trunk: Trunk = field(default_factory=SmallTrunk)
    side: int = 32
    cell_size: int = 128
    decoder: DecoderConfig = field(default_factory=lambda: DecoderConfig(recurrent=RecurrentConfig(Cell.LSTM)))

    def __post_init__(self) -> None:
        check_memory(self.decoder, self.cell_size)

    @property
    def map_shape(self) -> tuple[int, int, int]:
        """The trunk's features and the rows and columns of cells that a picture falls into.

        Raises:
            CheckpointError: nothing is left of so small a picture.
        """
        try:
            with torch.device("meta"):
                picture = torch.empty(1, self.trunk.channels, self.side, self.side)
                _, features, height, width = self.trunk.module().eval()(picture).shape
        except RuntimeError as error:
            raise CheckpointError(f"encoder.side: {self.side} pixels are too few for {self.trunk}: {error}") from error
        return features, height, width

    @property
    def num_cells(self) -> int:
        """Cells that a picture falls into, S."""
        _, height, width = self.map_shape
        return height * width


class PictureEncoder(nn.Module):
    """Sees a picture as a row of cells."""

    def __init__(self, config: CaptionerConfig) -> None:
        super().__init__()
        self.trunk = config.trunk.module()
        self.project = nn.Linear(config.map_shape[0], config.cell_size)
        # No weight knows how large the pictures were: the checkpoint says it.
        self.register_buffer("side", torch.tensor(float(config.side)))

    def see(self, x_BCHW: Tensor) -> Tensor:
        """Map pictures to the trunk's features (B, S, F), row by row from the top left."""
        return F.relu(self.trunk(x_BCHW)).flatten(2).transpose(1, 2)

    def cells(self, features_BSF: Tensor) -> Tensor:
        """Map features to cells (B, S, M)."""
        return F.relu(self.project(features_BSF))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Map pictures to cells (B, S, M)."""
        return self.cells(self.see(x_BCHW))


class Captioner(nn.Module):
    """An encoder, a bridge from the mean over its cells, a decoder."""

    def __init__(self, config: CaptionerConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = PictureEncoder(config)
        self.bridge = Bridge(config.cell_size, config.decoder.recurrent)
        self.decoder = RecurrentDecoder(config.decoder)

    def encode(self, x_BCHW: Tensor) -> tuple[States, Tensor]:
        """Map pictures to the decoder's first states (B, H) and the cells (B, S, M)."""
        cells_BSM = self.encoder(x_BCHW)
        return self.begin(cells_BSM), cells_BSM

    def begin(self, cells_BSM: Tensor) -> States:
        """Map cells to the decoder's first states (B, H)."""
        mean_BM = cells_BSM.mean(dim=1)
        states: States = self.bridge([mean_BM] * len(self.config.decoder.recurrent.state_names))
        return states

    def forward(self, x_BCHW: Tensor, caption_BT: Tensor) -> Tensor:
        """Map pictures, and captions that begin with the start, to logits (B, T, V) for what follows each word.

        This is what is trained; a graph each is written of `encode` and of one step of the decoder.
        """
        return self.say(self.encoder(x_BCHW), caption_BT)

    def say(self, cells_BSM: Tensor, caption_BT: Tensor) -> Tensor:
        """Map cells, and captions as `forward` takes them, to its logits (B, T, V): for a trunk that is not trained."""
        logits_BTV: Tensor
        logits_BTV, _ = self.decoder(caption_BT, self.begin(cells_BSM), cells_BSM)
        return logits_BTV


def build(state: Mapping[str, Tensor]) -> Captioner:
    """Build the network with the checkpoint's trunk and sizes.

    Raises:
        CheckpointError: the trunk or the decoder is of a kind that is not known here.
    """
    trunk = read_trunk(state, "encoder.trunk.")
    usual = CaptionerConfig(trunk, trunk.usual_side)
    side = state.get("encoder.side")
    return Captioner(
        CaptionerConfig(
            trunk=trunk,
            side=usual.side if side is None else int(side.item()),
            cell_size=length(state, "encoder.project.weight", 0, usual.cell_size),
            decoder=read_decoder(state, "decoder.", usual.decoder),
        )
    )


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made; its words are not known yet."""
    assert isinstance(network, Captioner)
    config = network.config
    recurrent = config.decoder.recurrent
    attends = config.decoder.memory_size is not None
    states = decoder_states(recurrent)
    cells = InputSpec("cells", "float32", ("batch", config.num_cells, config.cell_size), low=0)
    contexts = (Context(cells, cells.name),) if attends else ()
    image = InputSpec("image", "float32", ("batch", config.trunk.channels, config.side, config.side))
    outputs = [OutputSpec(state.name, state.shape) for state in states]
    outputs += [OutputSpec(context.encoder_output, context.spec.shape) for context in contexts]
    return Blueprint(
        graphs=(
            GraphBlueprint(_Seeing(network), (image,), tuple(outputs), name="encoder"),
            step_graph(DecoderStep(network.decoder), config.decoder.vocabulary_size, states, contexts),
        ),
        task=pb.TASK_IMAGE_CAPTIONING,
        description="A captioner" + (" with attention." if attends else "."),
        config={
            "trunk": str(config.trunk),
            "side": config.side,
            "cell_size": config.cell_size,
            "cell": str(recurrent.cell),
            "num_layers": recurrent.num_layers,
            "hidden_size": recurrent.hidden_size,
            "embedding_size": recurrent.input_size,
            "attention": attends,
        },
        image_preprocessing=config.trunk.preprocessing(config.side),
        generation=generation_of(pb.Tokenizer(), states, contexts),
    )


class _Seeing(nn.Module):
    """The graph "encoder"."""

    def __init__(self, network: Captioner) -> None:
        super().__init__()
        self.network = network

    def forward(self, x_BCHW: Tensor) -> tuple[Tensor, ...]:
        """Give the first states and, with attention, the cells."""
        states, cells_BSM = self.network.encode(x_BCHW)
        return states if self.network.config.decoder.memory_size is None else (*states, cells_BSM)
