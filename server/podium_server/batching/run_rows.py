"""Runs the rows of a call: as one request, or one by one where the graph takes one at a time."""

import asyncio

import numpy as np

from podium_server.batching.batcher import Batcher, Run
from podium_server.batching.execution import Rows


async def run_rows(batcher: Batcher, inputs: Rows, *, deadline: float | None = None) -> Run:
    """Run a graph on rows that do not depend on one another.

    Args:
        batcher: runs the graph, batched or not.
        inputs: in the signature's order, each with the same number of rows, 1 or more.
        deadline: the monotonic second after which no run may begin.

    Raises:
        PodiumError: as `Batcher.run` does; of several rows' errors, the first.
    """
    num_rows = len(inputs[0])
    if batcher.signature.batched or num_rows == 1:
        return await batcher.run(inputs, deadline=deadline)
    rows = [tuple(x[i : i + 1] for x in inputs) for i in range(num_rows)]
    tasks = [asyncio.ensure_future(batcher.run(row, deadline=deadline)) for row in rows]
    try:
        runs = await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()  # one that failed makes the others useless
    outputs = tuple(np.concatenate(column) for column in zip(*(run.outputs for run in runs), strict=True))
    return Run(outputs, max(run.queue_s for run in runs), sum(run.run_s for run in runs))
