"""The distribution that latents are drawn from, compiled from a manifest's parts.

Shapes: N latents, D dimensions.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from podium.v1 import model_manifest_pb2 as pb

from podium_server.philox import normals, uniforms


@dataclass(frozen=True, slots=True)
class Variety:
    """How varied draws from normal parts are.

    Attributes:
        temperature: their standard deviation, above 0.
        truncation: draws farther than this many standard deviations from 0 are drawn again; None: never.
    """

    temperature: float = 1.0
    truncation: float | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Neighbouring dimensions that share a prior.

    Attributes:
        dimensions: which.
        kind: "normal", "uniform" or "one_hot".
        low, high: the bounds of a uniform one.
    """

    dimensions: slice
    kind: str
    low: float = 0.0
    high: float = 1.0

    @property
    def size(self) -> int:
        """How many dimensions."""
        return int(self.dimensions.stop - self.dimensions.start)

    @property
    def center(self) -> float:
        """The middle of each dimension's values."""
        return (self.low + self.high) / 2 if self.kind == "uniform" else 0.0

    @property
    def deviation(self) -> float:
        """The standard deviation of each dimension."""
        return (self.high - self.low) / math.sqrt(12) if self.kind == "uniform" else 1.0


class Prior:
    """Draws latents, each from the seed and its index alone.

    Part p of a latent comes from stream p of `podium_server.philox`. A one-hot part is 1 at the class asked for; a
    second one at floor(size · u) with u uniform.

    Attributes:
        parts: the parts in order.
        size: D.
    """

    def __init__(self, parts: Sequence[pb.LatentPart]) -> None:
        """Compile a manifest's parts.

        Raises:
            ValueError: one is wrong; the message begins with the field.
        """
        compiled: list[Part] = []
        start = 0
        for i, spec in enumerate(parts):
            compiled.append(_compile(spec, f"parts[{i}]", start))
            start += spec.size
        self.parts = tuple(compiled)
        self.size = start
        self._one_hots = [part for part in compiled if part.kind == "one_hot"]
        self.normal = np.zeros(self.size, np.bool_)
        self.center, self.deviation = np.zeros(self.size), np.ones(self.size)
        for part in compiled:
            self.normal[part.dimensions] = part.kind == "normal"
            self.center[part.dimensions] = part.center
            self.deviation[part.dimensions] = part.deviation

    @property
    def one_hot(self) -> Part | None:
        """The part that a class condition drives: the first one-hot one."""
        return self._one_hots[0] if self._one_hots else None

    def part_of(self, dimension: int) -> Part:
        """The part that a dimension belongs to."""
        return next(part for part in self.parts if dimension < part.dimensions.stop)

    def draw(
        self, seed: int, index: NDArray[np.uint64], variety: Variety, classes: NDArray[np.int64] | None
    ) -> NDArray[np.float32]:
        """Draw latents.

        Args:
            seed: 0 … 2^64 - 1.
            index: each latent's index, (N,).
            variety: how varied normal parts are.
            classes: each latent's class, (N,); None for models without classes.

        Returns:
            (N, D).
        """
        latents = np.empty((len(index), self.size), np.float32)
        for stream, part in enumerate(self.parts):
            columns = latents[:, part.dimensions]
            if part.kind == "normal":
                drawn = normals(seed, stream, index, part.size, within=variety.truncation)
                columns[...] = drawn * variety.temperature
            elif part.kind == "uniform":
                drawn = part.low + uniforms(seed, stream, index, part.size) * (part.high - part.low)
                # Rounding to single precision may reach the upper bound, which is not included.
                columns[...] = np.minimum(drawn.astype(np.float32), _below(part.high))
            elif part is self.one_hot and classes is not None:
                set_one_hot(columns, classes)
            else:
                set_one_hot(columns, (uniforms(seed, stream, index, 1)[:, 0] * part.size).astype(np.int64))
        return latents


def set_one_hot(columns: NDArray[np.float32], classes: NDArray[np.int64]) -> None:
    """Write a one-hot part in place: 1 at each row's class, else 0."""
    columns[...] = 0.0
    columns[np.arange(len(columns)), classes] = 1.0


def _below(high: float) -> np.float32:
    """The largest single-precision number below a bound."""
    nearest = np.float32(high)
    return nearest if float(nearest) < high else np.nextafter(nearest, np.float32(-np.inf))


def _compile(part: pb.LatentPart, field: str, start: int) -> Part:
    if part.size < 1:
        raise ValueError(f"{field}.size is 0; it must be 1 or more")
    kind = part.WhichOneof("prior")
    if kind is None:
        raise ValueError(f"{field} has no prior; it must have normal, uniform or one_hot")
    dimensions = slice(start, start + part.size)
    if kind != "uniform":
        return Part(dimensions, kind)
    low, high = part.uniform.low, part.uniform.high
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"{field}.uniform has the bounds {low} and {high}; low must be below high")
    return Part(dimensions, kind, low, high)
