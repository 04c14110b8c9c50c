"""The latent space of one model, compiled from its manifest: size, prior, classes, named directions.

Shapes: N latents, D dimensions.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from podium.v1 import image_service_pb2 as wire
from podium.v1 import model_manifest_pb2 as pb

from podium_server.errors import InvalidArgument
from podium_server.pictures.classes import Classes
from podium_server.pictures.prior import Prior, set_one_hot


class LatentSpace:
    """What a decoder reads.

    Attributes:
        size: D.
        prior: what latents are drawn from; without parts where the model has no prior.
        classes: of a conditional model; None for others.
        directions: (D,) by name.
    """

    def __init__(self, spec: pb.LatentSpace, size: int | None, *, takes_label: bool) -> None:
        """Compile a manifest's latent space.

        Args:
            spec: what the manifest says.
            size: D as the graphs say; None where they leave it open.
            takes_label: whether a graph takes the class as an integer.

        Raises:
            ValueError: it does not add up; the message begins with the field.
        """
        self.prior = Prior(spec.parts)
        if size is not None and spec.parts and self.prior.size != size:
            sizes = " + ".join(str(part.size) for part in spec.parts)
            raise ValueError(f"parts have {sizes} dimensions; the graphs' latents have {size}")
        if size is None and not spec.parts:
            raise ValueError("parts is empty, and the graphs leave the number of dimensions open")
        self.size = self.prior.size if size is None else size
        self.classes = _classes(spec.class_names, self.prior, takes_label=takes_label)
        self.directions = _directions(spec.directions, self.size)

    @property
    def has_prior(self) -> bool:
        """Whether latents can be drawn."""
        return bool(self.prior.parts)

    @property
    def center(self) -> NDArray[np.float64]:
        """The middle of each dimension's values, (D,)."""
        return self.prior.center if self.has_prior else np.zeros(self.size)

    @property
    def deviation(self) -> NDArray[np.float64]:
        """The standard deviation of each dimension, (D,); 1 where there is no prior."""
        return self.prior.deviation if self.has_prior else np.ones(self.size)

    def read(self, latent: wire.Latent, field: str) -> NDArray[np.float32]:
        """Read a latent from a request: (D,).

        Raises:
            InvalidArgument: it has another length, or a number that is not finite.
        """
        values = np.array(latent.values, np.float32)
        if len(values) != self.size:
            message = f"{field}.values: has {len(values)} numbers; this model's latents have {self.size}"
            raise InvalidArgument(message, f"{field}.values")
        finite = np.isfinite(values)
        if not finite.all():
            worst = f"{field}.values[{int(np.argmin(finite))}]"
            raise InvalidArgument(f"{worst}: is {values[np.argmin(finite)]}; it must be a finite number", worst)
        return values

    def with_classes(self, latents: NDArray[np.float32], classes: NDArray[np.int64] | None) -> NDArray[np.float32]:
        """Write the classes that are asked for into the one-hot part, if there is one: (N, D)."""
        part = self.prior.one_hot
        if part is None or classes is None:
            return latents
        latents = latents.copy()
        set_one_hot(latents[:, part.dimensions], classes)
        return latents


def _classes(names: Sequence[str], prior: Prior, *, takes_label: bool) -> Classes | None:
    part = prior.one_hot
    if len(set(names)) != len(names):
        raise ValueError("class_names has a name twice")
    if part is not None:
        if names and len(names) != part.size:
            raise ValueError(f"class_names has {len(names)} names; the one-hot part has {part.size} dimensions")
        return Classes(part.size, names)
    if takes_label:
        if not names:
            raise ValueError("class_names is empty; a model with the input 'label' has one name a class")
        return Classes(len(names), names)
    if names:
        raise ValueError("class_names is given; the model has neither a one-hot part nor an input 'label'")
    return None


def _directions(directions: Sequence[pb.LatentDirection], size: int) -> Mapping[str, NDArray[np.float64]]:
    compiled: dict[str, NDArray[np.float64]] = {}
    for i, direction in enumerate(directions):
        if not direction.name or direction.name in compiled:
            raise ValueError(f"directions[{i}].name is {direction.name!r}; each direction needs a name of its own")
        if len(direction.values) != size or not all(map(math.isfinite, direction.values)):
            raise ValueError(f"directions[{i}].values must be {size} finite numbers; it has {len(direction.values)}")
        compiled[direction.name] = np.array(direction.values, np.float64)
    return compiled
