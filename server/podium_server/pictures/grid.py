"""Puts pictures into one: row by row, with a black line between them.

Shapes: N pictures, H height, W width, C channels.
"""

import math

import numpy as np
from numpy.typing import NDArray

LINE = 2


def grid(pictures: NDArray[np.uint8], num_columns: int) -> NDArray[np.uint8]:
    """Put pictures into a grid; places left over in the last row are black.

    Args:
        pictures: (N, H, W, C), 1 or more.
        num_columns: 1 or more; fewer where there are fewer pictures.

    Returns:
        (rows · (H + LINE) + LINE, columns · (W + LINE) + LINE, C).
    """
    count, height, width, channels = pictures.shape
    num_columns = min(num_columns, count)
    num_rows = -(-count // num_columns)
    tiles = np.zeros((num_rows * num_columns, height + LINE, width + LINE, channels), np.uint8)
    tiles[:count, LINE:, LINE:] = pictures
    rows = tiles.reshape(num_rows, num_columns, height + LINE, width + LINE, channels).transpose(0, 2, 1, 3, 4)
    joined = rows.reshape(num_rows * (height + LINE), num_columns * (width + LINE), channels)
    return np.pad(joined, ((0, LINE), (0, LINE), (0, 0)))


def grid_pixels(count: int, height: int, width: int, num_columns: int) -> int:
    """The pixels of a grid of so many pictures."""
    num_columns = min(num_columns, count)
    num_rows = -(-count // num_columns)
    return (num_rows * (height + LINE) + LINE) * (num_columns * (width + LINE) + LINE)


def square_columns(count: int) -> int:
    """The columns of the squarest grid of so many pictures."""
    return math.isqrt(max(count, 1) - 1) + 1
