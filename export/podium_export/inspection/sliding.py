"""A window that slides over a picture, as convolutions and poolings do: in words, and its receptive field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podium_export.inspection.receptive_field import Field, Window


@dataclass(frozen=True, slots=True)
class Sliding:
    """A window that slides over spatial axes.

    `padding` holds what is added before each axis, then what is added after each; None: as much as keeps
    ⌈side / stride⌉ ("same").
    """

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[int, ...] | None

    @classmethod
    def of(cls, settings: Mapping[str, Any], kernel: Sequence[int]) -> "Sliding":
        """Read a node's attributes."""
        ones = (1,) * len(kernel)
        same = str(settings.get("auto_pad", "NOTSET")).startswith("SAME")
        return cls(
            kernel=tuple(kernel),
            stride=tuple(settings.get("strides") or ones),
            dilation=tuple(settings.get("dilations") or ones),
            padding=None if same else tuple(settings.get("pads") or (0,) * (2 * len(kernel))),
        )

    def words(self, *, show_padding: bool = False) -> str:
        """Write the window as in "K 5, P 2, S 1"; what is 0 or 1 and of no interest is left out."""
        parts = [f"K {_sides(self.kernel)}"]
        if show_padding or self.padding is None or any(self.padding):
            parts.append(f"P {self._padding_words()}")
        parts.append(f"S {_sides(self.stride)}")
        if any(d != 1 for d in self.dilation):
            parts.append(f"D {_sides(self.dilation)}")
        return ", ".join(parts)

    def after(self, before: Field) -> Field:
        """Give the receptive field of what comes out."""
        if not isinstance(before, Window):
            return before
        return before.through(self.kernel, self.stride, self.dilation)

    def _padding_words(self) -> str:
        if self.padding is None:
            return "same"
        half = len(self.padding) // 2
        pairs = list(zip(self.padding[:half], self.padding[half:], strict=True))
        sides = [str(before) if before == after else f"{before}+{after}" for before, after in pairs]
        return sides[0] if len(set(sides)) == 1 else "×".join(sides)


def _sides(lengths: Sequence[int]) -> str:
    return str(lengths[0]) if len(set(lengths)) == 1 else "×".join(str(n) for n in lengths)
