"""Named directions of a latent space of digits, from labels that the pictures give themselves.

Within each class the third with most of a property is compared with the third with least of it: both then hold every
class alike, and the direction changes the property rather than the digit. A 1 has less ink than a 0, however bold.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from podium.v1 import model_manifest_pb2 as pb
from torch import Tensor

from podium_export.architectures.vae import VAE
from podium_export.directions.direction import Examples
from podium_export.directions.named import named_direction
from podium_export.recipes.digit_training import NUM_CLASSES, Digits
from podium_export.recipes.handwriting import lean, stroke_width
from podium_export.recipes.reproducible import reproducible

PROPERTIES: Mapping[str, Callable[[Tensor], Tensor]] = MappingProxyType({"bold": stroke_width, "slant": lean})
"""What each direction increases: a measure (B,) of pictures (B, 1, 28, 28)."""

METHOD = "linear-classifier"
"""Told held-out digits apart a little better than the difference of the means, for both properties."""


def digit_directions(network: VAE, learned: Digits, held_out: Digits) -> list[pb.LatentDirection]:
    """Find one direction a property; the same digits, network and PyTorch give the same ones.

    Args:
        network: whose latent space it is.
        learned: what directions are found from.
        held_out: what they are measured on.
    """
    with reproducible(0), torch.inference_mode():
        return [
            named_direction(name, METHOD, *(_examples(network, digits, measure) for digits in (learned, held_out)))[0]
            for name, measure in PROPERTIES.items()
        ]


def _examples(network: VAE, digits: Digits, measure: Callable[[Tensor], Tensor]) -> Examples:
    """Encode the upper and the lower third of each class."""
    most, least = thirds(measure(digits.images), digits.labels)
    latents, _ = network.encode(digits.images)
    return Examples(latents[most].double().numpy(), latents[least].double().numpy())


def thirds(values: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Give the places of the third of each class with the largest values, and of that with the smallest."""
    most: list[Tensor] = []
    least: list[Tensor] = []
    for label in range(NUM_CLASSES):
        places = (labels == label).nonzero().flatten()
        places = places[values[places].argsort(stable=True)]
        size = len(places) // 3
        most.append(places[len(places) - size :])
        least.append(places[:size])
    return torch.cat(most), torch.cat(least)
