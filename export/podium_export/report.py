"""Says what was published: where, how well it agrees, and how to serve it."""

import io
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from podium_export.assembling import Published
from podium_export.package import Destination
from podium_export.parity import Comparison


def report(published: Published, destination: Destination, console: Console | None = None) -> None:
    """Print the summary."""
    console = console or Console()
    reference = {"pytorch": "PyTorch", "onnxruntime": "ONNX Runtime without optimization"}
    console.print(parity_table(published.comparisons, reference[published.manifest.parity.reference]))
    console.print(f"Published {published.path}", soft_wrap=True, highlight=False)
    console.print(f"Serve it: podium serve {destination.repository}", soft_wrap=True, highlight=False)


def failure_table(comparisons: Sequence[Comparison]) -> str:
    """Write the table of a comparison that failed as text, what disagrees marked with !."""
    stream = io.StringIO()
    Console(file=stream, width=110).print(parity_table(comparisons, "the reference"))
    return stream.getvalue().rstrip()


def parity_table(comparisons: Sequence[Comparison], reference: str) -> Table:
    """Show the largest difference from the reference by output and size, over every kind of input."""
    kinds = list(dict.fromkeys(comparison.trial.kind for comparison in comparisons))
    table = Table(title=f"largest difference from {reference}", title_justify="left", title_style="bold")
    for title in ("graph", "output", "size"):
        table.add_column(title)
    for kind in kinds:
        table.add_column(kind, justify="right")
    rows: dict[tuple[str, str, str], dict[str, Comparison]] = {}
    for comparison in comparisons:
        size = ", ".join(f"{axis} {length}" for axis, length in comparison.trial.axes.items()) or "fixed"
        rows.setdefault((comparison.graph, comparison.output, size), {})[comparison.trial.kind] = comparison
    for names, cells in rows.items():
        table.add_row(*names, *(_cell(cells.get(kind)) for kind in kinds))
    return table


def _cell(comparison: Comparison | None) -> str:
    if comparison is None:
        return ""
    return f"{comparison.max_abs_diff:.1e}{'' if comparison.agrees else ' !'}"
