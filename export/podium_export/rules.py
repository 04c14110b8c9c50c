"""The rule by which two outputs agree, in numbers.

An element a of the graph and the element b of the reference agree where
|a − b| <= absolute · max(1, m) + relative · |b|, m being the largest finite magnitude of that output in that run;
infinities and NaNs must be the same in the same places. Integers and booleans must be equal.
"""

from collections.abc import Sequence

import numpy as np

from podium_export.architecture import Tolerance
from podium_export.trials import Answered, Array


def difference_of(actual: Array, expected: Array, tolerance: Tolerance) -> tuple[float, bool]:
    """Measure the largest absolute difference of finite elements, and whether every element agrees."""
    if actual.dtype.kind not in "fiub":
        return 0.0, bool(np.array_equal(actual, expected))
    wide, reference = actual.astype(np.float64), expected.astype(np.float64)
    finite = np.isfinite(wide) & np.isfinite(reference)
    same_elsewhere = np.array_equal(wide[~finite], reference[~finite], equal_nan=True)
    if not finite.any():
        return 0.0, same_elsewhere
    difference = np.abs(wide[finite] - reference[finite])
    if expected.dtype.kind != "f":
        return float(difference.max()), same_elsewhere and not difference.any()
    magnitude = np.abs(reference[finite])
    allowed = tolerance.absolute * max(1.0, magnitude.max()) + tolerance.relative * magnitude
    return float(difference.max()), same_elsewhere and bool((difference <= allowed).all())


def replay_tolerance(tolerance: Tolerance, answered: Sequence[Answered]) -> Tolerance:
    """Give the tolerance of the golden examples in the manifest's words, which know no magnitude.

    The absolute part is taken times the largest magnitude of any golden output, when that is above 1.
    """
    golden = [output for case in answered if case.trial.kind == "golden" for output in case.outputs]
    floats = [np.abs(output).max(initial=0.0) for output in golden if output.dtype.kind == "f"]
    return Tolerance(tolerance.absolute * max(1.0, float(max(floats, default=0.0))), tolerance.relative)
