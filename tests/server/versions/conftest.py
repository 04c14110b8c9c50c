"""A whole server in this process, whose watch is quick."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from grpc import aio
from podium.v1 import model_service_pb2_grpc as stubs
from podium_server.oip.messages import ModelInferRequest, ModelInferResponse
from podium_server.server import Server
from podium_server.settings import Settings


class Running:
    """A server that serves, and callers of it."""

    def __init__(self, server: Server, grpc_port: int) -> None:
        self.server = server
        self.catalogue = server.catalogue
        self.channel = aio.insecure_channel(f"127.0.0.1:{grpc_port}")
        self.models: Any = stubs.ModelServiceStub(self.channel)
        self._infer = self.channel.unary_unary(
            "/inference.GRPCInferenceService/ModelInfer",
            request_serializer=ModelInferRequest.SerializeToString,
            response_deserializer=ModelInferResponse.FromString,
        )

    async def infer(
        self, name: str, request_id: str = "", version: str = "", timeout_s: float = 60
    ) -> tuple[int, float]:
        """Ask a model y = factor · x of its factor: the version that answered, and the factor."""
        tensor = ModelInferRequest.InferInputTensor(name="x", datatype="FP32", shape=[1, 3])
        raw = np.ones(3, "<f4").tobytes()
        request = ModelInferRequest(
            model_name=name, model_version=version, id=request_id, inputs=[tensor], raw_input_contents=[raw]
        )
        response = await self._infer(request, timeout=timeout_s)
        return int(response.model_version), float(np.frombuffer(response.raw_output_contents[0], "<f4")[0])

    async def stop(self) -> None:
        """End it as a termination does."""
        await self.channel.close()
        await self.server.stop()


Serve = Callable[..., Awaitable[Running]]


@pytest.fixture
async def serve(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Serve]:
    """Serve the repository on free ports, on one core; what still runs at the end is stopped."""
    monkeypatch.setattr("podium_server.warmup.MEASURE_S", 0.001)
    monkeypatch.setattr("podium_server.versions.watch.SETTLE_S", 0.05)
    monkeypatch.setattr("podium_server.versions.watch.STEP_MS", 20)
    monkeypatch.setattr("podium_server.versions.watch.POLL_MS", 50)
    running: list[Running] = []

    async def start(**given: Any) -> Running:
        usual: dict[str, Any] = {
            "repository": repository, "grpc_port": 0, "http_port": 0, "device": "cpu", "cores": 1, "sessions": 1,
            "threads": 1, "max_batch_rows": 4, "cache_dir": tmp_path / "cache", "drain_s": 30, "watch": "events",
        }  # fmt: skip
        server = Server(Settings(**(usual | given)))
        ports = await server.start()
        await server.load()
        running.append(Running(server, ports.grpc))
        return running[-1]

    yield start
    for each in running:
        await each.stop()
