"""Clients that call a server as fast as they are answered, each over a connection of its own."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from grpc import StatusCode, aio
from podium_server.oip.messages import ModelInferRequest, ModelInferResponse

INFER = "/inference.GRPCInferenceService/ModelInfer"
CLIENTS, CALLS_EACH = 4, 16


def call(channel: aio.Channel, request: Any, *, patient: bool = False) -> Any:
    """Begin a call of the inference protocol; a patient one waits for a connection."""
    infer = channel.unary_unary(
        INFER,
        request_serializer=ModelInferRequest.SerializeToString,
        response_deserializer=ModelInferResponse.FromString,
    )
    return infer(request, timeout=60, wait_for_ready=patient)


def request(model: str = "double") -> Any:
    """A row of x."""
    tensor = ModelInferRequest.InferInputTensor(name="x", datatype="FP32", shape=[1, 3])
    raw = np.array([1, 2, 3], "<f4").tobytes()
    return ModelInferRequest(model_name=model, inputs=[tensor], raw_input_contents=[raw])


# Calls that nobody ran are sent again, as any gRPC client does that is told to.
RETRYING = json.dumps({
    "methodConfig": [{
        "name": [{}],
        "retryPolicy": {
            "maxAttempts": 5, "initialBackoff": "0.05s", "maxBackoff": "1s", "backoffMultiplier": 2,
            "retryableStatusCodes": ["UNAVAILABLE"],
        },
    }],
    "loadBalancingConfig": [{"round_robin": {}}],
})  # fmt: skip


def open_channel(address: str, service_config: str = "{}") -> aio.Channel:
    """A channel that shares its connection with no other, as programs on several machines do not."""
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.service_config", service_config)]
    return aio.insecure_channel(address, options=options)


class Callers:
    """Clients that call as fast as they are answered, until the server is gone.

    Attributes:
        codes: how calls ended, all clients together.
        most_failures: of one of them.
        busy: set when each client has had an answer.
    """

    def __init__(self, address: str, *, patient: bool = False, service_config: str = "{}") -> None:
        self._address = address
        self._service_config = service_config
        self._patient = patient
        self.most_failures = 0
        self.codes: Counter[StatusCode] = Counter()
        self.busy = asyncio.Event()

    async def run(self, over: Callable[[], bool]) -> None:
        """Call until the server is gone."""
        async with asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(self._client(over))

    async def _client(self, over: Callable[[], bool]) -> None:
        async with open_channel(self._address, self._service_config) as channel:
            await asyncio.gather(*(self._caller(channel, over) for _ in range(CALLS_EACH)))

    async def _caller(self, channel: aio.Channel, over: Callable[[], bool]) -> None:
        failures = 0
        while not over():
            try:
                answer = await call(channel, request(), patient=self._patient)
            except aio.AioRpcError as error:
                self.codes[error.code()] += 1
                failures += 1
                self.most_failures = max(self.most_failures, failures)
                continue
            assert np.frombuffer(answer.raw_output_contents[0], "<f4").tolist() == [2, 4, 6]
            self.codes[StatusCode.OK] += 1
            if self.codes[StatusCode.OK] > CLIENTS * CALLS_EACH:
                self.busy.set()
