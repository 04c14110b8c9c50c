"""The receptive field: the part of the input that one value of a layer depends on.

One K×K layer sees K×K; L of them with stride 1 see 1 + L·(K − 1) on a side; strides and pooling multiply what
later layers add.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum


class Extent(Enum):
    """A field without a fixed size."""

    WHOLE = "whole input"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Window:
    """A field of a fixed size.

    Attributes:
        size: its length on each spatial axis, in input pixels.
        jump: how far the fields of two neighbouring values lie apart, in input pixels.
        in_place: whether neighbours in the tensor still are neighbours in the picture: a reshape ends that, and
            then no further window can be followed.
    """

    size: tuple[int, ...]
    jump: tuple[int, ...]
    in_place: bool = True

    @classmethod
    def pixel(cls, num_axes: int) -> "Window":
        """Give the field of an input's own value."""
        return cls((1,) * num_axes, (1,) * num_axes)

    def through(self, kernel: Sequence[int], stride: Sequence[int], dilation: Sequence[int]) -> "Field":
        """Give the field of a layer that slides a window over values with this field."""
        if not self.in_place or len(kernel) != len(self.size):
            return Extent.UNKNOWN
        sliding = zip(self.size, self.jump, kernel, dilation, strict=True)
        return Window(
            size=tuple(size + (k - 1) * d * jump for size, jump, k, d in sliding),
            jump=tuple(jump * s for jump, s in zip(self.jump, stride, strict=True)),
        )


Field = Window | Extent


def joined(fields: Iterable[Field]) -> Field:
    """Give the field of a value computed from several: the largest; unknown where one of them is unknown."""
    windows: list[Window] = []
    whole = False
    for field in fields:
        if field is Extent.UNKNOWN:
            return field
        if isinstance(field, Window):
            windows.append(field)
        else:
            whole = True
    if whole:
        return Extent.WHOLE
    if not windows or len({len(w.size) for w in windows}) > 1:
        return Extent.UNKNOWN
    return Window(
        size=tuple(max(sizes) for sizes in zip(*(w.size for w in windows), strict=True)),
        jump=tuple(max(jumps) for jumps in zip(*(w.jump for w in windows), strict=True)),
        in_place=all(w.in_place for w in windows),
    )
