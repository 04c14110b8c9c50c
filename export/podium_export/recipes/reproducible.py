"""Makes training the same each time."""

from collections.abc import Generator
from contextlib import contextmanager

import torch


@contextmanager
def reproducible(seed: int) -> Generator[torch.Generator]:
    """Make chance and the order of sums the same each time, and leave PyTorch as it was.

    One thread: the sums then do not depend on the machine's cores, and two threads that share their cores with
    others wait for each other longer than they work.
    """
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.use_deterministic_algorithms(True)
        torch.set_num_threads(1)
        try:
            yield torch.Generator().manual_seed(seed)
        finally:
            torch.set_num_threads(threads)
            torch.use_deterministic_algorithms(deterministic)
