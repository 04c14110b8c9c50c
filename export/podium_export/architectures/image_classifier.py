"""What the bundled classifiers have in common: one picture in, one score a class out."""

from collections.abc import Mapping, Sequence

from podium.v1 import image_pb2, model_manifest_pb2
from torch import nn

from podium_export.architecture import Blueprint, ConfigValue, GraphBlueprint, InputSpec

DIGITS = tuple("0123456789")

CIFAR10 = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)  # in the order of the data set's batches.meta

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def image_classifier(
    network: nn.Module,
    *,
    preprocessing: image_pb2.ImagePreprocessing,
    description: str,
    config: Mapping[str, ConfigValue],
    labels: Sequence[str],
    output: str = "logits",
) -> Blueprint:
    """Describe a classifier with one graph, input `image` (batch, channel, height, width), one output.

    Args:
        network: maps a batch of preprocessed pictures to (batch, class) logits or log-probabilities.
        preprocessing: from a picture to one row of the input.
        description: a sentence for people.
        config: the network's hyper-parameters.
        labels: one name a class, or none.
        output: the output's name.
    """
    channels = 1 if preprocessing.color_mode == image_pb2.COLOR_MODE_GRAY else 3
    shape = ("batch", channels, preprocessing.height, preprocessing.width)
    return Blueprint(
        graphs=(GraphBlueprint(network, (InputSpec("image", "float32", shape),), (output,)),),
        task=model_manifest_pb2.TASK_IMAGE_CLASSIFICATION,
        description=description,
        config=config,
        image_preprocessing=preprocessing,
        score_kind=model_manifest_pb2.SCORE_KIND_LOGITS,
        labels=tuple(labels),
    )
