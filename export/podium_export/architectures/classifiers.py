"""The bundled classifiers of pictures, as what captioners and classifiers of clips see with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from podium_export.architectures import alexnet, efficientnet_lite0, lenet5, lenet5_32, resnet_cifar


@dataclass(frozen=True, slots=True)
class Classifier:
    """A classifier of pictures.

    Attributes:
        module: the file that defines it: `read_config`, `build`, `preprocessing`, `SIDE`.
        trunk: what comes before its linear layers, made of a config: pictures to features (B, C, H, W).
        last: its last linear layer.
        key: a key that its weights have, with linear layers or without, and no other's here.
        behind: what comes after the last layer.
    """

    module: Any
    trunk: Any
    last: str
    key: str
    behind: str = ""


CLASSIFIERS: Mapping[str, Classifier] = MappingProxyType(
    {
        "lenet5": Classifier(lenet5, lenet5.LeNet5Trunk, "fc2", "conv2.weight"),
        "lenet5-32": Classifier(
            lenet5_32, lenet5_32.LeNet5At32Trunk, "fc.f7", "convnet.c1.weight", behind="fc.log_softmax"
        ),
        "alexnet": Classifier(alexnet, alexnet.AlexNetTrunk, "classifier.6", "features.10.weight"),
        "resnet20-cifar": Classifier(resnet_cifar, resnet_cifar.ResNetCifarTrunk, "linear", "layer1.0.conv1.weight"),
        "efficientnet-lite0": Classifier(
            efficientnet_lite0, efficientnet_lite0.EfficientNetLite0Trunk, "_fc", "_conv_stem.weight"
        ),
    }
)
"""All of them by name."""


def classifier_of(keys: Iterable[str]) -> str | None:
    """Tell whose weights have these keys; None: nobody's here."""
    own = set(keys)
    return next((name for name, known in CLASSIFIERS.items() if known.key in own), None)
