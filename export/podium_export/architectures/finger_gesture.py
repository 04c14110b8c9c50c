"""Finger gestures: the track of a fingertip over 16 frames, as three linear layers read it.

github.com/kinivi/hand-gesture-recognition-mediapipe, the point-history classifier: linear 32-24, ReLU, 24-10, ReLU,
10-4. A frame is the fingertip's place, x and y as parts of the picture's width and height; the network reads places
relative to the first of the 16, so that where in the picture the hand is changes nothing. Keys are Keras' names.

Shapes: B batch, T time, P the two numbers of a place, N classes.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from podium.v1 import model_manifest_pb2 as pb
from podium.v1 import video_pb2
from torch import Tensor, nn
from torch.nn import functional as F

from podium_export.architecture import Blueprint, GraphBlueprint, InputSpec
from podium_export.architectures.sizes import length
from podium_export.architectures.video_model import video_classifier
from podium_export.errors import CheckpointError

GESTURES = ("Stop", "Clockwise", "Counter Clockwise", "Move")
PLACE = 2


@dataclass(frozen=True, slots=True)
class FingerGestureConfig:
    """The sizes of the network.

    Attributes:
        num_frames: of a track, T.
        hidden1: features of the first hidden layer.
        hidden2: features of the second.
        num_classes: scores that come out, N.
    """

    num_frames: int = 16
    hidden1: int = 24
    hidden2: int = 10
    num_classes: int = 4


class FingerGesture(nn.Module):
    """Three linear layers."""

    def __init__(self, config: FingerGestureConfig) -> None:
        super().__init__()
        self.config = config
        self.dense = nn.Linear(config.num_frames * PLACE, config.hidden1)
        self.dense_1 = nn.Linear(config.hidden1, config.hidden2)
        self.dense_2 = nn.Linear(config.hidden2, config.num_classes)

    def forward(self, x_BTP: Tensor) -> Tensor:
        """Map tracks to logits (B, N)."""
        x_BF = (x_BTP - x_BTP[:, :1]).flatten(1)
        logits_BN: Tensor = self.dense_2(F.relu(self.dense_1(F.relu(self.dense(x_BF)))))
        return logits_BN


def build(state: Mapping[str, Tensor]) -> FingerGesture:
    """Build the network with the checkpoint's sizes.

    Raises:
        CheckpointError: the track is no row of places.
    """
    usual = FingerGestureConfig()
    num_numbers = length(state, "dense.weight", 1, usual.num_frames * PLACE)
    if num_numbers % PLACE:
        raise CheckpointError(f"dense.weight reads {num_numbers} numbers: a track has two a frame")
    return FingerGesture(
        FingerGestureConfig(
            num_frames=num_numbers // PLACE,
            hidden1=length(state, "dense.weight", 0, usual.hidden1),
            hidden2=length(state, "dense_1.weight", 0, usual.hidden2),
            num_classes=length(state, "dense_2.weight", 0, usual.num_classes),
        )
    )


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made."""
    assert isinstance(network, FingerGesture)
    config = network.config
    frames = InputSpec("frames", "float32", ("batch", config.num_frames, PLACE))
    return video_classifier(
        (GraphBlueprint(network, (frames,), ("logits",)),),
        pb.Video(sampling=video_pb2.FrameSampling(uniform=config.num_frames), window=config.num_frames),
        description="Gestures of a finger, by the track of its tip: x and y as parts of a picture's width and height.",
        config=asdict(config),
        preprocessing=None,
        labels=GESTURES if config.num_classes == len(GESTURES) else (),
    )
