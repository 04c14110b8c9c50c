"""A step graph in ONNX Runtime alone, in a process of its own: a loop that feeds tokens and states back.

Run as `python -m tests.benchmarks.steps_alone VERSION_FOLDER`. Each question has `rows`, `threads` and `seconds`; the
answer is a `Point` of tokens. Tokens are chosen by the sampler of podium, with the model's own defaults.
"""

import sys
from dataclasses import asdict
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import onnxruntime
from podium_client.load.measured import percentile
from podium_server.generation.row_settings import RowSettings
from podium_server.generation.sampler import choose
from podium_server.generation.step_compiler import compile_step
from podium_server.package import read_package
from podium_server.philox import uniforms_of
from podium_server.text.choices import Defaults, Wanted
from podium_server.text.choices import choose as resolve

from tests.benchmarks.point import Point
from tests.benchmarks.worker import answer

_BLOCK = 256  # positions that uniform numbers are drawn ahead for, as podium draws them
_WARMUP_STEPS = 20


class Steps:
    """One step graph."""

    def __init__(self, folder: Path) -> None:
        manifest = read_package(folder).manifest
        self._path = folder / next(graph.file for graph in manifest.graphs if graph.name == "step")
        self._plan = compile_step(manifest)
        defaults = Defaults(manifest.generation.defaults, 1.0)
        chosen = resolve(type(defaults.decoding)(), defaults, Wanted("num_sequences", 1, ranked=False), _BLOCK)
        self._sampling: Any = chosen.method
        self._sessions: dict[int, onnxruntime.InferenceSession] = {}

    def measure(self, rows: int, threads: int, seconds: float) -> Point:
        """Take steps for some seconds with so many rows."""
        session, plan = self._opened(threads), self._plan
        names = [spec.name for spec in session.get_inputs()]
        settings = RowSettings.of([self._sampling] * rows, plan.vocabulary_size)
        seeds = np.arange(rows, dtype=np.uint64)
        none = np.zeros(rows, np.uint64)
        tokens = np.zeros((rows, 1), np.int64)
        states = [
            np.repeat(state, rows, spec.axis) for spec, state in zip(plan.states, plan.first_states({}), strict=True)
        ]
        uniform = uniforms_of(seeds, none, none, _BLOCK)
        durations: list[float] = []
        began = cpu_s = end = 0.0
        step = 0
        while step <= _WARMUP_STEPS or end - began < seconds:
            if step == _WARMUP_STEPS:
                durations.clear()
                began, cpu_s = perf_counter(), process_time()
            start = perf_counter()
            if step % _BLOCK == 0:
                uniform = uniforms_of(seeds, none, none + np.uint64(step), _BLOCK)
            fed = [tokens, *states]
            outputs: Any = session.run(None, {n: fed[i] for n, i in zip(names, plan.input_order, strict=True)})
            logits, *states = (outputs[i] for i in plan.output_order)
            tokens = choose(logits, settings, uniform[:, step % _BLOCK]).token_ids_N[:, None]
            end = perf_counter()
            durations.append(end - start)
            step += 1
        cpu_s = process_time() - cpu_s
        ordered, count = sorted(durations), len(durations) * rows
        return Point(
            per_s=count / (end - began),
            p50_ms=1000 * percentile(ordered, 50),
            p99_ms=1000 * percentile(ordered, 99),
            cpu_s_per_1000=1000 * cpu_s / count,
        )

    def _opened(self, threads: int) -> onnxruntime.InferenceSession:
        if threads not in self._sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            options.inter_op_num_threads = 1
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            self._sessions[threads] = onnxruntime.InferenceSession(
                self._path, options, providers=["CPUExecutionProvider"]
            )
        return self._sessions[threads]


def main() -> None:
    """Answer until the standard input closes."""
    steps = Steps(Path(sys.argv[1]))
    answer(lambda question: asdict(steps.measure(**question)))


if __name__ == "__main__":
    main()
