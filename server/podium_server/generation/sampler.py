"""Chooses the next token of each row: a pure function of its logits, its settings and one uniform number.

Every row comes out the same, bit for bit, however many others are beside it: nothing here is summed across rows, and
what is summed within one is summed in an order that its length alone decides.

Legend: N rows, V tokens of the vocabulary, M tokens that may be drawn.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium_server.generation.row_settings import Ids, Marks, Numbers, RowSettings

# Beyond so many tokens the most probable are found before they are sorted.
_SORT_ALL = 512
# Logits that are looked at together: arrays of so many stay in a core's cache.
_BLOCK = 2**15


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """What rows came to.

    Attributes:
        token_ids_N: int64.
        log_probabilities_N: of each token as the model gave it; not a number where the logits were not.
    """

    token_ids_N: Ids
    log_probabilities_N: Numbers


def log_softmax(logits_NV: NDArray[np.floating]) -> tuple[Numbers, Numbers]:
    """Work out log-probabilities, but for the last subtraction, which few of them need.

    Returns:
        x (N, V), the logits less each row's largest, and z (N,): the log-probability is x - z. Rows whose logits are
        not all numbers have a z that is none.
    """
    x_NV = logits_NV.astype(np.float64)
    x_NV -= np.maximum.reduce(x_NV, axis=1, keepdims=True)
    return x_NV, np.log(np.add.reduce(np.exp(x_NV), axis=1))


def choose(
    logits_NV: NDArray[np.floating],
    settings: RowSettings,
    uniform_N: Numbers,
    *,
    seen_NV: Marks | None = None,
    forced_N: Ids | None = None,
    suppressed: Ids | None = None,
) -> Choices:
    """Choose a token for each row; ties by the lowest id.

    Args:
        logits_NV: as the step graph gave them.
        settings: of the rows.
        uniform_N: numbers of 0 … 1, 1 excluded, that rows which are drawn are drawn by.
        seen_NV: the tokens that are there already; needed where any row has a penalty.
        forced_N: tokens that are not chosen but given, -1 where there is none.
        suppressed: tokens that are never chosen.
    """
    size = max(1, _BLOCK // logits_NV.shape[1])
    with np.errstate(all="ignore"):  # infinities and what is no number come out as they should, or are told by the log
        if len(logits_NV) <= size:
            return _choose(logits_NV, settings, uniform_N, seen_NV, forced_N=forced_N, suppressed=suppressed)
        parts = [
            _choose(
                logits_NV[rows],
                settings.part(rows),
                uniform_N[rows],
                None if seen_NV is None else seen_NV[rows],
                forced_N=None if forced_N is None else forced_N[rows],
                suppressed=suppressed,
            )
            for rows in (slice(start, start + size) for start in range(0, len(logits_NV), size))
        ]
    ids, logs = zip(*((part.token_ids_N, part.log_probabilities_N) for part in parts), strict=True)
    return Choices(np.concatenate(ids), np.concatenate(logs))


def _choose(
    logits_NV: NDArray[np.floating],
    settings: RowSettings,
    uniform_N: Numbers,
    seen_NV: Marks | None,
    *,
    forced_N: Ids | None,
    suppressed: Ids | None,
) -> Choices:
    x_NV, z_N = log_softmax(logits_NV)
    y_NV = x_NV
    if settings.any_penalty or suppressed is not None:
        # From the logits and not from x, so that a row is rounded alike whatever its neighbours want.
        y_NV = logits_NV.astype(np.float64)
        if settings.any_penalty and seen_NV is not None:
            _penalise(y_NV, settings.penalty_N1, seen_NV)
        if suppressed is not None:
            y_NV[:, suppressed] = -np.inf
        y_NV -= np.maximum.reduce(y_NV, axis=1, keepdims=True)
    if not settings.any_drawn:
        ids_N: Ids = y_NV.argmax(axis=1)
    else:
        ids_N = _drawn(y_NV, settings, uniform_N)
        if settings.any_greedy:
            ids_N = np.where(settings.greedy_N, y_NV.argmax(axis=1), ids_N)
    if forced_N is not None:
        ids_N = np.where(forced_N >= 0, forced_N, ids_N)
    return Choices(ids_N, x_NV[np.arange(len(x_NV)), ids_N] - z_N)


def _penalise(logits_NV: Numbers, penalty_N1: Numbers, seen_NV: Marks) -> None:
    """Make what is there already less probable. Source: Keskar et al., "CTRL", 2019, section 4.1."""
    np.copyto(logits_NV, np.where(logits_NV > 0, logits_NV / penalty_N1, logits_NV * penalty_N1), where=seen_NV)


def _drawn(x_NV: Numbers, settings: RowSettings, uniform_N: Numbers) -> Ids:
    """Draw by the inverse of the cumulative distribution, in the order of ids."""
    if settings.any_tempered:
        x_NV = x_NV / settings.temperature_N1
    mass_NV = np.exp(x_NV)
    if settings.any_restricted:
        mass_NV *= _drawable(x_NV, mass_NV, settings)
    cumulative_NV = np.add.accumulate(mass_NV, axis=1)
    total_N = cumulative_NV[:, -1]
    # Rounding must not take the target to the total, which nothing is above.
    target_N = np.minimum(uniform_N * total_N, np.nextafter(total_N, 0.0))
    ids: Ids = (cumulative_NV > target_N[:, None]).argmax(axis=1)
    return ids


def _drawable(x_NV: Numbers, mass_NV: Numbers, settings: RowSettings) -> Marks:
    """Mark the most probable tokens that top-k and then top-p leave, the lowest ids among equals."""
    total_N = np.add.accumulate(mass_NV, axis=1)[:, -1]
    top_NM = _most_probable(x_NV, mass_NV, total_N, settings)
    num_NM = np.arange(1, top_NM.shape[1] + 1)
    cumulative_NM = np.add.accumulate(np.exp(top_NM), axis=1)
    last_N = np.minimum(settings.top_k_N, top_NM.shape[1]) - 1
    rows_N = np.arange(len(x_NV))
    # What top-p is a part of: what top-k left.
    whole_N = np.where(settings.top_k_N < x_NV.shape[1], cumulative_NM[rows_N, last_N], total_N)
    short_NM = (cumulative_NM < (settings.top_p_N * whole_N)[:, None]) & (num_NM <= last_N[:, None])
    kept_N = np.where(settings.top_p_N < 1, np.add.reduce(short_NM, axis=1), last_N)  # the number kept, less one
    free_N1 = ((settings.top_k_N == x_NV.shape[1]) & (settings.top_p_N >= 1))[:, None]
    least_N1 = top_NM[rows_N, kept_N][:, None]
    marks_NV: Marks = (x_NV >= least_N1) | free_N1
    surplus_N = np.where(free_N1[:, 0], 0, np.add.reduce(marks_NV, axis=1) - (kept_N + 1))
    for row in np.flatnonzero(surplus_N > 0):  # ties at the border: the highest ids go
        ties = np.flatnonzero(x_NV[row] == least_N1[row])
        marks_NV[row, ties[len(ties) - surplus_N[row] :]] = False
    return marks_NV


def _most_probable(x_NV: Numbers, mass_NV: Numbers, total_N: Numbers, settings: RowSettings) -> Numbers:
    """Sort each row's logits from the largest on: all that top-k and top-p can leave, and maybe more."""
    size = x_NV.shape[1]
    if size <= _SORT_ALL:
        return -np.sort(-x_NV, axis=1)
    # Tokens less probable than (1 - top_p) / V are less than 1 - top_p together: the rest reaches top_p without them.
    least_N1 = ((1.0 - settings.top_p_N) / size * total_N)[:, None]
    within_p_N = np.where(settings.top_p_N < 1, np.add.reduce(mass_NV >= least_N1, axis=1), 1)
    within_k_N = np.where(settings.top_k_N < size, settings.top_k_N, within_p_N)
    most = min(int(np.maximum(within_k_N, 1).max()) + 1, size)
    if most < size:
        x_NV = np.partition(x_NV, size - most, axis=1)[:, size - most :]
    return -np.sort(-x_NV, axis=1)
