"""LeNet-5 in the lecture's sizes: 20 and 50 filters, 500 hidden features, padding that keeps the size.

Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-Based Learning Applied to Document Recognition, 1998;
ReLU and max pooling in place of squashing and subsampling.

Shapes: B batch, C channels, H height, W width, F features, N classes.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from podium.v1 import image_pb2
from torch import Tensor, nn
from torch.nn import functional as F

from podium_export.architecture import Blueprint
from podium_export.architectures.image_classifier import DIGITS, image_classifier
from podium_export.architectures.latent_model import Pictures
from podium_export.architectures.placing import place
from podium_export.architectures.sizes import length

SIDE = 28


@dataclass(frozen=True, slots=True)
class LeNet5Config:
    """The sizes of the network.

    Attributes:
        filters1: filters of the first convolution.
        filters2: filters of the second convolution.
        kernel: side of both convolutions' filters.
        padding: of both convolutions, on each side.
        hidden: features of the hidden layer.
        num_classes: scores that come out.
        names: what the four layers with weights are called, "features.0" for one inside another module: the
            lecture does not name them, so everybody's checkpoint does it differently.
    """

    filters1: int = 20
    filters2: int = 50
    kernel: int = 5
    padding: int = 2
    hidden: int = 500
    num_classes: int = 10
    names: tuple[str, str, str, str] = ("conv1", "conv2", "fc1", "fc2")

    @property
    def pooled_side(self) -> int:
        """Height and width that the two convolutions with pooling leave of the picture."""
        side = SIDE
        for _ in range(2):
            side = (side + 2 * self.padding - self.kernel + 1) // 2
        return side


class LeNet5Trunk(nn.Module):
    """Two convolutions with pooling: what is left without a classifier."""

    def __init__(self, config: LeNet5Config) -> None:
        super().__init__()
        self.config = config
        conv1, conv2, _, _ = config.names
        place(self, conv1, nn.Conv2d(1, config.filters1, config.kernel, padding=config.padding))
        place(self, conv2, nn.Conv2d(config.filters1, config.filters2, config.kernel, padding=config.padding))

    def see(self, x_BCHW: Tensor) -> Tensor:
        """Map grey pictures with pixels in 0 ... 1 to features (B, C, H, W), of 28×28 pixels usually to 7×7."""
        conv1, conv2, _, _ = self.config.names
        x_BCHW = F.max_pool2d(F.relu(self.get_submodule(conv1)(x_BCHW)), 2)
        return F.max_pool2d(F.relu(self.get_submodule(conv2)(x_BCHW)), 2)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Give the features."""
        return self.see(x_BCHW)


class LeNet5(LeNet5Trunk):
    """The trunk, two linear layers."""

    def __init__(self, config: LeNet5Config) -> None:
        super().__init__(config)
        _, _, fc1, fc2 = config.names
        place(self, fc1, nn.Linear(config.filters2 * config.pooled_side**2, config.hidden))
        place(self, fc2, nn.Linear(config.hidden, config.num_classes))

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Map grey pictures (B, 1, 28, 28) with pixels in 0 ... 1 to logits (B, N)."""
        _, _, fc1, fc2 = (self.get_submodule(name) for name in self.config.names)
        x_BF = F.relu(fc1(self.see(x_BCHW).flatten(1)))
        logits_BN: Tensor = fc2(x_BF)
        return logits_BN


def read_config(state: Mapping[str, Tensor]) -> LeNet5Config:
    """Read the sizes of a checkpoint, and what its layers are called.

    No weight has the padding's size, but the first linear layer tells it: with none (Caffe's own LeNet) fewer
    features are left for it.
    """
    usual = LeNet5Config()
    names = _names(state) or usual.names
    conv1, conv2, fc1, fc2 = (f"{name}.weight" for name in names)
    config = LeNet5Config(
        filters1=length(state, conv1, 0, usual.filters1),
        filters2=length(state, conv2, 0, usual.filters2),
        kernel=length(state, conv1, 2, usual.kernel),
        hidden=length(state, fc1, 0, usual.hidden),
        num_classes=length(state, fc2, 0, usual.num_classes),
        names=names,
    )
    same, none = (replace(config, padding=padding) for padding in (config.kernel // 2, 0))
    flat = length(state, fc1, 1, 0)
    return none if flat == config.filters2 * none.pooled_side**2 else same


def build(state: Mapping[str, Tensor]) -> LeNet5:
    """Build the network with the checkpoint's sizes, its layers called as they are there."""
    return LeNet5(read_config(state))


def preprocessing(side: int = SIDE) -> image_pb2.ImagePreprocessing:
    """Say how a picture becomes the network's input, of a side in pixels."""
    return Pictures(1, side).preprocessing


def _names(state: Mapping[str, Tensor]) -> tuple[str, str, str, str] | None:
    """Find the four layers by their shapes: each takes what the one before gives."""
    weights = {key.removesuffix(".weight"): w.shape for key, w in state.items() if key.endswith(".weight")}
    convolutions = [name for name, shape in weights.items() if len(shape) == 4]
    linears = [name for name, shape in weights.items() if len(shape) == 2]
    if (len(weights), len(convolutions), len(linears)) != (4, 2, 2):
        return None
    conv1, conv2 = sorted(convolutions, key=lambda name: weights[name][1])  # a grey picture has one channel
    fc1, fc2 = linears
    if weights[fc1][0] != weights[fc2][1]:
        fc1, fc2 = fc2, fc1
    return conv1, conv2, fc1, fc2


def blueprint(network: nn.Module) -> Blueprint:
    """Describe a network that `build` made."""
    assert isinstance(network, LeNet5)
    config = network.config
    return image_classifier(
        network,
        preprocessing=preprocessing(),
        description="LeNet-5 for handwritten digits, bright on dark.",
        config={**asdict(config), "names": list(config.names)},
        labels=DIGITS if config.num_classes == len(DIGITS) else (),
    )
