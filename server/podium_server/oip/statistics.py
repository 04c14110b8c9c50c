"""A version's counts as `ModelStatistics`.

perf_analyzer takes the difference of two of these: counts only grow while a version is loaded, versions are integers,
and each part of the time is counted once for each answered request.
"""

from podium_server.oip import messages as oip
from podium_server.servable import Servable


def count(servable: Servable) -> oip.ModelStatistics:
    """What a version has done since it was loaded."""
    usage = servable.usage
    answered = usage.success_count
    statistics = oip.ModelStatistics(
        name=servable.name,
        version=str(servable.version),
        last_inference=usage.last_inference_ms,
        inference_count=usage.inference_count,
        execution_count=usage.execution_count,
        inference_stats=oip.InferStatistics(
            success=_duration(answered, usage.success_ns),
            fail=_duration(usage.fail_count, usage.fail_ns),
            queue=_duration(answered, usage.queue_ns),
            compute_input=_duration(answered, usage.compute_input_ns),
            compute_infer=_duration(answered, usage.compute_infer_ns),
            compute_output=_duration(answered, usage.compute_output_ns),
        ),
    )
    for rows, batch in sorted(usage.batches.items()):
        infer = _duration(batch.count, batch.compute_infer_ns)
        statistics.batch_stats.add(batch_size=rows, compute_infer=infer)
    return statistics


def _duration(number: int, nanoseconds: int) -> oip.StatisticDuration:
    return oip.StatisticDuration(count=number, ns=nanoseconds)
