"""What a version has done since it was loaded: plain counts for the Open Inference Protocol's statistics."""

import time
from dataclasses import dataclass, field

from podium_server.batching.batcher import Run
from podium_server.generation.tally import Tally
from podium_server.metrics import VersionMetrics


@dataclass(slots=True)
class BatchUsage:
    """Runs of one size: how many, and nanoseconds in the execution provider."""

    count: int = 0
    compute_infer_ns: int = 0


@dataclass(slots=True)
class Usage:
    """Counts of one version, kept beside its Prometheus series and from the same numbers; event loop only.

    Attributes:
        metrics: the version's series.
        success_count, success_ns: answered requests, and nanoseconds from request to answer.
        fail_count, fail_ns: refused and failed ones.
        queue_ns, compute_input_ns, compute_infer_ns, compute_output_ns: where answered requests' time went.
        inference_count: rows run.
        execution_count: runs.
        last_inference_ms: when the last run ended, in milliseconds since 1970; 0 before the first.
        batches: runs by their number of rows.
    """

    metrics: VersionMetrics
    success_count: int = 0
    success_ns: int = 0
    fail_count: int = 0
    fail_ns: int = 0
    queue_ns: int = 0
    compute_input_ns: int = 0
    compute_infer_ns: int = 0
    compute_output_ns: int = 0
    inference_count: int = 0
    execution_count: int = 0
    last_inference_ms: int = 0
    batches: dict[int, BatchUsage] = field(default_factory=dict)

    def answered(self, run: Run, *, total_s: float, preprocess_s: float, encode_s: float) -> None:
        """One request was answered."""
        self.success_count += 1
        self.success_ns += int(total_s * 1e9)
        self.queue_ns += int(run.queue_s * 1e9)
        self.compute_input_ns += int(preprocess_s * 1e9)
        self.compute_infer_ns += int(run.run_s * 1e9)
        self.compute_output_ns += int(encode_s * 1e9)
        self.metrics.queue_seconds.observe(run.queue_s)
        self.metrics.preprocess_seconds.observe(preprocess_s)
        self.metrics.encode_seconds.observe(encode_s)

    def failed(self, total_s: float) -> None:
        """One request got an error."""
        self.fail_count += 1
        self.fail_ns += int(total_s * 1e9)

    # BatchObserver

    def ran(self, *, requests: int, rows: int, run_s: float) -> None:
        """One run ended."""
        del requests
        self._count(rows, 1, run_s)
        self.metrics.run_seconds.observe(run_s)
        self.metrics.run_rows.observe(rows)

    def refused(self) -> None:
        """A request found the queue full."""
        self.metrics.refused.inc()

    def expired(self) -> None:
        """A request's deadline passed while it waited."""
        self.metrics.expired.inc()

    def cancelled(self) -> None:
        """A caller left before its answer."""
        self.metrics.cancelled.inc()

    # GenerationObserver

    def stepped(self, tally: Tally) -> None:
        """Some steps ended: each is a run, each of its rows an inference."""
        for runs_by_rows in (tally.steps, tally.prefills):
            for rows, runs in runs_by_rows.items():
                self._count(rows, runs.count, runs.seconds)
        if self.metrics.generation is not None:
            self.metrics.generation.stepped(tally)

    def _count(self, rows: int, runs: int, run_s: float) -> None:
        self.execution_count += runs
        self.inference_count += rows * runs
        self.last_inference_ms = time.time_ns() // 1_000_000
        batch = self.batches.get(rows)
        if batch is None:
            batch = self.batches[rows] = BatchUsage()
        batch.count += runs
        batch.compute_infer_ns += int(run_s * 1e9)
