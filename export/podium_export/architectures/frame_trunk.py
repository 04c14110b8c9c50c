"""What a classifier of clips sees one frame with: a bundled classifier without its last layer, or layers in a row.

Shapes: B batch, C channels, H height, W width, F features.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from podium.v1 import image_pb2
from torch import Tensor, nn

from podium_export.architectures.classifiers import CLASSIFIERS, classifier_of
from podium_export.architectures.latent_model import Pictures
from podium_export.architectures.layer_chain import LayerChain
from podium_export.architectures.layers import Kind, Layer, read_layers
from podium_export.errors import CheckpointError


@dataclass(frozen=True, slots=True)
class FrameTrunk:
    """Maps pictures (B, C, H, W) to features (B, F), which ReLU follows: behind a classifier's it changes nothing.

    Attributes:
        kind: the classifier's name, or the layers in words.
        module: what maps them.
        num_features: F.
        preprocessing: from a frame's picture to the input.
    """

    kind: str
    module: nn.Module
    num_features: int
    preprocessing: image_pb2.ImagePreprocessing

    @property
    def shape(self) -> tuple[int, int, int]:
        """The axes of a picture: channels, height, width."""
        channels = 1 if self.preprocessing.color_mode == image_pb2.COLOR_MODE_GRAY else 3
        return channels, self.preprocessing.height, self.preprocessing.width


def read_trunk(state: Mapping[str, Tensor], prefix: str) -> FrameTrunk:
    """Build the trunk whose keys have this prefix.

    Raises:
        CheckpointError: it is none of these.
    """
    own = {key.removeprefix(prefix): tensor for key, tensor in state.items() if key.startswith(prefix)}
    name = classifier_of(own)
    return chain_trunk(read_layers(own, Kind.DOWN)) if name is None else _classifier_trunk(name, own)


def chain_trunk(layers: tuple[Layer, ...]) -> FrameTrunk:
    """Put layers in a row: convolutions that halve a small picture, then linear ones, with ReLU between them.

    Raises:
        CheckpointError: there are no such layers.
    """
    convolutions = [layer for layer in layers if layer.kind is Kind.DOWN]
    if not convolutions or layers[-1].kind is not Kind.LINEAR:
        raise CheckpointError(
            "trunk: needs convolutions and then a linear layer, or the layers of one of the classifiers "
            f"{', '.join(CLASSIFIERS)} but for the last"
        )
    flat = next(layer for layer in layers if layer.kind is Kind.LINEAR).size_in
    side = math.isqrt(flat // convolutions[-1].size_out) << len(convolutions)
    preprocessing = Pictures(convolutions[0].size_in, side).preprocessing
    return FrameTrunk("; ".join(map(str, layers)), LayerChain(layers), layers[-1].size_out, preprocessing)


def _classifier_trunk(name: str, state: Mapping[str, Tensor]) -> FrameTrunk:
    """Take a classifier's last layer away; the others keep their keys."""
    known = CLASSIFIERS[name]
    network: nn.Module = known.module.build(state)
    last = network.get_submodule(known.last)
    assert isinstance(last, nn.Linear)
    for layer in filter(None, (known.last, known.behind)):
        network.set_submodule(layer, nn.Identity())
    return FrameTrunk(name, network, last.in_features, known.module.preprocessing())
