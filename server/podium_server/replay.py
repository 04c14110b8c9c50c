"""Replays golden examples: what PyTorch said when the package was made against what the provider at hand says now."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from podium.v1 import model_manifest_pb2 as pb

from podium_server.batching.execution import Runnable
from podium_server.package import GOLDEN, GoldenCase, PackageError
from podium_server.signature import Signature

TEXT = "OSU"  # numpy's kinds of arrays that hold strings


def replay(
    cases: Iterable[GoldenCase],
    sessions: Mapping[str, tuple[Runnable, Signature]],
    tolerance: pb.Parity,
) -> int:
    """Run every golden example and compare.

    Args:
        cases: the examples.
        sessions: what runs each graph, and its signature, by graph name.
        tolerance: elements agree where |a - b| <= absolute_tolerance + relative_tolerance * |b|.

    Returns:
        How many examples agreed: all of them, at least one for each graph.

    Raises:
        PackageError: an example disagrees, is of no graph, or a graph has none. Names case, output and difference.
    """
    count = 0
    unchecked = set(sessions)
    for case in cases:
        if case.graph not in sessions:
            raise PackageError(f"{GOLDEN}: case {case.name} is of graph '{case.graph}', which the manifest has not")
        session, signature = sessions[case.graph]
        _replay_one(case, session, signature, tolerance)
        unchecked.discard(case.graph)
        count += 1
    if unchecked:
        raise PackageError(f"{GOLDEN} has no example of graph {', '.join(map(repr, sorted(unchecked)))}")
    return count


def _replay_one(case: GoldenCase, session: Runnable, signature: Signature, tolerance: pb.Parity) -> None:
    expected_inputs, given_inputs = {spec.name for spec in signature.inputs}, set(case.inputs)
    if expected_inputs != given_inputs:
        raise PackageError(
            f"{GOLDEN}: case {case.name} feeds {sorted(given_inputs)}; graph '{case.graph}' takes "
            f"{sorted(expected_inputs)}"
        )
    outputs = session.run([case.inputs[spec.name] for spec in signature.inputs])
    for spec, output in zip(signature.outputs, outputs, strict=True):
        if spec.name not in case.outputs:
            raise PackageError(f"{GOLDEN}: case {case.name} has no output '{spec.name}' of graph '{case.graph}'")
        problem = difference(output, case.outputs[spec.name], tolerance)
        if problem:
            raise PackageError(f"golden example {case.name}, graph '{case.graph}', output '{spec.name}': {problem}")


def difference(actual: NDArray[Any], expected: NDArray[Any], tolerance: pb.Parity) -> str:
    """Say how two arrays disagree beyond the tolerance; empty when they agree."""
    if actual.shape != expected.shape:
        return f"its shape is {actual.shape}, and should be {expected.shape}"
    if (actual.dtype.kind in TEXT) != (expected.dtype.kind in TEXT):
        return f"it is of {actual.dtype}, and should be of {expected.dtype}"
    if expected.dtype.kind in TEXT:
        same = np.array_equal(actual.astype(str), expected.astype(str))
        return "" if same else "its strings differ"
    wide, reference = actual.astype(np.float64), expected.astype(np.float64)
    with np.errstate(invalid="ignore"):  # infinities of one sign agree, and their difference is not a number
        apart = np.abs(wide - reference)
        relative = np.where(np.isfinite(reference), tolerance.relative_tolerance * np.abs(reference), 0.0)
    allowed = tolerance.absolute_tolerance + relative
    same = (wide == reference) | (np.isnan(wide) & np.isnan(reference))
    beyond = ~same & ~(apart <= allowed)  # not "apart > allowed", which nothing is that is not a number
    if not beyond.any():
        return ""
    worst = np.argmax(np.where(beyond, np.nan_to_num(apart - allowed, nan=np.inf), -np.inf))
    return (
        f"the largest difference is {apart.flat[worst]:.3g}, where {allowed.flat[worst]:.3g} is allowed: "
        f"{wide.flat[worst]:.6g} instead of {reference.flat[worst]:.6g}"
    )
