"""Says what direction was found, how well it separates, and how to use it."""

import math
from typing import Any

from rich.console import Console

from podium_export.directions.finding import Found

_HARDLY = 0.6


def report(found: Found, console: Console | None = None) -> None:
    """Print the summary."""
    console = console or Console()
    parts, direction = found.separation, found.direction
    console.print(
        f'"{direction.name}" ({direction.method.replace("_", " ")}) puts {100 * parts.accuracy:.1f} % of '
        f"{parts.num_examples:,} held-out pictures on the right side: {parts.right_positive:,} of "
        f"{parts.num_positive:,} with it, {parts.right_negative:,} of {parts.num_negative:,} without",
        **_PLAIN,
    )
    if parts.accuracy < _HARDLY:
        console.print("That is hardly better than chance: the model may not see the property.", style="yellow")
    console.print(f"Published {found.path}, a copy of {found.source.title}", **_PLAIN)
    console.print(f'Use it: podium edit {found.path.parent.name} PICTURE --direction "{direction.name}"', **_PLAIN)


def as_json(found: Found) -> dict[str, Any]:
    """Give everything as what JSON holds."""
    direction, parts = found.direction, found.separation
    return {
        "path": str(found.path),
        "name": direction.name,
        "method": direction.method,
        "length": math.hypot(*direction.values),
        "held_out_accuracy": parts.accuracy,
        "num_held_out": parts.num_examples,
        "positive": {"num_held_out": parts.num_positive, "num_right": parts.right_positive},
        "negative": {"num_held_out": parts.num_negative, "num_right": parts.right_negative},
    }


_PLAIN: dict[str, Any] = {"soft_wrap": True, "highlight": False, "markup": False}
