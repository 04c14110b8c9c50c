"""ONNX Runtime alone, in a process of its own: sessions side by side, each running the same batch again and again.

Run as `python -m tests.benchmarks.alone MODEL.onnx`. Each question is a `Layout` and `seconds`; the answer is a
`Point` whose requests are rows.
"""

import sys
import threading
from dataclasses import asdict, dataclass
from time import perf_counter, process_time
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from podium_client.load.measured import percentile

from tests.benchmarks.point import Point
from tests.benchmarks.worker import answer

_WARMUP_RUNS = 3


@dataclass(frozen=True, slots=True)
class Layout:
    """How a graph is run.

    Attributes:
        batch: rows in each run.
        sessions: runs side by side.
        threads: threads inside each run.
        spinning: whether idle threads spin; makes a difference with two threads or more.
    """

    batch: int
    sessions: int
    threads: int
    spinning: bool = False

    def __str__(self) -> str:
        spinning = ", spinning" if self.spinning else ""
        return f"batch {self.batch}, {self.sessions} × {self.threads} threads{spinning}"


class Alone:
    """One model in ONNX Runtime, under any layout."""

    def __init__(self, model_path: str) -> None:
        self._model_path = model_path
        self._sessions: dict[tuple[int, bool], list[onnxruntime.InferenceSession]] = {}

    def measure(self, layout: Layout, seconds: float) -> Point:
        """Run a layout for some seconds on random rows."""
        sessions = self._opened(layout)
        feed = _random_feed(sessions[0], layout.batch)
        for session in sessions:
            for _ in range(_WARMUP_RUNS):
                session.run(None, feed)
        durations: list[list[float]] = [[] for _ in sessions]
        began, cpu_s = perf_counter(), process_time()
        threads = [
            threading.Thread(target=_loop, args=(session, feed, began + seconds, out))
            for session, out in zip(sessions, durations, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        elapsed, cpu_s = perf_counter() - began, process_time() - cpu_s
        runs = sorted(duration for out in durations for duration in out)
        rows = len(runs) * layout.batch
        return Point(
            per_s=rows / elapsed,
            p50_ms=1000 * percentile(runs, 50),
            p99_ms=1000 * percentile(runs, 99),
            cpu_s_per_1000=1000 * cpu_s / rows,
        )

    def _opened(self, layout: Layout) -> list[onnxruntime.InferenceSession]:
        sessions = self._sessions.setdefault((layout.threads, layout.spinning), [])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = layout.threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", str(int(layout.spinning)))
        while len(sessions) < layout.sessions:
            providers = ["CPUExecutionProvider"]
            sessions.append(onnxruntime.InferenceSession(self._model_path, options, providers=providers))
        return sessions[: layout.sessions]


def _random_feed(session: onnxruntime.InferenceSession, batch: int) -> dict[str, NDArray[Any]]:
    """Make rows of standard normal numbers, and of class 0 where a graph takes one; the first axis is the batch."""
    random = np.random.default_rng(0)
    feed: dict[str, NDArray[Any]] = {}
    for spec in session.get_inputs():
        shape = (batch, *spec.shape[1:])
        is_class = spec.type == "tensor(int64)"
        feed[spec.name] = np.zeros(shape, np.int64) if is_class else random.standard_normal(shape, dtype=np.float32)
    return feed


def _loop(session: onnxruntime.InferenceSession, feed: dict[str, NDArray[Any]], until: float, out: list[float]) -> None:
    now = perf_counter()
    while now < until:
        session.run(None, feed)
        end = perf_counter()
        out.append(end - now)
        now = end


def main() -> None:
    """Answer until the standard input closes."""
    alone = Alone(sys.argv[1])

    def respond(question: dict[str, Any]) -> dict[str, Any]:
        seconds = question.pop("seconds")
        return asdict(alone.measure(Layout(**question), seconds))

    answer(respond)


if __name__ == "__main__":
    main()
