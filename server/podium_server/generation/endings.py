"""Who ends with the tokens just chosen, and what a caller is told of an error."""

import logging
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from podium_server.errors import PodiumError, RunFailed
from podium_server.generation.job import Finish, Watch
from podium_server.generation.sampler import Choices
from podium_server.generation.slots import Chooser

log = logging.getLogger(__name__)

Reason: TypeAlias = Finish | PodiumError


def find_endings(choices: Choices, chooser: Chooser, watched: Sequence[tuple[int, Watch]]) -> dict[int, Reason]:
    """Find the rows that end, and why: by an end id, else by a watch, else by their length.

    Args:
        choices: of each row.
        chooser: what chose them.
        watched: rows with a watch.
    """
    ids_N, logs_N = choices.token_ids_N, choices.log_probabilities_N
    by_id, by_length = chooser.ended(ids_N)
    total = np.add.reduce(logs_N)
    reasons: dict[int, Reason] = {}
    if by_id is None and by_length is None and not watched and total == total:  # noqa: PLR0124 - nothing is NaN
        return reasons
    if by_length is not None:
        reasons.update(dict.fromkeys(np.flatnonzero(by_length).tolist(), Finish.LENGTH))
    given = chooser.given
    for row, watch in watched:
        if (by_id is None or not by_id[row]) and (given is None or not given[row]):
            stopped = _asked(watch, int(ids_N[row]))
            if stopped is not None:
                reasons[row] = stopped
    if by_id is not None:
        reasons.update(dict.fromkeys(np.flatnonzero(by_id).tolist(), Finish.END))
    reasons.update({row: not_numbers() for row in np.flatnonzero(np.isnan(logs_N)).tolist()})
    return reasons


def not_numbers() -> RunFailed:
    """The error of a row whose logits are no numbers."""
    return RunFailed("the model failed on this input: it gave logits that are not numbers")


def as_failure(error: BaseException) -> PodiumError:
    """What a caller is told of an error of a run."""
    if isinstance(error, PodiumError):
        return error
    log.error("a run failed", exc_info=error)
    return RunFailed("the model failed on this input; the server's log says why")


def _asked(watch: Watch, token_id: int) -> Reason | None:
    try:
        return Finish.STOP if watch.ends(token_id) else None
    except Exception as error:  # noqa: BLE001 - a watch must not end anybody else's sequence
        return as_failure(error)
