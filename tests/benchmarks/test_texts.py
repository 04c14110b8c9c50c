"""Texts are measured as they should be; how quick anything is, is not asserted."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.benchmarks.comparison import TextComparison
from tests.benchmarks.point import Point
from tests.benchmarks.report import Report
from tests.benchmarks.subjects import ALONE, PODIUM
from tests.benchmarks.texts import ONE_AT_A_TIME, STREAMS, StepsAlone, step_folder
from tests.benchmarks.worker import Worker
from tests.oip.running import Running, serve
from tests.server.services.networks import write_letters


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with a model that writes, of two versions."""
    repository = tmp_path_factory.mktemp("texts")
    for version in ("9", "10"):
        write_letters(repository / "letters" / version)
    with serve(repository, cores=1) as server:
        yield server


def test_the_newest_version_with_a_step_graph_is_measured(tmp_path: Path) -> None:
    """By number and not by name; a model without one is no model of texts."""
    for version in ("9", "10"):
        write_letters(tmp_path / "letters" / version)
    assert step_folder(tmp_path, "letters") == tmp_path / "letters" / "10"
    assert step_folder(tmp_path, "digits") is None


def test_a_step_graph_runs_alone_with_a_row_a_stream(tmp_path: Path) -> None:
    """Every number of streams has a number of threads, and gives tokens."""
    write_letters(tmp_path / "letters" / "1")
    alone = StepsAlone(tmp_path / "letters" / "1", num_cores=1, seconds=0.02)
    try:
        points = [alone.measure(streams, 0.05) for streams in STREAMS]
    finally:
        alone.close()
    assert set(alone.threads.values()) == {1}
    assert all(point.per_s > 0 and 0 < point.p50_ms <= point.p99_ms for point in points)


def test_readers_of_texts_tell_tokens_and_times(running: Running) -> None:
    """Of a real server: tokens a second, the times that readers saw, and no failure."""
    question = {"address": running.address, "pid": os.getpid(), "model": "letters", "prompt": "ab", "max_tokens": 40}
    readers = Worker("tests.benchmarks.text_readers")
    try:
        point = Point(**readers.ask({**question, "streams": 3, "warmup_s": 0.1, "seconds": 0.8}))
    finally:
        readers.close()
    assert point.num_failed == 0
    assert point.per_s > 0
    assert 0 < point.first_p50_ms <= point.first_p99_ms


def test_ratios_of_texts_are_taken_within_each_round_and_their_aims_stated() -> None:
    """Against the loop of the same round, and against one text at a time."""
    rounds = {
        ALONE: [Point(1000, 1, 1, 1.0), Point(500, 1, 1, 2.0), Point(1000, 1, 1, 1.0)],
        ONE_AT_A_TIME: [Point(100, 1, 1, 5.0), Point(50, 1, 1, 5.0), Point(100, 1, 1, 5.0)],
        PODIUM: [Point(950, 1, 1, 1.2), Point(475, 1, 1, 2.4), Point(900, 1, 1, 1.3)],
    }
    comparison = TextComparison("shakespeare", 64, 2, rounds)
    assert (comparison.throughput().middle, comparison.gain().middle) == pytest.approx((0.95, 9.5))
    assert comparison.processor().middle == pytest.approx(1.2)
    text = Report({}, {}, [], [], [comparison]).markdown()
    assert "### shakespeare, texts" in text
    assert "| 64 | 0.95 (0.90–0.95) (0.9) | 9.50 (9.00–9.50) (6.0) | 1.20 (1.20–1.30) |" in text
