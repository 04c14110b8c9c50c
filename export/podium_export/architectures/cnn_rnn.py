"""Convolutions that see each frame, and recurrent layers that go from frame to frame: clips to classes.

J. Donahue et al.: Long-term Recurrent Convolutional Networks for Visual Recognition and Description, 2014,
arXiv:1411.4389, section 4.1. The weights are called:
    trunk.…                              a classifier's of pictures but for its last layer's, or convolutions that halve
                                         a picture and then linear layers, "trunk.0.weight", as `nn.Sequential` has them
    rnn.weight_ih_l0, …                  as `nn.RNN`, `nn.LSTM` and `nn.GRU` name theirs
    rnn.0.W_hh, …                        or as `cells.mut` names them, layers numbered from 0
    head.weight (N, H), head.bias (N)    the bias may be left out
    h0 (L, 1, H), c0 (L, 1, H)           learned initial states; left out: zeros

Shapes: B batch, T time, C channels, H height or hidden features, W width, F features, N classes, L layers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from podium.v1 import model_manifest_pb2 as pb
from torch import Tensor, nn
from torch.nn import functional as F

from podium_export.architecture import Blueprint, GraphBlueprint, InputSpec, NetworkChoices, OutputSpec
from podium_export.architectures.char_rnn_keys import CharRNNConfig, read_config
from podium_export.architectures.char_rnn_layers import (
    head_of,
    initial_states,
    layers_words,
    place_layers,
    recurrent_of,
    states_of,
)
from podium_export.architectures.frame_trunk import FrameTrunk, read_trunk
from podium_export.architectures.video_model import all_frames, frame_step_graph, video_classifier

TRUNK = "trunk."


@dataclass(frozen=True, slots=True)
class CNNRNNConfig:
    """The parts of the network.

    Attributes:
        trunk: sees a frame.
        recurrent: goes on from frame to frame; its vocabulary are the classes, and nothing is embedded.
    """

    trunk: FrameTrunk
    recurrent: CharRNNConfig


class CNNRNN(nn.Module):
    """A trunk, recurrent layers, a linear layer."""

    def __init__(self, config: CNNRNNConfig) -> None:
        super().__init__()
        self.config = config
        self.trunk = config.trunk.module
        place_layers(self, config.recurrent, config.trunk.num_features)

    def see(self, x_BCHW: Tensor) -> Tensor:
        """Map frames to features (B, F)."""
        return F.relu(self.trunk(x_BCHW))

    def follow(self, x_BTF: Tensor, states: Sequence[Tensor]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Map features and the states before them to logits (B, T, N), of each frame and those before, and states."""
        y_BTH, after = recurrent_of(self, self.config.recurrent)(x_BTF, states)
        return head_of(self, self.config.recurrent)(y_BTH), after

    def forward(self, x_BTCHW: Tensor) -> Tensor:
        """Map clips to logits (B, T, N); what is trained. A graph each is written of `see` and `follow`."""
        x_BTF = self.see(x_BTCHW.flatten(0, 1)).reshape(*x_BTCHW.shape[:2], -1)
        logits_BTN, _ = self.follow(x_BTF, self.initial_states(len(x_BTCHW)))
        return logits_BTN

    def initial_states(self, batch: int) -> list[Tensor]:
        """Give the states (B, H) before the first frame: learned ones, or zeros."""
        return initial_states(self, self.config.recurrent, batch)


def build(state: Mapping[str, Tensor], choices: NetworkChoices | None = None) -> CNNRNN:
    """Build the network with the checkpoint's trunk, cell and sizes.

    Args:
        state: the checkpoint's tensors.
        choices: `cell`, where the shapes fit several.

    Raises:
        CheckpointError: the trunk or the cell is of a kind that is not known here.
        OptionError: the cell that was chosen has other weights.
    """
    behind = {key: tensor for key, tensor in state.items() if not key.startswith(TRUNK)}
    return CNNRNN(CNNRNNConfig(read_trunk(state, TRUNK), read_config(behind, choices.cell if choices else None)))


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made; which classes it knows is not known yet."""
    assert isinstance(network, CNNRNN)
    trunk, own = network.config.trunk, network.config.recurrent
    states = states_of(network, own)
    encoder = GraphBlueprint(
        _Seeing(network),
        (InputSpec("image", "float32", ("batch", *trunk.shape)),),
        (OutputSpec("features", ("batch", trunk.num_features)),),
        name="encoder",
    )
    return video_classifier(
        (encoder, frame_step_graph(_Following(network), (trunk.num_features,), own.vocabulary_size, states)),
        pb.Video(sampling=all_frames(), states=[state.proto() for state in states]),
        description=f"A classifier of clips: {layers_words(own)}.",
        config={
            "trunk": trunk.kind,
            "num_features": trunk.num_features,
            "cell": own.cell,
            "hidden_size": own.hidden_size,
            "num_layers": own.num_layers,
            "num_classes": own.vocabulary_size,
            "initial_state": "learned" if own.initial_shapes else "zeros",
        },
        preprocessing=trunk.preprocessing,
    )


class _Seeing(nn.Module):
    """The graph "encoder"."""

    def __init__(self, network: CNNRNN) -> None:
        super().__init__()
        self.network = network

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Give the features of frames (B, F)."""
        return self.network.see(x_BCHW)


class _Following(nn.Module):
    """The graph "step"."""

    def __init__(self, network: CNNRNN) -> None:
        super().__init__()
        self.network = network

    def forward(self, frame_BTF: Tensor, *states_BH: Tensor) -> tuple[Tensor, ...]:
        """Give the logits (B, N) after the last frame, and the states."""
        logits_BTN, after = self.network.follow(frame_BTF, states_BH)
        return logits_BTN[:, -1], *after
