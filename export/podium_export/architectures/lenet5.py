"""LeNet-5 in the sizes that lectures use, which are Caffe's.

Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-Based Learning Applied to Document Recognition, 1998;
ReLU and max pooling in place of squashing and subsampling.

Shapes: B batch, C channels, H height, W width, F features, N classes.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from podium.v1 import image_pb2
from torch import Tensor, nn
from torch.nn import functional as F

from podium_export.architecture import Blueprint
from podium_export.architectures.image_classifier import DIGITS, image_classifier
from podium_export.architectures.sizes import length


@dataclass(frozen=True, slots=True)
class LeNet5Config:
    """The sizes of the network.

    Attributes:
        side: height and width of the picture in pixels, a multiple of 4.
        filters1: filters of the first convolution.
        filters2: filters of the second convolution.
        kernel: side of both convolutions' filters, odd, so that padding keeps the size.
        hidden: features of the hidden layer.
        num_classes: scores that come out.
    """

    side: int = 28
    filters1: int = 20
    filters2: int = 50
    kernel: int = 5
    hidden: int = 500
    num_classes: int = 10

    @property
    def flat(self) -> int:
        """Features that the two poolings leave."""
        return self.filters2 * (self.side // 4) ** 2


class LeNet5(nn.Module):
    """Two convolutions with pooling, then two linear layers."""

    def __init__(self, config: LeNet5Config) -> None:
        super().__init__()
        self.config = config
        self.conv1 = nn.Conv2d(1, config.filters1, config.kernel, padding=config.kernel // 2)
        self.conv2 = nn.Conv2d(config.filters1, config.filters2, config.kernel, padding=config.kernel // 2)
        self.fc1 = nn.Linear(config.flat, config.hidden)
        self.fc2 = nn.Linear(config.hidden, config.num_classes)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Map grey pictures with pixels in 0 ... 1 to logits (B, N)."""
        x_BCHW = F.max_pool2d(F.relu(self.conv1(x_BCHW)), 2)
        x_BCHW = F.max_pool2d(F.relu(self.conv2(x_BCHW)), 2)
        x_BF = F.relu(self.fc1(x_BCHW.flatten(1)))
        logits_BN: Tensor = self.fc2(x_BF)
        return logits_BN


def build(state: Mapping[str, Tensor]) -> LeNet5:
    """Build the network with the checkpoint's sizes."""
    usual = LeNet5Config()
    filters2 = length(state, "conv2.weight", 0, usual.filters2)
    pooled = length(state, "fc1.weight", 1, usual.flat) // filters2
    return LeNet5(
        LeNet5Config(
            side=4 * math.isqrt(pooled),
            filters1=length(state, "conv1.weight", 0, usual.filters1),
            filters2=filters2,
            kernel=length(state, "conv1.weight", 2, usual.kernel),
            hidden=length(state, "fc1.weight", 0, usual.hidden),
            num_classes=length(state, "fc2.weight", 0, usual.num_classes),
        )
    )


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made."""
    assert isinstance(network, LeNet5)
    config = network.config
    return image_classifier(
        network,
        preprocessing=image_pb2.ImagePreprocessing(
            height=config.side,
            width=config.side,
            color_mode=image_pb2.COLOR_MODE_GRAY,
            resize_mode=image_pb2.RESIZE_MODE_STRETCH,
            interpolation=image_pb2.INTERPOLATION_BILINEAR,
            rescale=1 / 255,
            layout=image_pb2.IMAGE_LAYOUT_NCHW,
        ),
        description="LeNet-5 for handwritten digits, bright on dark.",
        config=asdict(config),
        labels=DIGITS if config.num_classes == len(DIGITS) else (),
    )
