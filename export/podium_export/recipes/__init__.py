"""The bundled models: how each is made, one file each.

Listing them loads neither PyTorch nor any data.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from podium_export.assembling import Published
    from podium_export.package import Destination
    from podium_export.progress import Progress


class _Definition(Protocol):
    """What a recipe's file must define."""

    def make(self, destination: "Destination", progress: "Progress") -> "Published": ...


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one bundled model is made.

    Attributes:
        name: the model's name in the repository.
        summary: one line for people.
        module: the file in this folder that defines `make`.
        versions: the versions that belong to the bundle.
    """

    name: str
    summary: str
    module: str
    versions: tuple[int, ...] = (1,)

    def make(self, destination: "Destination", progress: "Progress") -> "Published":
        """Make and publish one version.

        Raises:
            ExportError: what stopped it; nothing is published then.
        """
        definition = cast("_Definition", import_module(f"{__name__}.{self.module}"))
        return definition.make(destination, progress)


_BUNDLED = (
    Recipe("digits", "LeNet-5, trained here on 4,000 handwritten digits", "digits"),
    Recipe("efficientnet-lite0", "EfficientNet-Lite0: photos, 1,000 classes", "efficientnet_lite0"),
    Recipe("digits-vae", "Variational autoencoder of handwritten digits", "digits_vae"),
    Recipe("digits-gan", "GAN: handwritten digits of the class that is asked for", "digits_gan"),
    Recipe("denoiser", "Denoising autoencoder of handwritten digits", "denoiser"),
    Recipe("faces", "DCGAN: faces in colour", "faces"),
    Recipe("spirals", "Latent ODE: spirals seen at irregular times, and how they go on", "spirals"),
    Recipe("shakespeare", "Character LSTM of plays: four versions from noise to verse", "shakespeare", (1, 2, 3, 4)),
    Recipe("captioner", "Captioner with attention: emoji, whoever drew them, to their names", "captioner"),
    Recipe("translator", "Seq2seq with attention: English words from spelling to pronunciation", "translator"),
    Recipe("motion", "Convolutions and a GRU: which digit moves which way, frame by frame", "motion"),
)

RECIPES: Mapping[str, Recipe] = MappingProxyType({recipe.name: recipe for recipe in _BUNDLED})
"""Every bundled model by its name in the repository."""
