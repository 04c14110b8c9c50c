"""The convolutions that a captioner sees with: those of a classifier of photos, or a few for small pictures."""

from collections.abc import Mapping
from dataclasses import dataclass

from podium.v1 import image_pb2
from torch import Tensor, nn

from podium_export.architectures import efficientnet_lite0
from podium_export.architectures.efficientnet_lite0 import EfficientNetLite0Config, EfficientNetLite0Trunk
from podium_export.architectures.latent_model import Pictures
from podium_export.architectures.layer_chain import LayerChain
from podium_export.architectures.layers import Kind, Layer, read_layers
from podium_export.errors import CheckpointError


@dataclass(frozen=True, slots=True)
class PhotoTrunk:
    """EfficientNet-Lite0 without its classifier: a cell for 32×32 pixels, 1280 features."""

    channels: int = 3
    num_features: int = EfficientNetLite0Config().head
    stride: int = 32
    usual_side: int = efficientnet_lite0.SIDE

    def module(self) -> nn.Module:
        """Make it."""
        return EfficientNetLite0Trunk(EfficientNetLite0Config())

    def preprocessing(self, side: int) -> image_pb2.ImagePreprocessing:
        """Say how a picture becomes its input."""
        return efficientnet_lite0.preprocessing(side)

    def __str__(self) -> str:
        """Name it."""
        return "efficientnet-lite0"


@dataclass(frozen=True, slots=True)
class SmallTrunk:
    """Convolutions that halve a small picture one after another, with ReLU between them.

    Attributes:
        layers: the convolutions, each with batch normalization behind it or none.
    """

    layers: tuple[Layer, ...] = (
        Layer("0", Kind.DOWN, 3, 32, 3, bias=False),
        Layer("1", Kind.NORM, 32, 32),
        Layer("3", Kind.DOWN, 32, 64, 3, bias=False),
        Layer("4", Kind.NORM, 64, 64),
        Layer("6", Kind.DOWN, 64, 128, 3),
    )
    usual_side: int = 32

    @property
    def channels(self) -> int:
        """1 (grey) or 3 (red, green, blue)."""
        return self.layers[0].size_in

    @property
    def num_features(self) -> int:
        """Features of a cell."""
        return self.layers[-1].size_out

    @property
    def stride(self) -> int:
        """Pixels from cell to cell."""
        return 1 << sum(layer.kind is Kind.DOWN for layer in self.layers)

    def module(self) -> nn.Module:
        """Make it."""
        return LayerChain(self.layers)

    def preprocessing(self, side: int) -> image_pb2.ImagePreprocessing:
        """Say how a picture becomes its input: numbers in 0 ... 1."""
        return Pictures(self.channels, side).preprocessing

    def __str__(self) -> str:
        """Say it layer by layer."""
        return "; ".join(map(str, self.layers))


Trunk = PhotoTrunk | SmallTrunk


def read_trunk(state: Mapping[str, Tensor], prefix: str) -> Trunk:
    """Read which trunk has keys with this prefix, such as "encoder.trunk.".

    Raises:
        CheckpointError: it is none of these.
    """
    if f"{prefix}_conv_stem.weight" in state:
        return PhotoTrunk()
    layers = read_layers(state, Kind.DOWN, prefix) or SmallTrunk().layers
    stray = [layer for layer in layers if layer.kind not in (Kind.DOWN, Kind.NORM)]
    if stray:
        raise CheckpointError(
            f"{prefix}{stray[0].name} is a {stray[0].kind}: a trunk has convolutions and batch normalization alone"
        )
    return SmallTrunk(layers)
