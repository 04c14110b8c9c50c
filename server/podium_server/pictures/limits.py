"""How much a call of the image service may ask for, in words that say what would be right."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from podium_server.errors import InvalidArgument

MAX_PICTURES = 1024
MAX_STREAMED_PICTURES = 1_000_000
MAX_TRAVERSED = 64
DEFAULT_STEPS = 8
MAX_REACH = 1000  # standard deviations, or lengths of a direction


def check_count(field: str, things: str, count: int, limit: int) -> None:
    """Refuse a list that is empty or too long."""
    if not 1 <= count <= limit:
        raise InvalidArgument(f"{field}: has {count} {things}; a call must have 1 … {limit:,}", field)


def steps_or_default(steps: int, limit: int) -> int:
    """Read a number of steps: 2 … limit, or 0 for the usual."""
    if steps and not 2 <= steps <= limit:
        raise InvalidArgument(f"steps: is {steps}; it must be 2 … {limit}, or 0 for {DEFAULT_STEPS}", "steps")
    return steps or DEFAULT_STEPS


def check_reach(field: str, values: Sequence[float]) -> None:
    """Refuse steps through latent space that are no numbers, or lead where no model knows its way."""
    for i, value in enumerate(values):
        check_one_reach(f"{field}[{i}]", value)


def check_one_reach(field: str, value: float) -> None:
    """Refuse one step as `check_reach` does."""
    if not abs(value) <= MAX_REACH:
        raise InvalidArgument(f"{field}: is {value}; it must be -{MAX_REACH} … {MAX_REACH}", field)


def single(points: NDArray[np.float64]) -> NDArray[np.float32]:
    """Round points of latent space to what decoders read; what is too large becomes infinite, without a warning."""
    with np.errstate(over="ignore"):
        return points.astype(np.float32)
