"""LeNet-5 as published: 32×32 in, the third convolution sees all that is left.

Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-Based Learning Applied to Document Recognition, 1998,
section II.B, whose names the layers bear (C1, C3, C5, F6); ReLU and max pooling in place of squashing and
subsampling, C3 connected to every map of the layer before, and log-probabilities out, as in the widespread
PyTorch version of it.

Shapes: B batch, C channels, H height, W width, F features, N classes.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from podium.v1 import image_pb2
from torch import Tensor, nn

from podium_export.architecture import Blueprint
from podium_export.architectures.image_classifier import DIGITS, image_classifier
from podium_export.architectures.latent_model import Pictures
from podium_export.architectures.sizes import length

SIDE = 32


@dataclass(frozen=True, slots=True)
class LeNet5At32Config:
    """The sizes of the network.

    Attributes:
        c1: filters of the first convolution.
        c3: filters of the second.
        c5: filters of the third, whose output is 1×1.
        f6: features of the hidden layer.
        num_classes: scores that come out.
    """

    c1: int = 6
    c3: int = 16
    c5: int = 120
    f6: int = 84
    num_classes: int = 10


class LeNet5At32Trunk(nn.Module):
    """Three convolutions, two poolings between them: what is left without a classifier."""

    def __init__(self, config: LeNet5At32Config) -> None:
        super().__init__()
        self.config = config
        self.convnet = nn.Sequential(
            OrderedDict[str, nn.Module](
                c1=nn.Conv2d(1, config.c1, 5),
                relu1=nn.ReLU(),
                s2=nn.MaxPool2d(2, 2),
                c3=nn.Conv2d(config.c1, config.c3, 5),
                relu3=nn.ReLU(),
                s4=nn.MaxPool2d(2, 2),
                c5=nn.Conv2d(config.c3, config.c5, 5),
                relu5=nn.ReLU(),
            )
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Map grey pictures with pixels in 0 ... 1 to features (B, C, H, W), of 32×32 pixels to 1×1."""
        y_BCHW: Tensor = self.convnet(x_BCHW)
        return y_BCHW


class LeNet5At32(LeNet5At32Trunk):
    """The trunk, two linear layers."""

    def __init__(self, config: LeNet5At32Config) -> None:
        super().__init__(config)
        self.fc = nn.Sequential(
            OrderedDict[str, nn.Module](
                f6=nn.Linear(config.c5, config.f6),
                relu6=nn.ReLU(),
                f7=nn.Linear(config.f6, config.num_classes),
                log_softmax=nn.LogSoftmax(dim=-1),
            )
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Map grey pictures (B, 1, 32, 32) with pixels in 0 ... 1 to log-probabilities (B, N)."""
        features_BF = self.convnet(x_BCHW).flatten(1)
        log_probabilities_BN: Tensor = self.fc(features_BF)
        return log_probabilities_BN


def read_config(state: Mapping[str, Tensor]) -> LeNet5At32Config:
    """Read the sizes of a checkpoint."""
    usual = LeNet5At32Config()
    return LeNet5At32Config(
        c1=length(state, "convnet.c1.weight", 0, usual.c1),
        c3=length(state, "convnet.c3.weight", 0, usual.c3),
        c5=length(state, "convnet.c5.weight", 0, usual.c5),
        f6=length(state, "fc.f6.weight", 0, usual.f6),
        num_classes=length(state, "fc.f7.weight", 0, usual.num_classes),
    )


def build(state: Mapping[str, Tensor]) -> LeNet5At32:
    """Build the network with the checkpoint's sizes."""
    return LeNet5At32(read_config(state))


def preprocessing(side: int = SIDE) -> image_pb2.ImagePreprocessing:
    """Say how a picture becomes the network's input, of a side in pixels."""
    return Pictures(1, side).preprocessing


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made."""
    assert isinstance(network, LeNet5At32)
    config = network.config
    return image_classifier(
        network,
        preprocessing=preprocessing(),
        description="LeNet-5 for handwritten digits, bright on dark, at 32×32.",
        config=asdict(config),
        labels=DIGITS if config.num_classes == len(DIGITS) else (),
        output="log_probabilities",
    )
