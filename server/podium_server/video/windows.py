"""Cuts frames into the windows that a network reads, as they come: pure, without clocks or tasks.

Shapes: W frames of a window.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """Frames that are read at once.

    Attributes:
        rows: (W, ...).
        first: the first frame that gets an answer of it.
        places: which of the window's answers these frames get; None: the window has one answer, of frame `first`.
    """

    rows: NDArray[Any]
    first: int
    places: range | None


class Windows(Protocol):
    """Cuts the frames of one clip."""

    def push(self, row: NDArray[Any]) -> list[Window]:
        """Take the next frame; the windows that it completes."""
        ...

    def end(self) -> list[Window]:
        """End the clip; the windows of the frames that have no answer yet."""
        ...


class SlidingWindows:
    """Windows that end with each frame, once there are enough of them: one answer a window.

    Args:
        size: W.
    """

    def __init__(self, size: int) -> None:
        self._rows: deque[NDArray[Any]] = deque(maxlen=size)
        self._size = size
        self._count = 0

    def push(self, row: NDArray[Any]) -> list[Window]:
        """Take the next frame; the window that it completes."""
        self._rows.append(row)
        self._count += 1
        return [Window(np.stack(self._rows), self._count - 1, None)] if len(self._rows) == self._size else []

    def end(self) -> list[Window]:
        """Nothing: an answer would be of frames that there are not."""
        return []


class LabellingWindows:
    """Windows side by side, each of whose frames but the margins' gets its answer.

    The first frame is repeated before a clip, and the last one after it.

    Args:
        size: W.
        margin: frames at either end of a window whose answers the neighbouring windows give; 2 margin < W.
    """

    def __init__(self, size: int, margin: int) -> None:
        self._rows: list[NDArray[Any]] = []
        self._size = size
        self._margin = margin
        self._step = size - 2 * margin
        self._count = 0
        self._answered = 0

    def push(self, row: NDArray[Any]) -> list[Window]:
        """Take the next frame; the window that it completes."""
        if not self._count:
            self._rows += [row] * self._margin
        self._rows.append(row)
        self._count += 1
        return [self._cut()] if len(self._rows) == self._size else []

    def end(self) -> list[Window]:
        """End the clip; the windows of the frames that have no answer yet."""
        windows: list[Window] = []
        while self._answered < self._count:
            self._rows += [self._rows[-1]] * (self._size - len(self._rows))
            windows.append(self._cut())
        return windows

    def _cut(self) -> Window:
        first, count = self._answered, min(self._step, self._count - self._answered)
        window = Window(np.stack(self._rows), first, range(self._margin, self._margin + count))
        self._answered += count
        del self._rows[: self._step]
        return window


class WholeClip:
    """One window, at the end of the clip: for a network that reads all of it."""

    def __init__(self) -> None:
        self._rows: list[NDArray[Any]] = []

    def push(self, row: NDArray[Any]) -> list[Window]:
        """Take the next frame."""
        self._rows.append(row)
        return []

    def end(self) -> list[Window]:
        """End the clip."""
        return [Window(np.stack(self._rows), len(self._rows) - 1, None)] if self._rows else []
