"""Readers of texts as a process of their own, so that their processor time is not the server's.

Each question holds the fields of `TextLoad`, and the server's process number `pid`; the answer is a `Point` of tokens.
"""

from dataclasses import asdict
from itertools import count
from typing import Any

from podium_client.load.event_loop import run
from podium_client.load.text_streams import TextLoad, drive_texts

from tests.benchmarks.point import Point
from tests.benchmarks.processor import processor_seconds
from tests.benchmarks.worker import answer

_SEEDS = count(0, 1_000_000)  # of each load; no text is written twice


def _respond(question: dict[str, Any]) -> dict[str, Any]:
    pid = question.pop("pid")
    load = TextLoad(seed=next(_SEEDS), **question)
    readings: list[tuple[float, float]] = []

    def read(elapsed_s: float) -> None:
        if elapsed_s >= load.warmup_s:
            readings.append((elapsed_s, processor_seconds(pid)))

    measured = run(drive_texts(load, on_tick=read))
    (began_s, cpu_before), (ended_s, cpu_after) = readings[0], readings[-1]
    return asdict(
        Point(
            per_s=measured.tokens_per_s,
            p50_ms=measured.between_tokens_ms(50),
            p99_ms=measured.between_tokens_ms(99),
            cpu_s_per_1000=1000 * (cpu_after - cpu_before) / (ended_s - began_s) / max(1.0, measured.tokens_per_s),
            generator_cpu_s_per_1000=1000 * measured.generator_cpu_s / max(1, measured.num_tokens),
            num_failed=sum(measured.errors.values()),
            first_p50_ms=measured.first_token_ms(50),
            first_p99_ms=measured.first_token_ms(99),
        )
    )


if __name__ == "__main__":
    answer(_respond)
