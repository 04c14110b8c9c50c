"""Jobs in a few words."""

from collections.abc import Sequence

import numpy as np
from podium_server.generation.job import SampleJob, Sampling, Start, Watch

GREEDY = Sampling(temperature=0.0)


def prompt(*tokens: int) -> Start:
    """A prompt of these tokens."""
    return Start(np.array(tokens, np.int64))


def job(
    tokens: Sequence[int] = (1,),
    count: int = 5,
    sampling: Sampling = GREEDY,
    *,
    seed: int = 0,
    watch: Watch | None = None,
    deadline: float | None = None,
) -> SampleJob:
    """One sequence: of five tokens, greedy, unless told otherwise."""
    return SampleJob(prompt(*tokens), sampling, count, seed=seed, watch=watch, deadline=deadline)
