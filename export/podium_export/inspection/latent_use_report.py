"""Shows which dimensions of a latent space are in use, as bars and for programs."""

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from podium_export.inspection.latent_use import IN_USE_NATS, LatentUse, Use

_BAR_WIDTH = 40
_EIGHTHS = " ▏▎▍▌▋▊▉"


def use_report(use: LatentUse) -> RenderableType:
    """Draw a bar a dimension, the most used first; those not in use share a line."""
    used = [each for each in use.uses if each.in_use]
    table = Table(title="KL a dimension", title_justify="left", title_style="bold", box=None)
    table.add_column("dimension", justify="right")
    table.add_column("nats", justify="right")
    table.add_column("")
    for each in used:
        table.add_row(_dimensions(each), f"{each.kl_nats:.3f}", bar(each.kl_nats / used[0].kl_nats))
    return Group(table, *(Text(line) for line in _sentences(use, used)))


def bar(share: float, width: int = _BAR_WIDTH) -> str:
    """Draw a bar to the eighth of a character.

    Args:
        share: the part of the width, 0 ... 1.
        width: the longest bar, in characters.
    """
    whole, eighths = divmod(round(share * width * 8), 8)
    return ("█" * whole + _EIGHTHS[eighths]).rstrip()


def use_as_json(use: LatentUse) -> dict[str, Any]:
    """Give everything as what JSON holds, in the order of the dimensions."""
    return {
        "num_pictures": use.num_pictures,
        "kl_nats": sum(each.kl_nats for each in use.uses),
        "dimensions": [
            {"dimensions": list(each.dimensions), "kl_nats": each.kl_nats, "in_use": each.in_use}
            for each in sorted(use.uses, key=lambda each: each.dimensions.start)
        ],
    }


def _sentences(use: LatentUse, used: list[Use]) -> Iterator[str]:
    unused = sorted((each for each in use.uses if not each.in_use), key=lambda each: each.dimensions.start)
    if unused:
        yield f"not in use (below {IN_USE_NATS} nats): {', '.join(_dimensions(each) for each in unused)}"
    total = sum(each.kl_nats for each in use.uses)
    num_used, num_all = (sum(len(each.dimensions) for each in some) for some in (used, use.uses))
    yield f"{num_used} of {num_all} dimensions in use; {total:.1f} nats an image, over {use.num_pictures:,} pictures"


def _dimensions(use: Use) -> str:
    first, last = use.dimensions[0], use.dimensions[-1]
    return str(first) if first == last else f"{first} … {last} (one-hot)"
