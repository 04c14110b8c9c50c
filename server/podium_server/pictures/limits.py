"""How much a call of the image service may ask for, in words that say what would be right."""

import math
from collections.abc import Sequence

from podium_server.errors import InvalidArgument

MAX_PICTURES = 1024
MAX_STREAMED_PICTURES = 1_000_000
MAX_TRAVERSED = 64
DEFAULT_STEPS = 8


def check_count(field: str, things: str, count: int, limit: int) -> None:
    """Refuse a list that is empty or too long."""
    if not 1 <= count <= limit:
        raise InvalidArgument(f"{field}: has {count} {things}; a call must have 1 … {limit:,}", field)


def steps_or_default(steps: int, limit: int) -> int:
    """Read a number of steps: 2 … limit, or 0 for the usual."""
    if steps and not 2 <= steps <= limit:
        raise InvalidArgument(f"steps: is {steps}; it must be 2 … {limit}, or 0 for {DEFAULT_STEPS}", "steps")
    return steps or DEFAULT_STEPS


def check_finite(field: str, values: Sequence[float]) -> None:
    """Refuse numbers that are infinite or none."""
    for i, value in enumerate(values):
        if not math.isfinite(value):
            raise InvalidArgument(f"{field}[{i}]: is {value}; it must be a finite number", f"{field}[{i}]")
