"""The convolutions that a captioner sees with: those of a bundled classifier, or a few for small pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from podium.v1 import image_pb2
from torch import Tensor, nn

from podium_export.architectures.classifiers import CLASSIFIERS, classifier_of
from podium_export.architectures.latent_model import Pictures
from podium_export.architectures.layer_chain import LayerChain
from podium_export.architectures.layers import Kind, Layer, read_layers
from podium_export.errors import CheckpointError


@dataclass(frozen=True, slots=True)
class ClassifierTrunk:
    """A classifier of pictures without its linear layers.

    Attributes:
        name: the classifier's.
        config: its sizes; those of the layers that are left out mean nothing.
    """

    name: str
    config: Any

    @property
    def usual_side(self) -> int:
        """Height and width that the classifier was made for."""
        side: int = CLASSIFIERS[self.name].module.SIDE
        return side

    @property
    def channels(self) -> int:
        """1 (grey) or 3 (red, green, blue)."""
        return 1 if self.preprocessing(self.usual_side).color_mode == image_pb2.COLOR_MODE_GRAY else 3

    def module(self) -> nn.Module:
        """Make it."""
        trunk: nn.Module = CLASSIFIERS[self.name].trunk(self.config)
        return trunk

    def preprocessing(self, side: int) -> image_pb2.ImagePreprocessing:
        """Say how a picture becomes its input: as the classifier's does."""
        said: image_pb2.ImagePreprocessing = CLASSIFIERS[self.name].module.preprocessing(side)
        return said

    def __str__(self) -> str:
        """Name it."""
        return self.name


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

    def module(self) -> nn.Module:
        """Make it."""
        return LayerChain(self.layers)

    def preprocessing(self, side: int) -> image_pb2.ImagePreprocessing:
        """Say how a picture becomes its input: numbers in 0 ... 1."""
        return Pictures(self.channels, side).preprocessing

    def __str__(self) -> str:
        """Say it layer by layer."""
        return "; ".join(map(str, self.layers))


Trunk = ClassifierTrunk | SmallTrunk


def read_trunk(state: Mapping[str, Tensor], prefix: str) -> Trunk:
    """Read which trunk has keys with this prefix, such as "encoder.trunk.".

    Raises:
        CheckpointError: it is none of these.
    """
    own = {key.removeprefix(prefix): tensor for key, tensor in state.items() if key.startswith(prefix)}
    name = classifier_of(own)
    if name is not None:
        return ClassifierTrunk(name, CLASSIFIERS[name].module.read_config(own))
    layers = read_layers(own, Kind.DOWN) or SmallTrunk().layers
    stray = [layer for layer in layers if layer.kind not in (Kind.DOWN, Kind.NORM)]
    if stray:
        raise CheckpointError(
            f"{prefix}{stray[0].name} is a {stray[0].kind}: a trunk has convolutions and batch normalization alone, or "
            f"is one of the classifiers {', '.join(CLASSIFIERS)} without its linear layers"
        )
    return SmallTrunk(layers)
