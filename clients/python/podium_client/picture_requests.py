"""What the calls of latent space ask, as messages; what can be seen to be wrong is refused here, by field."""

import asyncio
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, cast

import numpy as np
from podium.v1 import image_service_pb2

from podium_client.arguments import whole
from podium_client.errors import InvalidArgumentError
from podium_client.images import ImageLike, encode_image, encodes_at_once
from podium_client.tensors import Array

ClassLike: TypeAlias = int | str
"""A class by its index, 0 or more, or by its name."""

PictureOrLatent: TypeAlias = ImageLike
"""A picture as everywhere; or a latent: a vector, an array of floats with one axis."""

Path: TypeAlias = Literal["linear", "spherical"]
"""How the way between two latents is divided."""

_PATH_BY_NAME = {
    None: image_service_pb2.INTERPOLATION_PATH_UNSPECIFIED,
    "linear": image_service_pb2.INTERPOLATION_PATH_LINEAR,
    "spherical": image_service_pb2.INTERPOLATION_PATH_SPHERICAL,
}


def picture_format(*, raw: bool) -> image_service_pb2.PictureFormat:
    """Name the form in which pictures come back."""
    return image_service_pb2.PICTURE_FORMAT_TENSOR if raw else image_service_pb2.PICTURE_FORMAT_PNG


def interpolation_path(path: Path | None) -> image_service_pb2.InterpolationPath:
    """Name how the way is divided.

    Raises:
        InvalidArgumentError: there is no such path.
    """
    if path not in _PATH_BY_NAME:
        raise InvalidArgumentError(f"path: {path!r}; give 'linear' or 'spherical'", field="path")
    return _PATH_BY_NAME[path]


def class_condition(condition: ClassLike | None) -> image_service_pb2.ClassCondition | None:
    """Write which class is asked for.

    Raises:
        InvalidArgumentError: it is neither an index nor a name.
    """
    if condition is None:
        return None
    if isinstance(condition, str):
        return image_service_pb2.ClassCondition(name=condition)
    return image_service_pb2.ClassCondition(index=whole(condition, "condition", 0))


def interval(low: float | None, high: float | None) -> tuple[float, float]:
    """Complete an interval by its middle, 0; both 0, which is the server's own choice, where neither end is given.

    Raises:
        InvalidArgumentError: it is empty.
    """
    if low is None and high is None:
        return 0.0, 0.0
    lowest = -cast("float", high) if low is None else low
    highest = -lowest if high is None else high
    if not lowest < highest:
        raise InvalidArgumentError(f"low: {lowest}; it must be below high, which is {highest}", field="low")
    return lowest, highest


def latent_messages(latents: Array | Sequence[Array]) -> list[image_service_pb2.Latent]:
    """Write one latent, (D,), or several, (N, D) or a list of vectors.

    Raises:
        InvalidArgumentError: they are no vectors of numbers.
    """
    if np.ndim(latents) == 0 or (isinstance(latents, np.ndarray) and latents.ndim == 1):
        return [_latent(latents, "latents")]
    if not len(latents):
        raise InvalidArgumentError("latents: none; give at least one vector", field="latents")
    return [_latent(latent, f"latents[{index}]") for index, latent in enumerate(latents)]


def split_sources(sources: PictureOrLatent | Sequence[PictureOrLatent]) -> list[PictureOrLatent]:
    """List what is edited: one source, several, or the rows of an array of latents (N, D).

    Raises:
        InvalidArgumentError: there are none.
    """
    several = isinstance(sources, Sequence) and not isinstance(sources, str | bytes)
    rows = isinstance(sources, np.ndarray) and sources.dtype.kind == "f" and sources.ndim == 2
    split = cast("list[PictureOrLatent]", list(cast("Any", sources)) if several or rows else [sources])
    if not split:
        raise InvalidArgumentError("sources: none; give at least one picture or latent", field="sources")
    return split


async def source_messages(
    sources: Sequence[PictureOrLatent], fields: Sequence[str]
) -> list[image_service_pb2.PictureOrLatent]:
    """Write pictures and latents, each with its name in error messages, without holding up the event loop.

    Raises:
        InvalidArgumentError: one of them is neither.
        OSError: a file cannot be read.
    """

    def write() -> list[image_service_pb2.PictureOrLatent]:
        return [_source(source, field) for source, field in zip(sources, fields, strict=True)]

    return write() if encodes_at_once(sources) else await asyncio.to_thread(write)


def _source(source: PictureOrLatent, field: str) -> image_service_pb2.PictureOrLatent:
    if isinstance(source, np.ndarray) and source.ndim == 1:
        return image_service_pb2.PictureOrLatent(latent=_latent(source, field))
    return image_service_pb2.PictureOrLatent(image=encode_image(source, field))


def _latent(values: object, field: str) -> image_service_pb2.Latent:
    try:
        vector = np.asarray(cast("Any", values), np.float32)
    except (TypeError, ValueError):
        vector = np.empty((0, 0), np.float32)
    if vector.ndim != 1 or not vector.size:
        raise InvalidArgumentError(
            f"{field}: a {type(values).__name__} of shape {vector.shape}; a latent is a vector of numbers, "
            "one a dimension",
            field=field,
        )
    return image_service_pb2.Latent(values=vector)
