"""What is measured: ONNX Runtime alone, gRPC alone, and podium."""

import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Protocol

from podium_client import Client
from podium_client.catalogue import ExecutionPlan
from podium_client.load.infer_request import PATH

from tests.benchmarks.alone import Layout
from tests.benchmarks.benchmarked_model import BenchmarkedModel
from tests.benchmarks.layout_search import LayoutSearch
from tests.benchmarks.point import Point
from tests.benchmarks.worker import Worker

ALONE, ECHO, PODIUM = "ONNX Runtime alone", "gRPC echo alone", "podium"
_CALLERS_PER_CONNECTION = 16
_START_TIMEOUT_S = 300.0
_PODIUM = ("-c", "from podium_client.main import main; main(prog_name='podium')")


class Subject(Protocol):
    """Something that can be measured under load."""

    name: str

    def measure(self, callers: int, seconds: float) -> Point:
        """Measure it with so many callers."""
        ...

    def close(self) -> None:
        """End its processes."""
        ...


class OnnxRuntimeAlone:
    """One graph in ONNX Runtime in a process of its own, without a server.

    A lone caller is compared with the quickest run of one row, more callers with the most rows a second of any
    batch size.
    """

    name = ALONE

    def __init__(
        self, model: BenchmarkedModel, num_cores: int, search_seconds: float, tell: Callable[[str], None]
    ) -> None:
        self._worker = Worker("tests.benchmarks.alone", [str(model.onnx_path)])
        search = LayoutSearch(self._worker, num_cores, search_seconds, tell)
        self.lone: Layout = search.quickest_row()
        self.best: Layout = search.most_rows()

    def measure(self, callers: int, seconds: float) -> Point:
        """Run the layout that fits so many callers."""
        layout = self.lone if callers == 1 else self.best
        return Point(**self._worker.ask({**asdict(layout), "seconds": seconds}))

    def close(self) -> None:
        """End the process."""
        self._worker.close()


class Generator:
    """The load generator's process, and the request files that it reads."""

    def __init__(self) -> None:
        self._worker = Worker("tests.benchmarks.generator")
        self._folder = tempfile.TemporaryDirectory()

    def measure(self, port: int, pid: int, request: bytes, callers: int, seconds: float, path: str = PATH) -> Point:
        """Load the server on a port of this machine whose process is `pid`; `path` names the method."""
        file = Path(self._folder.name) / "request"
        file.write_bytes(request)
        connections = -(-callers // _CALLERS_PER_CONNECTION)
        question: Mapping[str, object] = {
            "host": "127.0.0.1",
            "port": port,
            "path": path,
            "request_file": str(file),
            "pid": pid,
            "callers": callers,
            "connections": connections,
            "warmup_s": seconds / 5,
            "seconds": seconds,
        }
        return Point(**self._worker.ask(dict(question)))

    def close(self) -> None:
        """End the process."""
        self._worker.close()
        self._folder.cleanup()


class Echo:
    """The echo server, with requests and answers of a model's size, in the event loop that serves it better."""

    name = ECHO

    def __init__(self, model: BenchmarkedModel, generator: Generator, trial_seconds: float) -> None:
        self._generator = generator
        self._request = model.request
        per_s: dict[str, float] = {}
        for loop in ("asyncio", "uvloop"):
            self._start(model.answer_bytes, loop)
            per_s[loop] = self.measure(64, trial_seconds).per_s
            self.close()
        self.loop = max(per_s, key=per_s.__getitem__)
        self._start(model.answer_bytes, self.loop)

    def _start(self, answer_bytes: int, loop: str) -> None:
        command = [sys.executable, "-m", "tests.benchmarks.echo", str(answer_bytes), loop]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self._port = int(self._process.stdout.readline())

    def measure(self, callers: int, seconds: float) -> Point:
        """Load the echo server."""
        return self._generator.measure(self._port, self._process.pid, self._request, callers, seconds)

    def close(self) -> None:
        """End the server."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


class PodiumServer:
    """`podium serve` of a repository, as it comes, or under another Python module that runs `podium`.

    It remembers nothing from earlier: its plans are measured on the machine as it is now.

    Args:
        repository: the models.
        python: what Python runs.
        settings: flags beyond what every server here is given.
    """

    def __init__(self, repository: Path, python: Sequence[str] = _PODIUM, settings: Sequence[str] = ()) -> None:
        self.port = _free_port()
        ports = ["--grpc-port", str(self.port), "--http-port", "0"]
        self._cache = tempfile.TemporaryDirectory()
        command = [sys.executable, *python, "serve", str(repository), *ports, "--cache-dir", self._cache.name]
        command += settings
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        with Client(f"127.0.0.1:{self.port}") as client:
            client.wait_until_ready(timeout=_START_TIMEOUT_S)

    @property
    def pid(self) -> int:
        """The server's process number."""
        return self._process.pid

    def plan(self, model: str, graph: str) -> str:
        """Say what batch size and layout it chose for a graph."""
        plan = self._plan(model, graph)
        return f"batch up to {plan.max_batch_rows}, {plan.num_sessions} × {plan.num_threads} threads ({plan.source})"

    def rows_in_runs(self, model: str, graph: str) -> int:
        """Say how many rows of a graph may be in its runs at a time."""
        plan = self._plan(model, graph)
        return plan.max_batch_rows * plan.num_sessions

    def _plan(self, model: str, graph: str) -> ExecutionPlan:
        with Client(f"127.0.0.1:{self.port}") as client:
            return next(plan for plan in client.model(model).version.plans if plan.graph == graph)

    def close(self) -> None:
        """Stop it as an operator would."""
        self._process.terminate()
        self._process.wait()
        self._cache.cleanup()


class Podium:
    """One model of a podium server."""

    name = PODIUM

    def __init__(self, model: BenchmarkedModel, server: PodiumServer, generator: Generator) -> None:
        self._model = model
        self._server = server
        self._generator = generator

    def measure(self, callers: int, seconds: float) -> Point:
        """Load the model."""
        return self._generator.measure(self._server.port, self._server.pid, self._model.request, callers, seconds)

    def plan(self) -> str:
        """Say what batch size and layout the server chose."""
        return self._server.plan(self._model.name, "model")

    def close(self) -> None:
        """Leave the server to its owner."""


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
