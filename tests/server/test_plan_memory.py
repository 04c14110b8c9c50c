"""Measured plans on disk: what is remembered, for which conditions, and what is not believed."""

import dataclasses
import fcntl
import json
from pathlib import Path
from typing import Any

import pytest
from podium_server.plan import Layout, Plan
from podium_server.plan_memory import Conditions, Measured, PlanMemory, processor_model
from podium_server.warmup import RowCoupling

CONDITIONS = Conditions("ab" * 32, "onnxruntime 1.32.0", "cpu", ("1x1", "2x1", "1x2"), "Some Processor")
MEASURED = Measured(Plan(Layout(2, 1), 4, 430.5, "measured"), RowCoupling.NONE)


@pytest.fixture
def memory(tmp_path: Path) -> PlanMemory:
    """A memory in a folder that is not there yet."""
    return PlanMemory(tmp_path / "cache" / "plans")


def test_what_was_measured_is_recalled_as_remembered(memory: PlanMemory) -> None:
    """The plan is the same but for its source."""
    memory.remember(CONDITIONS, MEASURED)
    assert memory.recall(CONDITIONS) == Measured(Plan(Layout(2, 1), 4, 430.5, "remembered"), RowCoupling.NONE)


def test_plan_that_was_not_measured_stays_a_default(memory: PlanMemory) -> None:
    """Nobody is told of a measurement that never was."""
    unmeasured = Measured(Plan(Layout(1, 1), 1), RowCoupling.MIXED)
    memory.remember(CONDITIONS, unmeasured)
    assert memory.recall(CONDITIONS) == unmeasured


def test_a_folder_that_cannot_be_written_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The server goes on, and its operator learns why every start is slow."""
    (tmp_path / "cache").write_text("a file")
    memory = PlanMemory(tmp_path / "cache" / "plans")
    for _ in range(2):
        memory.remember(CONDITIONS, MEASURED)
    (message,) = caplog.messages
    assert message.startswith(f"cache-dir: measurements cannot be kept in {tmp_path}/cache/plans (Not a directory)")


def test_nothing_is_recalled_of_an_empty_memory(memory: PlanMemory) -> None:
    """The folder need not be there."""
    assert memory.recall(CONDITIONS) is None


@pytest.mark.parametrize("coupling", list(RowCoupling))
def test_every_coupling_is_kept(memory: PlanMemory, coupling: RowCoupling) -> None:
    """What rows do to one another is not measured again."""
    memory.remember(CONDITIONS, dataclasses.replace(MEASURED, coupling=coupling))
    recalled = memory.recall(CONDITIONS)
    assert recalled is not None
    assert recalled.coupling is coupling


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "cd" * 32},
        {"runtime": "onnxruntime 1.33.0"},
        {"provider": "cuda"},
        {"layouts": ("1x1", "4x1", "1x4")},
        {"processor": "Another Processor"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_other_conditions_are_measured_anew(memory: PlanMemory, change: dict[str, Any]) -> None:
    """A plan holds for one file, runtime, provider, number of cores and processor."""
    memory.remember(CONDITIONS, MEASURED)
    assert memory.recall(dataclasses.replace(CONDITIONS, **change)) is None


def test_later_measurement_replaces_the_earlier(memory: PlanMemory, tmp_path: Path) -> None:
    """One file for each conditions; nothing temporary is left."""
    memory.remember(CONDITIONS, MEASURED)
    memory.remember(CONDITIONS, dataclasses.replace(MEASURED, coupling=RowCoupling.MIXED))
    recalled = memory.recall(CONDITIONS)
    assert recalled is not None
    assert recalled.coupling is RowCoupling.MIXED
    assert len(list((tmp_path / "cache" / "plans").iterdir())) == 1


def change(**fields: Any) -> str:
    record = {
        "num_sessions": 2, "num_threads": 1, "max_batch_rows": 4, "rows_per_second": 430.5, "row_coupling": "none",
    }  # fmt: skip
    return json.dumps({**record, **fields})


@pytest.mark.parametrize(
    "content",
    [
        "", "{", "[]", "null", "3", '"text"', "{}", "\0", "[" * 100_000,
        change(num_sessions=0), change(num_threads=-1), change(max_batch_rows=0), change(num_sessions="two"),
        change(num_sessions=None), change(num_threads=float("inf")), change(row_coupling="friendly"),
        change(row_coupling=[]), change(num_sessions=3), change(num_sessions=10**9), change(rows_per_second="fast"),
        change(rows_per_second=float("nan")), change(max_batch_rows=10**12),
    ],
)  # fmt: skip
def test_file_that_makes_no_sense_is_measured_anew(memory: PlanMemory, tmp_path: Path, content: str) -> None:
    """Nothing that a hand or a crash wrote stops the start, or starts a billion threads."""
    memory.remember(CONDITIONS, MEASURED)
    (file,) = (tmp_path / "cache" / "plans").iterdir()
    file.write_text(content)
    assert memory.recall(CONDITIONS) is None


def test_test_record_is_believed_unspoilt(memory: PlanMemory, tmp_path: Path) -> None:
    """The record that the test above spoils is a good one."""
    memory.remember(CONDITIONS, MEASURED)
    (file,) = (tmp_path / "cache" / "plans").iterdir()
    file.write_text(change())
    assert memory.recall(CONDITIONS) is not None


def test_folder_that_cannot_be_written_costs_a_measurement_only(tmp_path: Path) -> None:
    """Neither remembering nor recalling raises where a file stands in the way, or where nobody may write."""
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file" / "plans", Path("/proc/podium")):
        memory = PlanMemory(folder)
        memory.remember(CONDITIONS, MEASURED)
        assert memory.recall(CONDITIONS) is None


def test_write_that_fails_leaves_nothing_behind(memory: PlanMemory, tmp_path: Path) -> None:
    """A folder in the place of the file makes the last step fail: the temporary file is taken away."""
    folder = tmp_path / "cache" / "plans"
    (folder / CONDITIONS.key / "occupied").mkdir(parents=True)
    memory.remember(CONDITIONS, MEASURED)
    assert [path.name for path in folder.iterdir()] == [CONDITIONS.key]


def test_one_process_measures_at_a_time(memory: PlanMemory, tmp_path: Path) -> None:
    """Workers that start together measure once: whoever comes second waits, and recalls what the first one found."""
    with memory.alone():
        lock = tmp_path / "cache" / "plans" / "measuring.lock"
        with lock.open("w") as second, pytest.raises(BlockingIOError):
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with lock.open("w") as third:
        fcntl.flock(third, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_processor_has_a_name() -> None:
    """Plans of different machines in a shared home folder are kept apart."""
    assert processor_model()
