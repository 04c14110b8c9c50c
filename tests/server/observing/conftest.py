"""A whole server in this process, whose model is y = 2x, and calls of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from grpc import aio
from podium_server.oip.messages import ModelInferRequest, ModelInferResponse
from podium_server.ports import Ports
from podium_server.server import Server
from podium_server.settings import Settings

from tests.server.packages import write_package

INFER = "inference.GRPCInferenceService.ModelInfer"


class Served:
    """A started server with a channel to it."""

    def __init__(self, server: Server, ports: Ports) -> None:
        self.server = server
        self.http = f"http://127.0.0.1:{ports.http}"
        self.address = f"127.0.0.1:{ports.grpc}"
        self.channel = aio.insecure_channel(self.address)

    def infer(self, *values: float, model: str = "double", **options: Any) -> Any:
        """Begin a call of ModelInfer with one row."""
        tensor = ModelInferRequest.InferInputTensor(name="x", datatype="FP32", shape=[1, len(values)])
        raw = np.array(values, "<f4").tobytes()
        request = ModelInferRequest(model_name=model, inputs=[tensor], raw_input_contents=[raw])
        return self.channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            request_serializer=ModelInferRequest.SerializeToString,
            response_deserializer=ModelInferResponse.FromString,
        )(request, **options)


class Broken:
    """A session that fails."""

    def run(self, inputs: Any) -> Any:
        """Fail."""
        del inputs
        raise ValueError("node 3")


def break_runs(served: Served) -> None:
    """Let every run of the model fail from now on."""
    batcher: Any = served.server.catalogue.resolve("double").batchers["model"]
    batcher._session = Broken()


Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
async def serve(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Serve]:
    """Start servers of a repository with y = 2x, with settings of the test's own; they end with the test."""
    monkeypatch.setattr("podium_server.warmup.MEASURE_S", 0.001)
    write_package(repository / "double" / "1")
    started: list[Served] = []

    async def start(**given: Any) -> Served:
        usual: dict[str, Any] = {
            "repository": repository, "grpc_port": 0, "http_port": 0, "device": "cpu", "cores": 1, "sessions": 1,
            "threads": 1, "max_batch_rows": 4, "cache_dir": tmp_path / "cache",
        }  # fmt: skip
        server = Server(Settings(**(usual | given)))
        served = Served(server, await server.start())
        started.append(served)
        await server.load()
        return served

    yield start
    for served in started:
        await served.channel.close()
        await served.server.stop()
