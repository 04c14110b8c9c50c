"""The `classification` extension: the highest scores of an output as text, `score:index` or `score:index:label`."""

from collections.abc import Sequence

import numpy as np

from podium_server.oip.tensors import Tensor


def rank(scores: Tensor, num_classes: int, labels: Sequence[str], *, batched: bool) -> Tensor:
    """Name the highest scores, best first; equal scores in the order of their indices.

    Args:
        scores: numbers; a batched graph's have the batch on axis 0.
        num_classes: how many to name; no more than there are.
        labels: names by index; left out where their number is not that of the scores.
        batched: whether each row is ranked alone.

    Returns:
        Strings of shape (rows, k) when batched, (k,) when not, k being the smaller of `num_classes` and the scores.
    """
    rows = scores.reshape(len(scores), -1) if batched else scores.reshape(1, -1)
    named = labels if len(labels) == rows.shape[1] else ()
    texts = [[_text(row, int(index), named) for index in _order(row)[:num_classes]] for row in rows]
    ranked = np.array(texts, np.object_).reshape(len(rows), -1)
    return ranked if batched else ranked[0]


def _order(row: Tensor) -> Tensor:
    """Indices from the highest score to the lowest; not-a-numbers last."""
    # Each turns the order around without leaving the type: stable sorting then keeps equal scores by index.
    reversed_ = ~row if row.dtype.kind in "iu" else -row.astype(np.float64)
    return np.argsort(reversed_, kind="stable")


def _text(row: Tensor, index: int, labels: Sequence[str]) -> str:
    value = str(row[index]) if row.dtype.kind in "iu" else f"{float(row[index]):f}"
    return f"{value}:{index}:{labels[index]}" if labels else f"{value}:{index}"
