"""Explains why a checkpoint does not fit a network: its keys and shapes side by side, and the likely cause."""

import io
from collections.abc import Iterator, Mapping

from rich.console import Console
from rich.table import Table

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]

MOST_ROWS = 24
"""The rows shown; a checkpoint of another architecture differs in hundreds."""


def explain(network: Shapes, checkpoint: Shapes, name: str) -> str:
    """Write the table and the cause.

    Args:
        network: the network's shapes by key.
        checkpoint: the checkpoint's shapes by key.
        name: what the network is called.
    """
    rows = list(_rows(network, checkpoint))
    shared = sum(1 for key in network if checkpoint.get(key) == network[key])
    return (
        f"the checkpoint does not fit {name}: {shared} of the network's {len(network)} tensors are in it with the "
        f"right shape; the checkpoint has {len(checkpoint)}.\n"
        f"{_table(rows)}\n"
        f"Likely cause: {likely_cause(network, checkpoint)}"
    )


def likely_cause(network: Shapes, checkpoint: Shapes) -> str:
    """Guess why the two differ, from the commonest reasons."""
    missing = [key for key in network if key not in checkpoint]
    unexpected = [key for key in checkpoint if key not in network]
    if prefix := _added_prefix(network, checkpoint):
        return (
            f'every key of the network is in the checkpoint under "{prefix}", beside other parts: '
            f'export the part with --weights-key, or save checkpoint["{prefix.rstrip(".")}"] alone'
        )
    if missing and unexpected and list(network.values()) == list(checkpoint.values()):
        return (
            "the same shapes in the same order under other names: the same network written with other attribute "
            "names; rename the keys, or give your own network with --module"
        )
    if not missing and not unexpected:
        return _of_shapes(network, checkpoint)
    if not unexpected:
        return "the checkpoint lacks part of the network: it was saved from a smaller one, or only in part"
    if not missing:
        return "the checkpoint holds more than the network: it was saved from a larger one"
    return "the checkpoint is of another architecture"


def _of_shapes(network: Shapes, checkpoint: Shapes) -> str:
    """Guess why shapes differ under the same keys."""
    different = [(network[key], checkpoint[key]) for key in network if network[key] != checkpoint[key]]
    if all(own == given[::-1] for own, given in different):
        return "these weights are transposed, as other frameworks store them: transpose them before saving"
    if len(different) <= 2 and all(own[1:] == given[1:] for own, given in different):
        own, given = different[0][0][0], different[0][1][0]
        return f"another number of classes: the network has {own}, the checkpoint {given}"
    return "another size of the same architecture"


def _added_prefix(network: Shapes, checkpoint: Shapes) -> str:
    """Find a prefix under which the checkpoint holds the whole network."""
    first = next(iter(network), "")
    for key in checkpoint:
        if first and key.endswith("." + first):
            prefix = key.removesuffix(first)
            if all(checkpoint.get(prefix + own) == shape for own, shape in network.items()):
                return prefix
    return ""


def _rows(network: Shapes, checkpoint: Shapes) -> Iterator[tuple[str, str, str, str]]:
    """Yield what differs: missing keys beside the unexpected ones of the same shape, in order."""
    for key, shape in network.items():
        if key in checkpoint and checkpoint[key] != shape:
            yield key, _text(shape), key, f"{_text(checkpoint[key])}  other shape"
    unexpected = {key: shape for key, shape in checkpoint.items() if key not in network}
    for key, shape in network.items():
        if key in checkpoint:
            continue
        twin = next((other for other, given in unexpected.items() if given == shape), None)
        if twin is None:
            yield key, _text(shape), "missing", ""
        else:
            yield key, _text(shape), twin, f"{_text(unexpected.pop(twin))}  other name?"
    for key, shape in unexpected.items():
        yield "unexpected", "", key, _text(shape)


def _text(shape: Shape) -> str:
    return "×".join(str(length) for length in shape) or "scalar"


def _table(rows: list[tuple[str, str, str, str]]) -> str:
    table = Table(box=None, pad_edge=False)
    for title in ("network", "shape", "checkpoint", "shape"):
        table.add_column(title, overflow="fold")
    for row in rows[:MOST_ROWS]:
        table.add_row(*row)
    stream = io.StringIO()
    Console(file=stream, width=110).print(table)
    more = f"\n… and {len(rows) - MOST_ROWS} more" if len(rows) > MOST_ROWS else ""
    return "\n".join(line.rstrip() for line in stream.getvalue().rstrip().splitlines()) + more
