"""Checks that a classifier's outputs are what its package says: one score a class, logits or probabilities."""

from collections.abc import Sequence

import numpy as np
from podium.v1 import model_manifest_pb2 as pb

from podium_export.architecture import Blueprint
from podium_export.errors import NetworkError
from podium_export.labels import check_count
from podium_export.trials import Answered

_NEAR = 1e-3


def check_classifier(blueprint: Blueprint, answered: Sequence[Answered]) -> None:
    """Look at the scores that the reference gave.

    Args:
        blueprint: what the package says; a classifier of clips may have scores of each frame, (batch, time, classes).
        answered: the trials of the last graph, whose first output are the scores.

    Raises:
        NetworkError: the scores have another shape than (batch, classes), or are not what `score_kind` says.
        LabelsError: there are more or fewer labels than classes.
    """
    scores = [case.outputs[0] for case in answered if case.trial.kind in ("random", "golden")]
    per_frame = blueprint.video is not None and blueprint.video.per_frame and blueprint.graphs[-1].name != "step"
    if scores[0].ndim != 2 + per_frame or scores[0].dtype.kind != "f":
        shape = "(batch, time, classes)" if per_frame else "(batch, classes)"
        raise NetworkError(
            f"a classifier's first output must be scores of shape {shape}; this one is {scores[0].dtype} "
            f"{scores[0].shape} for a batch of {scores[0].shape[0] if scores[0].ndim else 'one'}: "
            "pool or flatten the rest, or use --task tensor"
        )
    check_count(blueprint.labels, scores[0].shape[-1])
    like_probabilities = all(_are_probabilities(rows) for rows in scores)
    if blueprint.score_kind == pb.SCORE_KIND_PROBABILITIES and not like_probabilities:
        raise NetworkError(
            "the scores are not probabilities (each row 0 … 1, with the sum 1): they are logits, which softmax "
            "turns into probabilities; use --scores logits"
        )
    if blueprint.score_kind == pb.SCORE_KIND_LOGITS and like_probabilities and scores[0].shape[-1] > 1:
        raise NetworkError(
            "the scores are probabilities already (each row 0 … 1, with the sum 1), and softmax once more would "
            "flatten them; use --scores probabilities"
        )


def _are_probabilities(rows: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]") -> bool:
    wide = rows.astype(np.float64)
    return bool((wide >= 0).all() and np.allclose(wide.sum(axis=-1), 1.0, atol=_NEAR))
