"""Remembers what was measured, so that the next start is quick: one small file for each graph, machine and runtime."""

import contextlib
import hashlib
import json
import logging
import math
import platform
import tempfile
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path

from podium_server.generation.step_warmup import ROW_COUNTS
from podium_server.plan import BATCH_SIZES, Layout, Plan
from podium_server.warmup import RowCoupling

log = logging.getLogger(__name__)

FORMAT = 3
_SIZES = {*BATCH_SIZES, *ROW_COUNTS}


@dataclass(frozen=True, slots=True)
class Conditions:
    """Everything that a measurement depends on.

    Attributes:
        digest: SHA-256 of the graph's file.
        runtime: the runtime's name and version.
        provider: the execution provider.
        layouts: the layouts that may be chosen, such as "2x1" for two sessions of one thread.
        processor: the processor's model.
    """

    digest: str
    runtime: str
    provider: str
    layouts: tuple[str, ...]
    processor: str

    @property
    def key(self) -> str:
        """A file name for these conditions."""
        text = json.dumps([FORMAT, asdict(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32] + ".json"


@dataclass(frozen=True, slots=True)
class Measured:
    """What a warm-up found: how the graph runs best, and what its rows do to one another."""

    plan: Plan
    coupling: RowCoupling


def processor_model() -> str:
    """The processor's model name, as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


class PlanMemory:
    """Measured plans on disk.

    A file that cannot be read or written costs a measurement, nothing else; the log says once that none can be written.

    Args:
        folder: where the files lie; made when needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._complained = False

    @contextlib.contextmanager
    def alone(self) -> Generator[None, None, None]:
        """Hold off every other process that would measure with this memory: it could remember instead."""
        with contextlib.ExitStack() as held:
            with contextlib.suppress(OSError, ImportError):  # a folder that cannot be written, or Windows
                import fcntl

                self._folder.mkdir(parents=True, exist_ok=True)
                lock = held.enter_context((self._folder / "measuring.lock").open("w"))
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def recall(self, conditions: Conditions) -> Measured | None:
        """What was measured under these conditions, if anything was."""
        try:
            record = json.loads((self._folder / conditions.key).read_text(encoding="utf-8"))
            layout = Layout(int(record["num_sessions"]), int(record["num_threads"]))
            rows, rate = int(record["max_batch_rows"]), float(record["rows_per_second"])
            coupling = RowCoupling(record["row_coupling"])
        except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return None
        # A file that somebody wrote must not start a million threads.
        if layout.name not in conditions.layouts or rows not in _SIZES or not 0 <= rate < math.inf:
            return None
        return Measured(Plan(layout, rows, rate, "remembered" if rate else "default"), coupling)

    def remember(self, conditions: Conditions, measured: Measured) -> None:
        """Keep what was measured."""
        plan = measured.plan
        record = {
            "conditions": asdict(conditions),
            "num_sessions": plan.layout.num_sessions,
            "num_threads": plan.layout.num_threads,
            "max_batch_rows": plan.max_batch_rows,
            "rows_per_second": plan.rows_per_second,
            "row_coupling": measured.coupling.value,
        }
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=self._folder) as folder:
                file = Path(folder) / "plan.json"
                file.write_text(json.dumps(record, indent=1), encoding="utf-8")
                file.replace(self._folder / conditions.key)
        except OSError as error:
            if not self._complained:
                log.warning(
                    "cache-dir: measurements cannot be kept in %s (%s): every start will measure again",
                    self._folder,
                    error.strerror,
                )
            self._complained = True
