"""Tokens written a second: the step graph in ONNX Runtime alone, podium one text at a time, podium with all streams."""

from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.point import Point
from tests.benchmarks.subjects import ALONE, PODIUM, PodiumServer
from tests.benchmarks.worker import Worker

STREAMS = (1, 16, 64)
ONE_AT_A_TIME = "podium, one text at a time"

_PROMPT = "KING:\n"
_MAX_TOKENS = 1024  # the loop reads no prompts, so these must not be much of what is compared


def step_folder(repository: Path, model: str) -> Path | None:
    """Find the newest version of a model that writes; None: the model has no step graph."""
    versions = sorted(repository.glob(f"{model}/[0-9]*/step.onnx"), key=lambda path: int(path.parent.name))
    return versions[-1].parent if versions else None


class StepsAlone:
    """A step graph in ONNX Runtime in a process of its own: as many rows as there are streams, step after step.

    States are fed back, and tokens are chosen as podium chooses them; nobody joins, leaves, or is told anything.
    """

    name = ALONE

    def __init__(self, folder: Path, num_cores: int, seconds: float) -> None:
        self._worker = Worker("tests.benchmarks.steps_alone", [str(folder)])
        self.threads = {streams: self._best_threads(streams, num_cores, seconds) for streams in STREAMS}

    def _best_threads(self, rows: int, num_cores: int, seconds: float) -> int:
        return max({1, num_cores}, key=lambda threads: self._ask(rows, threads, seconds).per_s)

    def _ask(self, rows: int, threads: int, seconds: float) -> Point:
        return Point(**self._worker.ask({"rows": rows, "threads": threads, "seconds": seconds}))

    def measure(self, callers: int, seconds: float) -> Point:
        """Take steps with as many rows as there are streams, and the better number of threads."""
        return self._ask(callers, self.threads[callers], seconds)

    def close(self) -> None:
        """End the process."""
        self._worker.close()


class TextReaders:
    """The process of those who read texts."""

    def __init__(self) -> None:
        self._worker = Worker("tests.benchmarks.text_readers")

    def measure(self, model: str, server: PodiumServer, streams: int, seconds: float) -> Point:
        """Read texts of a podium server."""
        question = {
            "address": f"127.0.0.1:{server.port}",
            "pid": server.pid,
            "model": model,
            "prompt": _PROMPT,
            "max_tokens": _MAX_TOKENS,
            "streams": streams,
            "warmup_s": max(0.5, seconds / 5),
            "seconds": seconds,
        }
        return Point(**self._worker.ask(question))

    def close(self) -> None:
        """End the process."""
        self._worker.close()


class PodiumTexts:
    """One model of a podium server, `StreamGenerate` of so many streams."""

    name = PODIUM

    def __init__(self, model: str, server: PodiumServer, readers: TextReaders) -> None:
        self._model = model
        self._server = server
        self._readers = readers

    def measure(self, callers: int, seconds: float) -> Point:
        """Have so many readers read."""
        return self._readers.measure(self._model, self._server, callers, seconds)

    def close(self) -> None:
        """Leave server and readers to their owner."""


class OneAtATime(PodiumTexts):
    """The same texts one after another, however many wait: what a server without batching has to offer."""

    name = ONE_AT_A_TIME

    def measure(self, callers: int, seconds: float) -> Point:
        """Have one reader read."""
        return super().measure(1, seconds)


def text_subjects(model: str, server: PodiumServer, readers: TextReaders) -> Sequence[PodiumTexts]:
    """Give podium's sides of the contest."""
    return [OneAtATime(model, server, readers), PodiumTexts(model, server, readers)]
