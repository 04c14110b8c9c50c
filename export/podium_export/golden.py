"""Writes the golden examples: a few inputs with the reference's outputs, which the server replays.

Keys are "<case>/<graph>/inputs/<tensor>" and "<case>/<graph>/outputs/<tensor>", cases "0", "1", …
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from podium_export.architecture import GraphBlueprint
from podium_export.parity import output_name
from podium_export.trials import GOLDEN_BYTES, Answered, Array

FILE = "golden.npz"
"""The file's name in a version folder."""


def golden_arrays(graph: GraphBlueprint, answered: Sequence[Answered]) -> dict[str, Array]:
    """Name the arrays of one graph's golden examples."""
    arrays: dict[str, Array] = {}
    for number, case in enumerate(_few(answered)):
        for spec, array in zip(graph.inputs, case.trial.inputs, strict=True):
            arrays[f"{number}/{graph.name}/inputs/{spec.name}"] = array
        for place, array in enumerate(case.outputs):
            arrays[f"{number}/{graph.name}/outputs/{output_name(graph, place)}"] = array
    return arrays


def _few(answered: Sequence[Answered]) -> Iterator[Answered]:
    """Yield the golden examples until their outputs have grown too big, one at least."""
    num_bytes = 0
    for number, case in enumerate(case for case in answered if case.trial.kind == "golden"):
        num_bytes += sum(output.nbytes for output in case.outputs)
        if number and num_bytes > GOLDEN_BYTES:
            return
        yield case


def write_golden(folder: Path, arrays: Mapping[str, Array]) -> None:
    """Write every graph's examples; a file without pickles."""
    np.savez_compressed(folder / FILE, allow_pickle=False, **arrays)
