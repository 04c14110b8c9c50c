"""The benchmark's harness measures what it should; how quick anything is, is not asserted."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.benchmarks.benchmarked_model import BenchmarkedModel
from tests.benchmarks.comparison import Comparison
from tests.benchmarks.point import Point, middle
from tests.benchmarks.processor import family, processor_seconds
from tests.benchmarks.report import Report
from tests.benchmarks.rounds import Contest, take_turns
from tests.benchmarks.subjects import ALONE, ECHO, PODIUM, Echo, Generator


def test_the_echo_server_answers_every_call_of_the_generator() -> None:
    """A load of one second through both processes: every call is answered, and each side used the processor."""
    model = BenchmarkedModel("any", Path(), request=bytes(3_000), answer_bytes=100)
    generator = Generator()
    try:
        echo = Echo(model, generator, trial_seconds=0.1)
        try:
            point = echo.measure(callers=4, seconds=1.0)
        finally:
            echo.close()
    finally:
        generator.close()
    assert point.num_failed == 0
    assert point.per_s > 0
    assert 0 < point.p50_ms <= point.p99_ms
    assert point.cpu_s_per_1000 > 0
    assert point.generator_cpu_s_per_1000 > 0


def test_processor_time_counts_children_living_and_ended() -> None:
    """A process that only waits for its children is charged with what they used, before and after they end."""
    burn = "import time\nwhile time.process_time() < 0.3: pass\nprint('burnt', flush=True); input()"
    wait = f"subprocess.run([sys.executable, '-c', {burn!r}])"
    parent = f"import subprocess, sys; {wait}; print('ended', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stdout.readline() == "burnt\n"
        assert len(family(process.pid)) == 2
        assert processor_seconds(process.pid) >= 0.3
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "ended\n"
        assert family(process.pid) == [process.pid]
        assert processor_seconds(process.pid) >= 0.3
        process.communicate("\n")


def test_our_own_processor_time_is_what_python_says() -> None:
    """Of this process both countings agree to a few ticks."""
    pid = os.getpid()
    before, told = processor_seconds(pid), time.process_time()
    while time.process_time() < told + 0.2:
        pass
    assert processor_seconds(pid) - before >= 0.2 - 0.05


def a_point(per_s: float, cpu: float) -> Point:
    return Point(per_s, p50_ms=2.0, p99_ms=3.0, cpu_s_per_1000=cpu, generator_cpu_s_per_1000=0.05)


def test_ratios_are_taken_within_each_round() -> None:
    """A machine that slows down for a whole round changes no ratio."""
    rounds = {
        ALONE: [a_point(1000, 1.0), a_point(500, 2.0), a_point(1000, 1.0)],
        ECHO: [a_point(8000, 0.1), a_point(4000, 0.2), a_point(8000, 0.1)],
        PODIUM: [a_point(950, 1.32), a_point(475, 2.64), a_point(900, 1.32)],
    }
    comparison = Comparison("any", 64, 2, rounds)
    throughput = comparison.throughput()
    assert (throughput.middle, throughput.least, throughput.greatest) == pytest.approx((0.95, 0.9, 0.95))
    assert comparison.processor().middle == pytest.approx(1.2)
    assert comparison.latency().middle == pytest.approx(2 / 4)
    # 950 requests that cost 1.0 + 0.1 + 0.05 ms each, of two cores' 2,000 ms.
    assert comparison.ceiling().greatest == pytest.approx(950 * 1.15 / 2000)


def test_the_report_names_aims_figures_and_failures() -> None:
    """The tables hold medians with their spread; failures of all rounds are added up."""
    failed = Point(10, 1, 2, 3, num_failed=4)
    assert middle([failed, failed]).num_failed == 8
    rounds = {ALONE: [a_point(1000, 1.0)], ECHO: [a_point(8000, 0.1)], PODIUM: [a_point(950, 1.32)]}
    report = Report({"cores": "2"}, {}, [Comparison("digits", 64, 2, rounds)])
    text = report.markdown()
    assert "### digits" in text
    assert "| 64 | podium | 950 (950–950) | 2.00 | 3.00 | 1.320 | 0.050 | 0 |" in text
    assert "| 64 | 0.95 (0.95–0.95) | 1.20 (1.20–1.20) |" in text
    assert report.json()["comparisons"][0]["rounds"][PODIUM][0]["per_s"] == 950


class Named:
    """A subject that notes its turns."""

    def __init__(self, name: str, turns: list[str]) -> None:
        self.name = name
        self._turns = turns

    def measure(self, callers: int, seconds: float) -> Point:
        """Measure nothing."""
        self._turns.append(f"{self.name} {callers}")
        return a_point(len(self._turns), seconds)

    def close(self) -> None:
        """End nothing."""


def test_subjects_take_turns_within_each_round() -> None:
    """No subject is measured twice before every other one of every contest was."""
    turns: list[str] = []
    first, second = (Contest(name, n, [Named(name + s, turns) for s in "xy"]) for name, n in (("a", 1), ("b", 4)))
    points = take_turns([first, second], 2, 0.5, lambda _: None)
    assert turns == ["ax 1", "ay 1", "bx 4", "by 4"] * 2
    assert [[point.per_s for point in by_subject] for by_subject in points[1].values()] == [[3, 7], [4, 8]]
