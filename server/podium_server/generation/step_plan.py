"""How a step graph is fed: its inputs and outputs by their part in a step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from podium_server.generation.rows import Arrays, RowAxes


@dataclass(frozen=True, slots=True, eq=False)
class StateSpec:
    """A state.

    Attributes:
        input: the graph's input.
        axis: where its rows are.
        first: one row to begin with; None where the encoder gives it.
    """

    input: str
    axis: int
    first: NDArray[Any] | None


@dataclass(frozen=True, slots=True)
class FrameSpec:
    """What a step reads of a frame.

    Attributes:
        dtype: of its elements.
        shape: its axes.
    """

    dtype: "np.dtype[Any]"
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class StepPlan:
    """How a step graph is fed.

    Attributes:
        vocabulary_size: tokens that it gives a logit for; classes, where it reads frames.
        states: in the manifest's order.
        contexts: inputs that stay as they are, in the manifest's order.
        input_order: for each of the graph's inputs its place among token or frame, states and contexts.
        output_order: for logits and each state its place among the graph's outputs.
        end_ids, suppressed_ids: int64, ascending.
        frame: what it reads a step of; None: a token.
    """

    vocabulary_size: int
    states: tuple[StateSpec, ...]
    contexts: tuple[str, ...]
    input_order: tuple[int, ...]
    output_order: tuple[int, ...]
    end_ids: NDArray[np.int64]
    suppressed_ids: NDArray[np.int64]
    frame: FrameSpec | None = None

    @property
    def state_axes(self) -> RowAxes:
        """Where states have their rows."""
        return RowAxes([state.axis for state in self.states])

    @property
    def context_axes(self) -> RowAxes:
        """Where contexts have their rows."""
        return RowAxes([0] * len(self.contexts))

    def first_states(self, given: Mapping[str, NDArray[Any]]) -> Arrays:
        """The states that a sequence begins with, one row.

        Args:
            given: by input, what the encoder gave.

        Raises:
            ValueError: one that the encoder gives is missing.
        """
        return tuple(_first(state, given) for state in self.states)

    def contexts_of(self, given: Mapping[str, NDArray[Any]]) -> Arrays:
        """The contexts of a sequence, one row.

        Raises:
            ValueError: one is missing.
        """
        missing = [name for name in self.contexts if name not in given]
        if missing:
            raise ValueError(f"a sequence needs the contexts {', '.join(missing)}")
        return tuple(given[name] for name in self.contexts)


def _first(state: StateSpec, given: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    value = given.get(state.input, state.first)
    if value is None:
        raise ValueError(f"a sequence needs the first state {state.input}")
    return value
