"""What a call to traverse asks for: which dimensions, and the values that each takes."""

import math

import numpy as np
from numpy.typing import NDArray
from podium.v1 import image_service_pb2 as wire

from podium_server.errors import InvalidArgument
from podium_server.pictures.latent_space import LatentSpace
from podium_server.pictures.limits import MAX_TRAVERSED, check_one_reach, steps_or_default

_NORMAL_REACH = 3.0


def dimensions_of(request: wire.TraverseRequest, space: LatentSpace) -> list[int]:
    """The dimensions that are varied: those asked for, or the first 64 that belong to no one-hot part.

    Raises:
        InvalidArgument: one is out of range or one-hot, or they are too many.
    """
    one_hot = {d for part in space.prior.parts if part.kind == "one_hot" for d in _range(part.dimensions)}
    if not request.dimensions:
        return [d for d in range(space.size) if d not in one_hot][:MAX_TRAVERSED]
    if len(request.dimensions) > MAX_TRAVERSED:
        message = f"dimensions: has {len(request.dimensions)}; a call traverses at most {MAX_TRAVERSED}"
        raise InvalidArgument(message, "dimensions")
    for i, dimension in enumerate(request.dimensions):
        field = f"dimensions[{i}]"
        if dimension >= space.size:
            last = space.size - 1
            raise InvalidArgument(f"{field}: is {dimension}; this model's dimensions are 0 … {last}", field)
        if dimension in one_hot:
            message = f"{field}: {dimension} is one of a one-hot part, which class_condition drives; it is not varied"
            raise InvalidArgument(message, field)
    return list(request.dimensions)


def values_of(request: wire.TraverseRequest, space: LatentSpace, dimension: int) -> NDArray[np.float64]:
    """The values that a dimension takes: so many standard deviations from the middle of its prior.

    By default a uniform dimension goes from bound to bound, which is √3 standard deviations to each side.

    Raises:
        InvalidArgument: the range is none.
    """
    steps, low, high = steps_or_default(request.steps, MAX_TRAVERSED), request.low, request.high
    for field, value in (("low", low), ("high", high)):
        check_one_reach(field, value)
    if low == high == 0.0:
        uniform = space.has_prior and space.prior.part_of(dimension).kind == "uniform"
        high = math.sqrt(3.0) if uniform else _NORMAL_REACH
        low = -high
    if low >= high:
        raise InvalidArgument(f"high: is {high}; it must be above low, which is {low}", "high")
    values: NDArray[np.float64] = space.center[dimension] + np.linspace(low, high, steps) * space.deviation[dimension]
    return values


def _range(dimensions: slice) -> range:
    return range(dimensions.start, dimensions.stop)
