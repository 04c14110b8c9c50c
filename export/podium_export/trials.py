"""What a graph is tried on: the lengths of its dynamic axes, and the numbers that it is fed.

Every number comes from one seed, so the same network is tried on the same inputs each time.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from podium_export.architecture import GraphBlueprint, InputSpec

Array = NDArray[Any]
Kind = Literal["random", "zeros", "large", "golden"]

BATCH_SIZES = (1, 3, 8)
"""The batch sizes that every graph is tried on; the traced one is none of them."""
AXIS_LENGTHS = (5, 11, 1)
"""The lengths of every other dynamic axis, unless the blueprint names its own."""
GOLDEN_BATCH_SIZES = (1, 2, 5)
"""The batch sizes of the golden examples, fewer when a row is big."""
GOLDEN_BYTES = 1_000_000
"""The most that the golden examples of a graph may take, inputs and outputs each, the first example aside."""
PICTURE_BYTES = 2_500_000
"""The same for pictures of coarse blocks, which pack to a fiftieth."""
LARGE = 1e3
"""How large the large inputs are where no bound is known."""

_TRACED_LENGTHS = (37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101)


@dataclass(frozen=True, slots=True)
class Trial:
    """One run that a graph must get right.

    Attributes:
        kind: what the numbers are like.
        axes: the length of each dynamic axis.
        inputs: one array for each input, in the blueprint's order.
    """

    kind: Kind
    axes: Mapping[str, int]
    inputs: tuple[Array, ...]

    def __str__(self) -> str:
        """Say it as in "batch 3, random inputs"."""
        lengths = ", ".join(f"{axis} {length}" for axis, length in self.axes.items())
        return f"{lengths or 'fixed shape'}, {self.kind} inputs"


@dataclass(frozen=True, slots=True)
class Answered:
    """A trial with the reference's outputs.

    Attributes:
        trial: what was run.
        outputs: what the reference gave, in the blueprint's order.
    """

    trial: Trial
    outputs: tuple[Array, ...]


def dynamic_axes(graph: GraphBlueprint) -> tuple[str, ...]:
    """List the names of a graph's dynamic axes, the batch first."""
    names = dict.fromkeys(axis for spec in graph.inputs for axis in spec.shape if isinstance(axis, str))
    return tuple(sorted(names, key=lambda name: name != graph.batch_axis))


def traced_lengths(graph: GraphBlueprint, *, taken: set[int]) -> dict[str, int]:
    """Choose the lengths that a graph is traced with: unusual ones, so that a frozen one can be found again.

    Args:
        graph: the graph.
        taken: lengths that occur in the network already.
    """
    taken = taken | {axis for spec in graph.inputs for axis in spec.shape if isinstance(axis, int)}
    free = [length for length in _TRACED_LENGTHS if length not in taken] or list(_TRACED_LENGTHS)
    return dict(zip(dynamic_axes(graph), free, strict=False))


def trials(graph: GraphBlueprint, golden: Sequence["Trial"] = ()) -> Iterator[Trial]:
    """Yield every trial of a graph: random, zeros and large inputs at each size, then the golden examples."""
    for axes in trial_lengths(graph):
        for kind in ("random", "zeros", "large"):
            yield Trial(kind, axes, tuple(draw(spec, axes, kind) for spec in graph.inputs))
    yield from golden


def trial_lengths(graph: GraphBlueprint) -> list[dict[str, int]]:
    """List the lengths that a graph is tried on: one dictionary from axis to length a trial."""
    names = dynamic_axes(graph)
    columns = [_lengths_of(axis, graph) for axis in names]
    count = max((len(column) for column in columns), default=1)
    return [
        {axis: column[row % len(column)] for axis, column in zip(names, columns, strict=True)} for row in range(count)
    ]


def _lengths_of(axis: str, graph: GraphBlueprint) -> tuple[int, ...]:
    return graph.lengths.get(axis) or (BATCH_SIZES if axis == graph.batch_axis else AXIS_LENGTHS)


