"""Reads the layers of a chain from a checkpoint: which there are, their sizes, and the pictures between them.

A checkpoint holds weights under names and no more. The order follows from the names ("2" before "10"), the kind
from a weight's axes: one is batch normalization, two a linear layer, four a convolution.
"""

import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from torch import Tensor

from podium_export.errors import CheckpointError


class Kind(StrEnum):
    """What a layer does."""

    LINEAR = "linear"
    DOWN = "convolution"
    UP = "transposed convolution"
    NORM = "batch normalization"


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer with weights.

    Attributes:
        name: what the checkpoint calls it.
        kind: what it does.
        size_in: features or channels that it takes.
        size_out: features or channels that it gives.
        kernel: side of a convolution's filters.
        bias: whether it adds a bias.
    """

    name: str
    kind: Kind
    size_in: int
    size_out: int
    kernel: int = 1
    bias: bool = True

    def __str__(self) -> str:
        """Say it as in "convolution 1→32, 4×4"."""
        if self.kind is Kind.NORM:
            return f"{self.kind} {self.size_out}"
        filters = "" if self.kind is Kind.LINEAR else f", {self.kernel}×{self.kernel}"
        return f"{self.kind} {self.size_in}→{self.size_out}{filters}"


def read_layers(state: Mapping[str, Tensor], convolution: Kind, prefix: str = "") -> tuple[Layer, ...]:
    """List the layers of a chain in the order of their names.

    Args:
        state: the checkpoint's tensors by key.
        convolution: what a weight of four axes belongs to, `DOWN` or `UP`.
        prefix: where the chain is, as in "encoder."; the layers are called by what follows.

    Raises:
        CheckpointError: a weight has three axes, or five or more.
    """
    keys = [key for key in state if key.startswith(prefix) and key.endswith(".weight")]
    names = sorted((key.removeprefix(prefix).removesuffix(".weight") for key in keys), key=_natural)
    return tuple(_layer(state, f"{prefix}{name}", name, convolution) for name in names)


def linear_layers(*sizes: int) -> tuple[Layer, ...]:
    """Lay linear layers one after another, named as in an `nn.Sequential` with activations between."""
    pairs = enumerate(itertools.pairwise(sizes))
    return tuple(Layer(str(2 * place), Kind.LINEAR, before, after) for place, (before, after) in pairs)


def sides(layers: Sequence[Layer]) -> list[tuple[int, int]]:
    """Give the sides of the pictures before and behind each layer of a decoder; 0 where the numbers are in one row.

    A transposed convolution on a single pixel makes its filter's side of it; every other one doubles the side.

    Raises:
        CheckpointError: the features of a linear layer are no square picture for what follows.
    """
    flat, side = layers[0].size_in, 0
    found: list[tuple[int, int]] = []
    for layer in layers:
        before = side
        if layer.kind is Kind.LINEAR:
            flat, before, side = layer.size_out, 0, 0
        elif layer.kind is Kind.UP:
            before = side or _square(flat, layer)
            side = layer.kernel if before == 1 else 2 * before
        elif layer.kind is Kind.NORM and not side and layer.size_in != flat:
            before = side = _square(flat, layer)
        found.append((before, side))
    return found


def drawn(layers: Sequence[Layer]) -> tuple[int, int]:
    """Give channels and side of the picture that a decoder draws.

    Raises:
        CheckpointError: the last layer's features are no square picture of one or three channels.
    """
    (_, side), size = sides(layers)[-1], layers[-1].size_out
    if side:
        return size, side
    for channels in (1, 3):
        if size % channels == 0 and math.isqrt(size // channels) ** 2 == size // channels:
            return channels, math.isqrt(size // channels)
    raise CheckpointError(f"the last layer gives {size} numbers: no square picture of one or three channels")


def _layer(state: Mapping[str, Tensor], key: str, name: str, convolution: Kind) -> Layer:
    shape, bias = tuple(state[f"{key}.weight"].shape), f"{key}.bias" in state
    match shape:
        case (size,):
            return Layer(name, Kind.NORM, size, size)
        case (size_out, size_in):
            return Layer(name, Kind.LINEAR, size_in, size_out, bias=bias)
        case (size_in, size_out, kernel, _) if convolution is Kind.UP:
            return Layer(name, convolution, size_in, size_out, kernel, bias)
        case (size_out, size_in, kernel, _):
            return Layer(name, convolution, size_in, size_out, kernel, bias)
        case _:
            raise CheckpointError(
                f"{key}.weight has the shape {shape}: this network knows batch normalization (1 axis), linear layers "
                "(2) and convolutions (4)"
            )


def _square(flat: int, layer: Layer) -> int:
    side = math.isqrt(flat // layer.size_in)
    if side**2 * layer.size_in != flat:
        raise CheckpointError(
            f'{flat} features come to the {layer} "{layer.name}": no square picture of {layer.size_in} channels'
        )
    return side


def _natural(name: str) -> list[tuple[int, str]]:
    """Order "2" before "10"."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in _parts(name)]


def _parts(name: str) -> Iterator[str]:
    yield from (part for part in re.split(r"(\d+)", name) if part)
