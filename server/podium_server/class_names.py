"""From a row of scores to named classes: what pictures, clips and frames have in common."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from podium.v1 import classification_service_pb2 as wire
from podium.v1 import model_manifest_pb2 as pb

from podium_server.ranking import best, probabilities
from podium_server.signature import TensorSpec

DEFAULT_TOP_K = 5


class ClassNames:
    """Names what a classifier's output says.

    Args:
        classification: the manifest's.
        output: the graph's first output.

    Raises:
        ValueError: the manifest does not fit the output; the message says what is wrong.
    """

    def __init__(self, classification: pb.Classification, output: TensorSpec) -> None:
        self._kind = classification.score_kind
        if self._kind not in (pb.SCORE_KIND_LOGITS, pb.SCORE_KIND_PROBABILITIES):
            raise ValueError("classification.score_kind must be LOGITS or PROBABILITIES")
        self._labels = tuple(classification.labels)
        _check_labels(self._labels, output)

    def result(self, scores: NDArray[Any], top_k: int, *, return_logits: bool) -> wire.ClassificationResult:
        """Name the best classes.

        Args:
            scores: (classes,).
            top_k: how many to name; 0 for `DEFAULT_TOP_K`.
            return_logits: whether the scores are returned too.

        Raises:
            NotFinite: scores are not finite.
        """
        if scores.dtype != np.float32:
            scores = scores.astype(np.float32)
        values = probabilities(scores, self._kind)
        result = wire.ClassificationResult()
        labels, add = self._labels, result.classes.add
        for i in best(scores, top_k or DEFAULT_TOP_K):
            add(index=i, label=labels[i] if labels else "", probability=values.item(i))
        if return_logits:
            result.logits.extend(scores.tolist())
        return result


def _check_labels(labels: Sequence[str], output: TensorSpec) -> None:
    lengths = [length for length in output.shape[1:] if isinstance(length, int)]
    if len(output.shape) < 2:
        raise ValueError(f"output '{output.name}' is {list(output.shape)}; a classifier's has one row a picture")
    if labels and len(lengths) == len(output.shape) - 1 and np.prod(lengths) != len(labels):
        raise ValueError(
            f"classification.labels has {len(labels)} names; output '{output.name}' is {list(output.shape)}"
        )
