"""From a classifier's numbers to its best classes. One picture at a time: what it gets depends on nothing else."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from podium.v1 import model_manifest_pb2 as pb


class NotFinite(ValueError):
    """A network gave scores that say nothing."""


def probabilities(scores: NDArray[Any], kind: pb.ScoreKind) -> NDArray[np.float32]:
    """Turn one picture's scores into probabilities.

    Args:
        scores: one number a class, shape (classes,).
        kind: what they are: the softmax of logits is computed in float64; probabilities stay as they are.

    Returns:
        Shape (classes,).

    Raises:
        NotFinite: if no probabilities follow from the scores: NaN, plus infinity, or minus infinity for all.
    """
    highest = float(scores.max())  # NaN if any score is
    if not math.isfinite(highest):
        raise NotFinite
    if kind == pb.SCORE_KIND_PROBABILITIES:
        return scores.astype(np.float32)
    exponents = scores.astype(np.float64)
    exponents -= highest
    np.exp(exponents, out=exponents)
    exponents /= exponents.sum()
    return exponents.astype(np.float32)


def best(scores: NDArray[Any], num_classes: int) -> list[int]:
    """Find the classes with the highest scores, best first; equals by the lower index.

    By scores rather than probabilities: those of a sure network are 1 and, rounded, 0 for all the others.

    Args:
        scores: one number a class, shape (classes,), none NaN.
        num_classes: how many to find; all where there are fewer.
    """
    order: list[int] = np.argsort(-scores, kind="stable")[:num_classes].tolist()
    return order
