"""The promise of a step graph: one token, or frame, after another is the same as all of them at once.

What one run leaves behind, the next run takes up. A state that is declared wrongly, such as two that change places on
their way out, agrees in every single run and goes wrong from the second step on; here it is found.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from podium.v1 import model_manifest_pb2 as pb

from podium_export.architecture import GraphBlueprint, Tolerance
from podium_export.errors import StateError
from podium_export.parity import output_name
from podium_export.rules import difference_of
from podium_export.trials import Array, Trial, draw, dynamic_axes, trial_lengths

NUM_STEPS = 7
"""Tokens that are read one by one, and all at once."""
NUM_ROWS = 3
"""Sequences in the batch."""

Run = Callable[[Trial], Sequence[Array]]
"""Runs a step graph: outputs in the blueprint's order."""


def check_chain(
    graph: GraphBlueprint, states: Sequence[pb.StepState], run: Run, runner: str, tolerance: Tolerance
) -> None:
    """Compare steps of one token or frame each with one run of all of them.

    Args:
        graph: the graph "step": its first input is the tokens, or the frames.
        states: which outputs are the states of the next step.
        run: the network in PyTorch, or the written graph.
        runner: what runs it, in messages.
        tolerance: how far the two may be apart.

    Raises:
        StateError: they disagree; says which output, and which states to exchange where that would put it right.
    """
    chain = _Chain.of(graph, states)
    whole = run(chain.whole)
    chain.check_shapes(graph, whole)
    wrong = _disagreement(graph, whole, chain.stepped(run), tolerance)
    if not wrong:
        return
    for one, other in chain.alike():
        exchanged = chain.exchanged(one, other)
        if not _disagreement(graph, whole, exchanged.stepped(run), tolerance):
            names = [graph.inputs[place].name for place in (one, other)]
            raise StateError(
                f'{wrong} ({runner}). They agree once what comes back as "{names[0]}" and "{names[1]}" is exchanged: '
                "return the states in the order in which `forward` takes them."
            )
    raise StateError(
        f"{wrong} ({runner}). Whatever a step must know of those before it has to be a state, declared in the order in "
        "which `forward` takes them, and returned in that order after the logits; logits are those of the last "
        f"{graph.inputs[0].name}."
    )


@dataclass(frozen=True, slots=True)
class _Chain:
    """Tokens to be read one by one.

    Attributes:
        whole: all of them at once.
        next_places: by the place of a state among the inputs, its place among the outputs.
    """

    whole: Trial
    next_places: Mapping[int, int]

    @classmethod
    def of(cls, graph: GraphBlueprint, states: Sequence[pb.StepState]) -> "_Chain":
        """Draw tokens, states and contexts for a few sequences."""
        batch, time = dynamic_axes(graph)[0], str(graph.inputs[0].shape[1])
        axes = trial_lengths(graph)[0] | {batch: NUM_ROWS, time: NUM_STEPS}
        whole = Trial("random", axes, tuple(draw(spec, axes, "random") for spec in graph.inputs))
        inputs = [spec.name for spec in graph.inputs]
        outputs = [output_name(graph, place) for place in range(len(graph.outputs))]
        return cls(whole, {inputs.index(state.input): outputs.index(state.output) for state in states})

    def check_shapes(self, graph: GraphBlueprint, outputs: Sequence[Array]) -> None:
        """Refuse a state that comes back in another shape or type."""
        for taken, left in self.next_places.items():
            before, after = self.whole.inputs[taken], outputs[left]
            if (before.shape, before.dtype) != (after.shape, after.dtype):
                raise StateError(
                    f'graph "{graph.name}": the state "{graph.inputs[taken].name}" goes in as {before.dtype} '
                    f"{before.shape} and comes back as {after.dtype} {after.shape}: it must keep its shape and type"
                )

    def stepped(self, run: Run) -> Sequence[Array]:
        """Read the tokens one by one; give what the last run gave."""
        token, *others = self.whole.inputs
        outputs: Sequence[Array] = ()
        for step in range(NUM_STEPS):
            now = [np.ascontiguousarray(token[:, step : step + 1]), *others]
            outputs = run(Trial("random", self.whole.axes, tuple(now)))
            for taken, left in self.next_places.items():
                others[taken - 1] = outputs[left]
        return outputs

    def alike(self) -> list[tuple[int, int]]:
        """List every two states of one shape and type."""
        kinds = {place: (self.whole.inputs[place].shape, self.whole.inputs[place].dtype) for place in self.next_places}
        return [(one, other) for one, other in itertools.combinations(kinds, 2) if kinds[one] == kinds[other]]

    def exchanged(self, one: int, other: int) -> "_Chain":
        """Give the same tokens with two states that change places on their way out."""
        places = dict(self.next_places)
        return _Chain(self.whole, places | {one: places[other], other: places[one]})


def _disagreement(graph: GraphBlueprint, whole: Sequence[Array], stepped: Sequence[Array], tolerance: Tolerance) -> str:
    """Say the first output in which the two differ; empty: they agree."""
    for place, (all_at_once, one_by_one) in enumerate(zip(whole, stepped, strict=True)):
        difference, agrees = difference_of(one_by_one, all_at_once, tolerance)
        if not agrees:
            return (
                f'graph "{graph.name}", output "{output_name(graph, place)}": {NUM_STEPS} {graph.inputs[0].name}s one '
                f"by one give something else than all of them in one run, by {difference:.3g}"
            )
    return ""
