"""The load generator as a process of its own, so that its processor time is not the server's.

Each question holds the fields of `Load`, with `request_file` in place of `request`, and the server's process
number `pid`; the answer is a `Point`.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from podium_client.load.closed_loop import Load, drive
from podium_client.load.event_loop import run

from tests.benchmarks.point import Point
from tests.benchmarks.processor import processor_seconds
from tests.benchmarks.worker import answer


def _respond(question: dict[str, Any]) -> dict[str, Any]:
    request = Path(question.pop("request_file")).read_bytes()
    pid = question.pop("pid")
    readings: list[float] = []
    load = Load(request=request, **question)
    measured = run(drive(load, on_window=lambda _: readings.append(processor_seconds(pid))))
    before, after = readings
    num_calls = len(measured.latencies_s) + sum(measured.errors.values())
    return asdict(
        Point(
            per_s=measured.requests_per_s,
            p50_ms=measured.p50_ms,
            p99_ms=measured.p99_ms,
            cpu_s_per_1000=1000 * (after - before) / max(1, num_calls),
            generator_cpu_s_per_1000=1000 * measured.generator_cpu_s / max(1, num_calls),
            num_failed=sum(measured.errors.values()) + measured.unanswered,
        )
    )


if __name__ == "__main__":
    answer(_respond)