def golden_trials(graph: GraphBlueprint, *, pictures: bool) -> list[Trial]:
    """Draw the examples that are stored beside a graph, few and small.

    Args:
        graph: the graph.
        pictures: draw the first input like pictures, from coarse blocks, so that it packs well.
    """
    examples: list[Trial] = []
    num_bytes = 0
    lengths = trial_lengths(graph)
    for case, batch in enumerate(GOLDEN_BATCH_SIZES):
        axes = lengths[case % len(lengths)] | ({graph.batch_axis: batch} if graph.batch_axis else {})
        inputs = tuple(
            (_picture if pictures and position == 0 else draw)(spec, axes, "golden", case=case)
            for position, spec in enumerate(graph.inputs)
        )
        num_bytes += sum(array.nbytes for array in inputs)
        if examples and num_bytes > (PICTURE_BYTES if pictures else GOLDEN_BYTES):
            break
        examples.append(Trial("golden", axes, inputs))
        if graph.batch_axis not in dynamic_axes(graph):
            break
    return examples


def shape_at(spec: InputSpec, axes: Mapping[str, int]) -> tuple[int, ...]:
    """Fill an input's dynamic axes with lengths."""
    return tuple(axis if isinstance(axis, int) else axes[axis] for axis in spec.shape)


def draw(spec: InputSpec, axes: Mapping[str, int], kind: Kind, *, case: int = 0) -> Array:
    """Draw one input.

    Random and golden floats are standard normal, or uniform between the bounds where both are given;
    integers are uniform between the bounds; large ones are ±1000, or lie on a bound.
    """
    shape, dtype = shape_at(spec, axes), np.dtype(spec.element_type)
    random = _random(spec, axes, kind, case)
    low, high = _bounds(spec, dtype)
    if kind == "zeros":
        return np.clip(np.zeros(shape), low, high).astype(dtype)
    if kind == "large":
        return np.where(random.random(shape) < 0.5, max(low, -LARGE), min(high, LARGE)).astype(dtype)
    if dtype.kind in "iu":
        return random.integers(int(low), int(high), shape, endpoint=True).astype(dtype)
    if dtype.kind == "b":
        return random.random(shape) < 0.5
    if np.isfinite(low) and np.isfinite(high):
        return random.uniform(low, high, shape).astype(dtype)
    return np.clip(random.standard_normal(shape), low, high).astype(dtype)


def _picture(spec: InputSpec, axes: Mapping[str, int], kind: Kind, *, case: int = 0) -> Array:
    """Draw each row from 8×8 blocks of few shades."""
    shape = shape_at(spec, axes)
    noise = _random(spec, axes, kind, case).integers(-8, 9, shape) / 4.0
    rows, columns = (np.arange(length) // max(1, length // 8) * max(1, length // 8) for length in shape[-2:])
    low, high = _bounds(spec, np.dtype(spec.element_type))
    shades = noise[..., rows[:, None], columns]
    if np.dtype(spec.element_type).kind in "iu":  # pixels as they are, rather than numbers around 0
        shades = low + (shades + 2) / 4 * (high - low)
    return np.clip(shades, low, high).astype(spec.element_type)


def _bounds(spec: InputSpec, dtype: "np.dtype[Any]") -> tuple[float, float]:
    """Give an input's bounds; integers without any are 0 and 1, which are indices of nearly everything."""
    integer = dtype.kind in "iub"
    low = spec.low if spec.low is not None else (0 if integer else -np.inf)
    high = spec.high if spec.high is not None else (max(low, 1) if integer else np.inf)
    return low, high


def _random(spec: InputSpec, axes: Mapping[str, int], kind: str, case: int) -> np.random.Generator:
    """Make the generator of one input of one trial, of nothing but their names."""
    key = f"{spec.name} {sorted(axes.items())} {kind} {case}"
    return np.random.default_rng(zlib.crc32(key.encode()))
