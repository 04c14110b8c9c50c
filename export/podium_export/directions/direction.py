"""Finds a direction between two sets of latents, and measures how well it separates others.

Shapes: N latents, D dimensions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from podium_export.directions.linear_classifier import linear_classifier

Latents = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Examples:
    """Latents of pictures with a property and without it.

    Attributes:
        positive: (N, D).
        negative: (N, D), of another N.
    """

    positive: Latents
    negative: Latents


@dataclass(frozen=True, slots=True)
class Separation:
    """On which side of a direction's middle held-out examples lie.

    Attributes:
        num_positive: examples with the property.
        num_negative: those without.
        right_positive: those of the first on the far side.
        right_negative: those of the second on the near side.
    """

    num_positive: int
    num_negative: int
    right_positive: int
    right_negative: int

    @property
    def num_examples(self) -> int:
        """Both together."""
        return self.num_positive + self.num_negative

    @property
    def accuracy(self) -> float:
        """The part that lies on its side."""
        return (self.right_positive + self.right_negative) / self.num_examples


def difference_of_means(learned: Examples) -> Latents:
    """Give the way (D,) from the mean of the negative examples to that of the positive ones."""
    way: Latents = learned.positive.mean(axis=0) - learned.negative.mean(axis=0)
    return way


def classifier_normal(learned: Examples) -> Latents:
    """Give the normal (D,) of a linear classifier, as long as the means are apart along it.

    So a strength of 1 leads from the plane through the one mean to that through the other.
    """
    normal = linear_classifier(learned.positive, learned.negative)
    length = float(np.linalg.norm(normal))
    if length == 0:
        return normal
    unit = normal / length
    return unit * float(unit @ difference_of_means(learned))


METHODS: Mapping[str, Callable[[Examples], Latents]] = MappingProxyType(
    {"difference-of-means": difference_of_means, "linear-classifier": classifier_normal}
)
"""--method."""


def separation(direction: Latents, learned: Examples, held_out: Examples) -> Separation:
    """Count the held-out examples that lie on their side of the middle between the learned ones' means."""
    middle = float((learned.positive.mean(axis=0) + learned.negative.mean(axis=0)) @ direction) / 2
    return Separation(
        len(held_out.positive),
        len(held_out.negative),
        int((held_out.positive @ direction > middle).sum()),
        int((held_out.negative @ direction < middle).sum()),
    )


def split(examples: Examples) -> tuple[Examples, Examples]:
    """Divide examples into learned and held-out ones: a third of each kind, the same every time."""
    positive, negative = _split(examples.positive), _split(examples.negative)
    return Examples(positive[0], negative[0]), Examples(positive[1], negative[1])


def _split(latents: Latents) -> tuple[Latents, Latents]:
    """Hold out a third, drawn with a fixed seed: neighbours in a folder are often of one kind."""
    order = np.random.default_rng(0).permutation(len(latents))
    num_held_out = len(latents) // 3
    return latents[order[num_held_out:]], latents[order[:num_held_out]]
