"""The ResNets of depth 6n+2 for CIFAR's 32×32 pictures.

K. He, X. Zhang, S. Ren, J. Sun: Deep Residual Learning for Image Recognition, 2015, arXiv:1512.03385,
section 4.2, with shortcuts without parameters (option A).

Shapes: B batch, C channels, H height, W width, N classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from podium.v1 import image_pb2
from torch import Tensor, nn
from torch.nn import functional as F

from podium_export.architecture import Blueprint
from podium_export.architectures.image_classifier import (
    CIFAR10,
    IMAGENET_MEAN,
    IMAGENET_STD,
    image_classifier,
)
from podium_export.architectures.sizes import length

SIDE = 32


@dataclass(frozen=True, slots=True)
class ResNetCifarConfig:
    """The sizes of the network.

    Attributes:
        num_blocks: blocks in each of the three stages, n of depth 6n+2.
        width: channels of the first stage; each further stage doubles them and halves the picture.
        num_classes: scores that come out.
    """

    num_blocks: int = 3
    width: int = 16
    num_classes: int = 10

    @property
    def depth(self) -> int:
        """Layers with weights: one convolution, two a block, one linear."""
        return 6 * self.num_blocks + 2


class BasicBlock(nn.Module):
    """Two 3×3 convolutions around which the input is carried: y = ReLU(f(x) + shortcut(x))."""

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.added_channels = channels_out - channels_in
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels_out)

    def shortcut(self, x_BCHW: Tensor) -> Tensor:
        """Carry the input: every `stride`-th pixel, zeros for the added channels (half of them in front)."""
        if self.stride == 1 and self.added_channels == 0:
            return x_BCHW
        before = self.added_channels // 2
        sparse_BCHW = x_BCHW[:, :, :: self.stride, :: self.stride]
        return F.pad(sparse_BCHW, (0, 0, 0, 0, before, self.added_channels - before))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C + added, H / stride, W / stride)."""
        h_BCHW = F.relu(self.bn1(self.conv1(x_BCHW)))
        h_BCHW = self.bn2(self.conv2(h_BCHW))
        return F.relu(h_BCHW + self.shortcut(x_BCHW))


class ResNetCifarTrunk(nn.Module):
    """One convolution, three stages of blocks: what is left without a classifier."""

    def __init__(self, config: ResNetCifarConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.conv1 = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = _stage(config.num_blocks, width, width, stride=1)
        self.layer2 = _stage(config.num_blocks, width, 2 * width, stride=2)
        self.layer3 = _stage(config.num_blocks, 2 * width, 4 * width, stride=2)

    def see(self, x_BCHW: Tensor) -> Tensor:
        """Map normalised pictures to features (B, C, ⌈H / 4⌉, ⌈W / 4⌉)."""
        h_BCHW = F.relu(self.bn1(self.conv1(x_BCHW)))
        y_BCHW: Tensor = self.layer3(self.layer2(self.layer1(h_BCHW)))
        return y_BCHW

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Give the features."""
        return self.see(x_BCHW)


class ResNetCifar(ResNetCifarTrunk):
    """The trunk, the mean over the picture, one linear layer."""

    def __init__(self, config: ResNetCifarConfig) -> None:
        super().__init__(config)
        self.linear = nn.Linear(4 * config.width, config.num_classes)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Map normalised pictures (B, 3, 32, 32) to logits (B, N)."""
        mean_BC = self.see(x_BCHW).mean(dim=(2, 3))
        logits_BN: Tensor = self.linear(mean_BC)
        return logits_BN


def _stage(num_blocks: int, channels_in: int, channels_out: int, stride: int) -> nn.Sequential:
    first = BasicBlock(channels_in, channels_out, stride)
    rest = (BasicBlock(channels_out, channels_out, 1) for _ in range(num_blocks - 1))
    return nn.Sequential(first, *rest)


def read_config(state: Mapping[str, Tensor]) -> ResNetCifarConfig:
    """Read the depth and the sizes of a checkpoint."""
    usual = ResNetCifarConfig()
    blocks = {key.split(".")[1] for key in state if key.startswith("layer1.")}
    return ResNetCifarConfig(
        num_blocks=len(blocks) or usual.num_blocks,
        width=length(state, "conv1.weight", 0, usual.width),
        num_classes=length(state, "linear.weight", 0, usual.num_classes),
    )


def build(state: Mapping[str, Tensor]) -> ResNetCifar:
    """Build the network with the checkpoint's depth and sizes."""
    return ResNetCifar(read_config(state))


def preprocessing(side: int = SIDE) -> image_pb2.ImagePreprocessing:
    """Say how a picture becomes the network's input, of a side in pixels."""
    return image_pb2.ImagePreprocessing(
        height=side,
        width=side,
        color_mode=image_pb2.COLOR_MODE_RGB,
        resize_mode=image_pb2.RESIZE_MODE_CROP_THEN_RESIZE,
        interpolation=image_pb2.INTERPOLATION_BILINEAR,
        crop_fraction=1.0,
        rescale=1 / 255,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        layout=image_pb2.IMAGE_LAYOUT_NCHW,
    )


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made."""
    assert isinstance(network, ResNetCifar)
    config = network.config
    return image_classifier(
        network,
        preprocessing=preprocessing(),
        description=f"ResNet-{config.depth} for small pictures.",
        config={
            "depth": config.depth,
            "num_blocks": config.num_blocks,
            "width": config.width,
            "num_classes": config.num_classes,
        },
        labels=CIFAR10 if config.num_classes == len(CIFAR10) else (),
    )
