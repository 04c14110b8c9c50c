"""EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excitation, with ReLU6 for Swish.

M. Tan, Q. Le: EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, 2019,
arXiv:1905.11946, table 1; the Lite changes and the preprocessing are those of
github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite. The weights come from TensorFlow, so
strided convolutions are padded as it does ("same"), and the keys are those of efficientnet-lite-pytorch.

Shapes: B batch, C channels, H height, W width, N classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from podium.v1 import image_pb2
from torch import Tensor, nn
from torch.nn import functional as F

from podium_export.architecture import Blueprint
from podium_export.architectures.image_classifier import image_classifier
from podium_export.architectures.sizes import length

SIDE = 224
CROP_FRACTION = 224 / (224 + 32)  # TensorFlow cuts out a centred square of this part, then resizes it
BATCH_NORM_EPS = 1e-3


@dataclass(frozen=True, slots=True)
class Stage:
    """Blocks in a row, of which the first may change channels and size.

    Attributes:
        num_blocks: how many.
        kernel: side of the depthwise filters.
        stride: of the first block.
        expansion: channels inside a block for each one that enters it.
        channels: that leave each block.
    """

    num_blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)


@dataclass(frozen=True, slots=True)
class EfficientNetLite0Config:
    """The sizes of the network.

    Attributes:
        stem: channels of the first convolution.
        stages: the blocks.
        head: channels of the last convolution.
        num_classes: scores that come out.
    """

    stem: int = 32
    stages: tuple[Stage, ...] = STAGES
    head: int = 1280
    num_classes: int = 1000


class SameConv2d(nn.Module):
    """A convolution without bias whose output side is ⌈input side / stride⌉, padded as TensorFlow does.

    What cannot be split evenly is padded below and to the right, where PyTorch's own padding is symmetric.
    """

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.kernel, self.stride, self.groups = kernel, stride, groups
        self.weight = nn.Parameter(torch.empty(channels_out, channels_in // groups, kernel, kernel))
        nn.init.kaiming_normal_(self.weight, mode="fan_out")

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C', ⌈H / stride⌉, ⌈W / stride⌉)."""
        height, width = x_BCHW.shape[-2:]
        top, bottom = _same_padding(height, self.kernel, self.stride)
        left, right = _same_padding(width, self.kernel, self.stride)
        x_BCHW = F.pad(x_BCHW, (left, right, top, bottom))
        y_BCHW: Tensor = F.conv2d(x_BCHW, self.weight, stride=self.stride, groups=self.groups)
        return y_BCHW


def _same_padding(side: int, kernel: int, stride: int) -> tuple[int, int]:
    side_out = -(-side // stride)
    total = max((side_out - 1) * stride + kernel - side, 0)
    return total // 2, total - total // 2


class InvertedBottleneck(nn.Module):
    """Expand, filter each channel by itself, project; the input is carried around where shapes allow.

    M. Sandler et al.: MobileNetV2: Inverted Residuals and Linear Bottlenecks, 2018, arXiv:1801.04381.
    """

    def __init__(self, channels_in: int, stage: Stage, stride: int) -> None:
        super().__init__()
        self.expands = stage.expansion != 1
        self.carries = stride == 1 and channels_in == stage.channels
        inner = channels_in * stage.expansion
        if self.expands:
            self._expand_conv = SameConv2d(channels_in, inner, 1)
            self._bn0 = _batch_norm(inner)
        self._depthwise_conv = SameConv2d(inner, inner, stage.kernel, stride, groups=inner)
        self._bn1 = _batch_norm(inner)
        self._project_conv = SameConv2d(inner, stage.channels, 1)
        self._bn2 = _batch_norm(stage.channels)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C', ⌈H / stride⌉, ⌈W / stride⌉)."""
        h_BCHW = x_BCHW
        if self.expands:
            h_BCHW = F.relu6(self._bn0(self._expand_conv(h_BCHW)))
        h_BCHW = F.relu6(self._bn1(self._depthwise_conv(h_BCHW)))
        y_BCHW: Tensor = self._bn2(self._project_conv(h_BCHW))
        return y_BCHW + x_BCHW if self.carries else y_BCHW


class EfficientNetLite0Trunk(nn.Module):
    """A strided convolution, seven stages of blocks, a 1×1 convolution: what is left without a classifier."""

    def __init__(self, config: EfficientNetLite0Config) -> None:
        super().__init__()
        self.config = config
        self._conv_stem = SameConv2d(3, config.stem, 3, stride=2)
        self._bn0 = _batch_norm(config.stem)
        blocks: list[InvertedBottleneck] = []
        channels = config.stem
        for stage in config.stages:
            for index in range(stage.num_blocks):
                blocks.append(InvertedBottleneck(channels, stage, stage.stride if index == 0 else 1))
                channels = stage.channels
        self._blocks = nn.Sequential(*blocks)
        self._conv_head = SameConv2d(channels, config.head, 1)
        self._bn1 = _batch_norm(config.head)

    def features(self, x_BCHW: Tensor) -> Tensor:
        """Map photos with values in -1 ... 1 to features (B, C, ⌈H / 32⌉, ⌈W / 32⌉)."""
        h_BCHW = F.relu6(self._bn0(self._conv_stem(x_BCHW)))
        h_BCHW = self._blocks(h_BCHW)
        return F.relu6(self._bn1(self._conv_head(h_BCHW)))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Give the features."""
        return self.features(x_BCHW)


class EfficientNetLite0(EfficientNetLite0Trunk):
    """The trunk, the mean over the picture, one linear layer."""

    def __init__(self, config: EfficientNetLite0Config) -> None:
        super().__init__(config)
        self._fc = nn.Linear(config.head, config.num_classes)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Map photos (B, 3, 224, 224) with values in -1 ... 1 to logits (B, N)."""
        mean_BC = self.features(x_BCHW).mean(dim=(2, 3))
        logits_BN: Tensor = self._fc(mean_BC)
        return logits_BN


def _batch_norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=BATCH_NORM_EPS)


def read_config(state: Mapping[str, Tensor]) -> EfficientNetLite0Config:
    """Read the number of classes of a checkpoint; the rest is what makes it Lite0."""
    return EfficientNetLite0Config(num_classes=length(state, "_fc.weight", 0, EfficientNetLite0Config().num_classes))


def build(state: Mapping[str, Tensor]) -> EfficientNetLite0:
    """Build the network with the checkpoint's number of classes."""
    return EfficientNetLite0(read_config(state))


def preprocessing(side: int = SIDE) -> image_pb2.ImagePreprocessing:
    """Say how a photo becomes the network's input, of a side in pixels."""
    return image_pb2.ImagePreprocessing(
        height=side,
        width=side,
        color_mode=image_pb2.COLOR_MODE_RGB,
        resize_mode=image_pb2.RESIZE_MODE_CROP_THEN_RESIZE,
        interpolation=image_pb2.INTERPOLATION_BICUBIC,
        crop_fraction=CROP_FRACTION,
        rescale=1.0,
        mean=(127.0, 127.0, 127.0),
        std=(128.0, 128.0, 128.0),
        layout=image_pb2.IMAGE_LAYOUT_NCHW,
    )


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made."""
    assert isinstance(network, EfficientNetLite0)
    config = network.config
    return image_classifier(
        network,
        preprocessing=preprocessing(),
        description="EfficientNet-Lite0 for photos.",
        config={"stem": config.stem, "head": config.head, "num_classes": config.num_classes},
        labels=(),
    )
