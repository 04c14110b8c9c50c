"""Compares two answers to one request: the one that its caller got, and a candidate's."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray
from podium.v1 import classification_service_pb2 as classification
from podium.v1 import decoding_pb2

from podium_server.elements import BY_OIP
from podium_server.oip import messages as oip
from podium_server.shadowing.edit_distance import edit_distance

# Of two texts so much is compared; the rest of a long one says little more.
MAX_CHARACTERS = 2000


@dataclass(frozen=True, slots=True)
class Comparison:
    """How alike two answers are.

    Attributes:
        num_agreed: pictures of one best class, rows of one largest number, texts that are the same.
        num_differed: the others.
        largest_difference: between two numbers that should be the same; None where there are none to compare.
        edit_distances: of each pair of texts, over the longer one's length: 0 for the same, 1 for nothing in common.
    """

    num_agreed: int
    num_differed: int
    largest_difference: float | None = None
    edit_distances: tuple[float, ...] = ()


def compare_classifications(
    given: Iterable[classification.ClassificationResult], candidate: Iterable[classification.ClassificationResult]
) -> Comparison:
    """Compare what pictures were taken for, and the probabilities of the classes that both name."""
    agreed, differences = list[bool](), list[float]()
    for first, second in zip(given, candidate, strict=True):
        agreed.append(_best(first) == _best(second))
        probabilities = {score.index: score.probability for score in second.classes}
        differences += [
            abs(score.probability - probabilities[score.index])
            for score in first.classes
            if score.index in probabilities
        ]
    return _counted(agreed, largest_difference=max(differences, default=None))


def compare_texts(
    given: Iterable[decoding_pb2.GeneratedSequence], candidate: Iterable[decoding_pb2.GeneratedSequence]
) -> Comparison:
    """Compare texts one by one; where there are more on one side, they are compared with nothing."""
    pairs = zip_longest((s.text for s in given), (s.text for s in candidate), fillvalue="")
    distances = tuple(_distance(first[:MAX_CHARACTERS], second[:MAX_CHARACTERS]) for first, second in pairs)
    return _counted([distance == 0 for distance in distances], edit_distances=distances)


def compare_tensors(given: oip.ModelInferResponse, candidate: oip.ModelInferResponse) -> Comparison:
    """Compare outputs of one name: the place of the largest number of each row, and every number.

    A row of one number agrees when its number does to one part in a thousand; rows of what are no numbers when their
    bytes are the same. An output of another shape or type differs.
    """
    agreed, differences = list[bool](), list[float]()
    others = dict(_outputs(candidate))
    for name, first in _outputs(given):
        second = others.get(name)
        if second is None or first.shape != second.shape or first.dtype != second.dtype:
            agreed.append(False)
        elif first.dtype.kind not in "fiub":
            agreed.append(first.tobytes() == second.tobytes())
        elif first.size:
            wide = np.asarray(first, np.float64), np.asarray(second, np.float64)
            differences.append(float(np.max(np.nan_to_num(np.abs(wide[0] - wide[1]), nan=np.inf))))
            agreed += _rows_agree(*(x.reshape(len(x), -1) if x.ndim else x.reshape(1, 1) for x in wide))
    return _counted(agreed, largest_difference=max(differences, default=None))


def _best(result: classification.ClassificationResult) -> int | None:
    return result.classes[0].index if result.classes else None


def _distance(first: str, second: str) -> float:
    return edit_distance(first, second) / max(len(first), len(second), 1)


def _outputs(response: oip.ModelInferResponse) -> Iterator[tuple[str, NDArray[Any]]]:
    """The outputs of an answer, raw or typed."""
    for index, output in enumerate(response.outputs):
        shape = tuple(output.shape)
        element = BY_OIP[output.datatype]
        if element.is_string:
            data = response.raw_output_contents[index] if response.raw_output_contents else output.SerializeToString()
            yield output.name, np.frombuffer(data, "S1")
        elif response.raw_output_contents:
            yield output.name, np.frombuffer(response.raw_output_contents[index], element.dtype).reshape(shape)
        else:
            values = [np.asarray(list(values)) for _, values in output.contents.ListFields()]
            yield output.name, (values[0] if values else np.zeros(0)).astype(element.dtype).reshape(shape)


def _rows_agree(first: NDArray[np.float64], second: NDArray[np.float64]) -> list[bool]:
    if first.shape[1] == 1:
        return [bool(same) for same in np.isclose(first[:, 0], second[:, 0], rtol=1e-3, atol=0, equal_nan=True)]
    return [bool(same) for same in first.argmax(1) == second.argmax(1)]


def _counted(
    agreed: list[bool], largest_difference: float | None = None, edit_distances: tuple[float, ...] = ()
) -> Comparison:
    return Comparison(sum(agreed), len(agreed) - sum(agreed), largest_difference, edit_distances)
