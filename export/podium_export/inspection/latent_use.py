"""Measures which dimensions of a latent space a variational autoencoder uses, over a folder of pictures.

Shapes: N pictures, D dimensions, K choices.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from podium.v1 import model_manifest_pb2 as pb

from podium_export.encoding.encoder import Encoder, Posterior
from podium_export.encoding.picture_folder import pictures_of
from podium_export.errors import OptionError
from podium_export.inspection.opened import Opened

IN_USE_NATS = 0.01
"""A dimension that tells less than this of a picture, on average, is not in use."""


@dataclass(frozen=True, slots=True)
class Use:
    """How much one dimension, or one one-hot part, tells of a picture.

    Attributes:
        dimensions: which.
        kl_nats: the mean divergence of the posterior from the prior, 0 or more.
    """

    dimensions: range
    kl_nats: float

    @property
    def in_use(self) -> bool:
        """Whether it tells anything."""
        return self.kl_nats >= IN_USE_NATS


@dataclass(frozen=True, slots=True)
class LatentUse:
    """How a latent space is used.

    Attributes:
        uses: of every dimension, the most used first.
        num_pictures: how many pictures it was measured on.
    """

    uses: Sequence[Use]
    num_pictures: int


def latent_use(
    package: Opened, folder: Path, class_name: str | None = None, watch: Callable[[str], None] = lambda _: None
) -> LatentUse:
    """Encode a folder of pictures and measure each dimension.

    Args:
        package: of a variational autoencoder.
        folder: the pictures.
        class_name: what every picture shows, for an encoder that is told.
        watch: told how far it is.

    Raises:
        ExportError: the package has no encoder that gives a variance, or a picture cannot be read.
    """
    encoder = Encoder(package, class_name)
    assert package.manifest is not None
    if not encoder.is_variational:
        raise OptionError(f"--kl: the encoder of {package.title} gives no variance; a variational autoencoder's does")
    files = pictures_of(folder, "--kl")
    uses = part_uses(encoder.encode(files, watch), package.manifest.latent_space.parts)
    return LatentUse(sorted(uses, key=lambda use: use.kl_nats, reverse=True), len(files))


def part_uses(posterior: Posterior, parts: Sequence[pb.LatentPart]) -> Iterator[Use]:
    """Measure the dimensions of each part in their order, a one-hot part as a whole.

    Normal parts: ½ (μ² + σ² − 1 − ln σ²), Kingma and Welling, arXiv:1312.6114, appendix B. One-hot parts, whose
    mean holds probabilities q: Σ q ln(K q), Dupont, arXiv:1804.00104, section 3.2.
    """
    assert posterior.log_variance is not None
    start = 0
    for part in parts:
        place = slice(start, start + part.size)
        mean, log_variance = posterior.mean[:, place], posterior.log_variance[:, place]
        if part.WhichOneof("prior") == "one_hot":
            yield Use(range(place.start, place.stop), _choice_nats(mean))
        else:
            nats_by_dimension = 0.5 * (mean**2 + np.expm1(log_variance) - log_variance).mean(axis=0)
            yield from (Use(range(start + d, start + d + 1), float(nats)) for d, nats in enumerate(nats_by_dimension))
        start = place.stop


def _choice_nats(q: NDArray[np.float64]) -> float:
    """Give the mean divergence of probabilities (N, K) from all being equal."""
    tiny = np.finfo(np.float64).tiny
    logarithm = np.log(np.maximum(q, tiny) * q.shape[1])
    return float((q * logarithm).sum(axis=1).mean())
