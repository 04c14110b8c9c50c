"""The states and contexts of the rows of a run: taken out, put together, and what they begin as.

An array has its rows along an axis of its own: axis 0 of our networks' states and of every context, any axis of the
states of a user's network.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Arrays: TypeAlias = tuple[NDArray[Any], ...]
Index: TypeAlias = NDArray[np.intp]


class RowAxes:
    """Where each of several arrays has its rows.

    Args:
        axes: the axis of each array.
    """

    def __init__(self, axes: Sequence[int]) -> None:
        self.axes = tuple(axes)

    def take(self, arrays: Arrays, index: Index) -> Arrays:
        """Copy some rows, in the order of `index`, into contiguous arrays."""
        return tuple(x.take(index, axis) for x, axis in zip(arrays, self.axes, strict=True))

    def one(self, arrays: Arrays, row: int) -> Arrays:
        """Copy one row."""
        return self.take(arrays, np.array([row]))

    def concatenate(self, parts: Sequence[Arrays]) -> Arrays:
        """Put rows after one another; one part or more."""
        if len(parts) == 1:
            return parts[0]
        return tuple(
            np.concatenate(column, axis) for column, axis in zip(zip(*parts, strict=True), self.axes, strict=True)
        )


def zeros(dtype: "np.dtype[Any]", shape: Sequence[int | str], batch_axis: int) -> NDArray[Any]:
    """Make one row of zeros.

    Args:
        dtype: of the elements.
        shape: its axes; that of the batch may have a name, the others have lengths.
        batch_axis: where the batch is.
    """
    return np.zeros([1 if axis == batch_axis else int(length) for axis, length in enumerate(shape)], dtype)
