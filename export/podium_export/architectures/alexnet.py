"""AlexNet in one tower.

A. Krizhevsky: One weird trick for parallelizing convolutional neural networks, 2014, arXiv:1404.5997;
the keys are those of the checkpoint that torchvision publishes.

Shapes: B batch, C channels, H height, W width, F features, N classes.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from podium.v1 import image_pb2
from torch import Tensor, nn

from podium_export.architecture import Blueprint
from podium_export.architectures.image_classifier import IMAGENET_MEAN, IMAGENET_STD, image_classifier
from podium_export.architectures.sizes import length

SIDE = 224
SHORTER_SIDE = 256  # of the photo that 224×224 are cut out of
POOLED_SIDE = 6  # what three poolings leave of 224


@dataclass(frozen=True, slots=True)
class AlexNetConfig:
    """The sizes of the network.

    Attributes:
        filters: filters of the five convolutions.
        hidden: features of the two hidden layers.
        num_classes: scores that come out.
    """

    filters: tuple[int, int, int, int, int] = (64, 192, 384, 256, 256)
    hidden: tuple[int, int] = (4096, 4096)
    num_classes: int = 1000


class AlexNetTrunk(nn.Module):
    """Five convolutions, three poolings: what is left without a classifier."""

    def __init__(self, config: AlexNetConfig) -> None:
        super().__init__()
        self.config = config
        f1, f2, f3, f4, f5 = config.filters
        self.features = nn.Sequential(
            nn.Conv2d(3, f1, 11, stride=4, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(f1, f2, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(f2, f3, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(f3, f4, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(f4, f5, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Map normalised photos to features (B, C, H, W), of 224×224 pixels to 6×6."""
        y_BCHW: Tensor = self.features(x_BCHW)
        return y_BCHW


class AlexNet(AlexNetTrunk):
    """The trunk, three linear layers."""

    def __init__(self, config: AlexNetConfig) -> None:
        super().__init__(config)
        h1, h2 = config.hidden
        self.classifier = nn.Sequential(
            nn.Dropout(),
            nn.Linear(config.filters[-1] * POOLED_SIDE**2, h1),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(h1, h2),
            nn.ReLU(),
            nn.Linear(h2, config.num_classes),
        )

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Map normalised photos (B, 3, 224, 224) to logits (B, N)."""
        features_BF = self.features(x_BCHW).flatten(1)
        logits_BN: Tensor = self.classifier(features_BF)
        return logits_BN


def read_config(state: Mapping[str, Tensor]) -> AlexNetConfig:
    """Read the sizes of a checkpoint."""
    usual = AlexNetConfig()
    f1, f2, f3, f4, f5 = usual.filters
    h1, h2 = usual.hidden
    return AlexNetConfig(
        filters=(
            length(state, "features.0.weight", 0, f1),
            length(state, "features.3.weight", 0, f2),
            length(state, "features.6.weight", 0, f3),
            length(state, "features.8.weight", 0, f4),
            length(state, "features.10.weight", 0, f5),
        ),
        hidden=(
            length(state, "classifier.1.weight", 0, h1),
            length(state, "classifier.4.weight", 0, h2),
        ),
        num_classes=length(state, "classifier.6.weight", 0, usual.num_classes),
    )


def build(state: Mapping[str, Tensor]) -> AlexNet:
    """Build the network with the checkpoint's sizes."""
    return AlexNet(read_config(state))


def preprocessing(side: int = SIDE) -> image_pb2.ImagePreprocessing:
    """Say how a photo becomes the network's input, of a side in pixels."""
    return image_pb2.ImagePreprocessing(
        height=side,
        width=side,
        color_mode=image_pb2.COLOR_MODE_RGB,
        resize_mode=image_pb2.RESIZE_MODE_CENTER_CROP,
        interpolation=image_pb2.INTERPOLATION_BILINEAR,
        shorter_side=side * SHORTER_SIDE // SIDE,
        rescale=1 / 255,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        layout=image_pb2.IMAGE_LAYOUT_NCHW,
    )


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made."""
    assert isinstance(network, AlexNet)
    config = network.config
    return image_classifier(
        network,
        preprocessing=preprocessing(),
        description="AlexNet for photos.",
        config={**asdict(config), "filters": list(config.filters), "hidden": list(config.hidden)},
        labels=(),
    )
