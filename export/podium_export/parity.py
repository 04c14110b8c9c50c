"""The promise of an export: the written graph computes what the network computes.

`rules.py` has the rule of agreement.
Large inputs make float32 itself go wrong (a softmax over logits of 10⁵ turns a rounding of the logits into
another probability). There alone, an output that misses the rule is right if it is at most four times as far
from the network run in double precision as PyTorch's own float32 is.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from podium_export.architecture import GraphBlueprint, Tolerance
from podium_export.errors import FrozenAxis, NetworkError, ParityFailure
from podium_export.frozen import frozen_nodes
from podium_export.rules import difference_of
from podium_export.session import Session, clean
from podium_export.trace import TracedGraph
from podium_export.trials import Answered, Array, Trial

ROUNDING = 4.0
"""How many times PyTorch's own error in float32 is allowed at large inputs."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One output of one trial.

    Attributes:
        graph: the graph's name.
        output: the output's name.
        trial: what was run.
        max_abs_diff: the largest absolute difference of two finite elements.
        agrees: whether every element agrees.
    """

    graph: str
    output: str
    trial: Trial
    max_abs_diff: float
    agrees: bool


def compare(
    graph: GraphBlueprint,
    session: Session,
    answered: Sequence[Answered],
    tolerance: Tolerance,
    *,
    traced: TracedGraph | None = None,
    watch: Callable[[Trial], None] = lambda trial: None,
) -> list[Comparison]:
    """Run a written graph on every trial and compare.

    Args:
        graph: the graph's blueprint.
        session: the written graph, loaded.
        answered: the trials and the reference's outputs.
        tolerance: how far it may be.
        traced: the graph as traced, to find the node that holds a frozen axis.
        watch: called before each run.

    Raises:
        FrozenAxis: a run at another size than the traced one fails or gives another shape.
        NetworkError: the reference is not finite on ordinary inputs.

    Returns:
        Every comparison, whether it agrees or not; `refuse_disagreement` refuses.
    """
    found: list[Comparison] = []
    for case in answered:
        watch(case.trial)
        outputs = _run(graph, session, case, traced)
        for place, (actual, expected) in enumerate(zip(outputs, case.outputs, strict=True)):
            name = output_name(graph, place)
            _check_finite(graph, name, case.trial, expected)
            difference, agrees = difference_of(actual, expected, tolerance)
            if not agrees and case.trial.kind == "large" and traced is not None:
                agrees = _as_near_as_float32(graph, case, place, actual)
            found.append(Comparison(graph.name, name, case.trial, difference, agrees))
    return found


def output_name(graph: GraphBlueprint, place: int) -> str:
    """Name an output by its place."""
    output = graph.outputs[place]
    return output if isinstance(output, str) else output.name


def refuse_disagreement(comparisons: Sequence[Comparison], tolerance: Tolerance, reference: str) -> None:
    """Raise for the worst comparison that does not agree.

    Raises:
        ParityFailure: names the output, the size and the largest difference.
    """
    wrong = [comparison for comparison in comparisons if not comparison.agrees]
    if not wrong:
        return
    worst = max(wrong, key=lambda comparison: comparison.max_abs_diff)
    raise ParityFailure(
        f'graph "{worst.graph}", output "{worst.output}" at {worst.trial}: '
        f"the largest difference from {reference} is {worst.max_abs_diff:.3g}, more than "
        f"{tolerance.absolute:g} · max(1, largest magnitude) + {tolerance.relative:g} · |value| allows "
        f"({len(wrong)} of {len(comparisons)} comparisons disagree). Nothing was published. Where a network is known "
        "to round so, --atol and --rtol allow more.",
        comparisons,
    )


def check_rows(graph: GraphBlueprint, session: Session, answered: Sequence[Answered], tolerance: Tolerance) -> None:
    """Check that a row's answer does not depend on its batch-mates, by running the rows of one batch alone.

    Raises:
        ParityFailure: names the output and the difference.
    """
    axis = graph.batch_axis
    batches = [case for case in answered if case.trial.kind == "random" and case.trial.axes.get(axis, 1) > 1]
    for case in batches[:1]:
        together = session.run(case.trial.inputs)
        for row in (0, case.trial.axes[axis] - 1):
            alone = session.run(tuple(_row(graph, place, a, row) for place, a in enumerate(case.trial.inputs)))
            for place, (one, all_) in enumerate(zip(alone, together, strict=True)):
                difference, agrees = difference_of(one, _output_row(graph, place, all_, row), tolerance)
                if not agrees:
                    raise ParityFailure(
                        f'graph "{graph.name}", output "{output_name(graph, place)}": row {row} of {case.trial} '
                        f"differs by {difference:.3g} from the same row run alone: an answer would depend on its "
                        f'batch-mates. Compute nothing over the batch axis, or declare no axis "{axis}".'
                    )


def batch_place(graph: GraphBlueprint, place: int) -> int:
    """Say which axis of an output is the batch."""
    output = graph.outputs[place]
    shape = None if isinstance(output, str) else output.shape
    return shape.index(graph.batch_axis) if shape and graph.batch_axis in shape else 0


def _row(graph: GraphBlueprint, place: int, array: Array, row: int) -> Array:
    shape = graph.inputs[place].shape
    if graph.batch_axis not in shape:
        return array
    return np.take(array, [row], axis=shape.index(graph.batch_axis))


def _output_row(graph: GraphBlueprint, place: int, array: Array, row: int) -> Array:
    return np.take(array, [row], axis=batch_place(graph, place))


def _run(graph: GraphBlueprint, session: Session, case: Answered, traced: TracedGraph | None) -> list[Array]:
    try:
        outputs = session.run(case.trial.inputs)
    except Exception as error:
        what = f"the written graph fails: {clean(str(error))[:300]}"
        raise FrozenAxis(f'graph "{graph.name}" at {case.trial}: {what}{held_lengths(traced)}') from error
    for place, (actual, expected) in enumerate(zip(outputs, case.outputs, strict=True)):
        if actual.shape != expected.shape or actual.dtype != expected.dtype:
            raise FrozenAxis(
                f'graph "{graph.name}", output "{output_name(graph, place)}" at {case.trial}: the written graph '
                f"gives {actual.dtype} {actual.shape} where the network gives {expected.dtype} {expected.shape}"
                f"{held_lengths(traced)}"
            )
    return outputs


def held_lengths(traced: TracedGraph | None) -> str:
    """Name the nodes that hold a length of the traced example."""
    if traced is None:
        return ""
    lines = [
        f'\n  axis "{axis}", traced at {length}: {node}'
        for axis, length in traced.lengths.items()
        for node in frozen_nodes(traced.model, length, axis)
    ]
    return "\nThe graph holds lengths of the traced example:" + "".join(lines) if lines else ""


def _check_finite(graph: GraphBlueprint, name: str, trial: Trial, expected: Array) -> None:
    if trial.kind in ("random", "golden") and expected.dtype.kind == "f" and not np.isfinite(expected).all():
        raise NetworkError(
            f'graph "{graph.name}", output "{name}" at {trial}: the network itself gives NaN or infinity on '
            "ordinary inputs: its weights have probably diverged in training"
        )


def _as_near_as_float32(graph: GraphBlueprint, case: Answered, place: int, actual: Array) -> bool:
    """Judge an output at large inputs against the network in double precision."""
    from podium_export.reference import double_outputs

    module = copy.deepcopy(graph.module).double()
    exact = double_outputs(graph, module, case.trial)[place].astype(np.float64)
    ours, theirs = (np.abs(array.astype(np.float64) - exact) for array in (actual, case.outputs[place]))
    return bool(np.nanmax(ours, initial=0.0) <= ROUNDING * np.nanmax(theirs, initial=0.0))


def frozen_outputs(session: Session, answered: Sequence[Answered]) -> Iterator[str]:
    """Name the output axes that the written graph declares fixed and the network varies."""
    for place, port in enumerate(session.outputs):
        for axis, length in enumerate(port.shape):
            lengths = {case.outputs[place].shape[axis] for case in answered}
            if isinstance(length, int) and lengths != {length}:
                yield f'output "{port.name}" has axis {axis} fixed at {length}; the network gives {sorted(lengths)}'
