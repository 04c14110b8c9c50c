"""A slow model at four times what it takes: what is accepted is answered, and the rest refused at once."""

import asyncio
import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from grpc import StatusCode, aio
from onnx import helper
from podium_server.oip.messages import ModelInferRequest

from tests.security.conftest import Running, Start
from tests.security.test_limits import infer, refusal_of
from tests.server.packages import onnx_bytes, write_onnx

QUEUE_ROWS = 16
CALLERS = 4 * QUEUE_ROWS
SIZE = 256
REFUSED = StatusCode.UNAVAILABLE  # as the Open Inference Protocol's clients want it; RESOURCE_EXHAUSTED elsewhere


def slow() -> bytes:
    """y = x times the identity, many times over: a run takes longer than callers to come, and gives what was asked."""
    names = ["x", *(f"h{i}" for i in range(59)), "y"]
    nodes = [helper.make_node("MatMul", [a, "eye"], [b]) for a, b in itertools.pairwise(names)]
    axes = (SIZE, SIZE)
    return onnx_bytes(nodes, {"x": axes}, {"y": axes}, {"eye": np.eye(SIZE, dtype=np.float32)})


def question(number: int) -> Any:
    """A call with a number of its own."""
    tensor = ModelInferRequest.InferInputTensor(name="x", datatype="FP32", shape=[SIZE, SIZE])
    raw = np.full((SIZE, SIZE), number, "<f4").tobytes()
    return ModelInferRequest(model_name="slow", inputs=[tensor], raw_input_contents=[raw])


async def test_what_is_accepted_is_answered_and_the_rest_refused_at_once(start: Start, repository: Path) -> None:
    """Everybody gets an answer or a refusal with when to come back, and the counters are what the callers saw."""
    write_onnx(repository / "slow" / "1", slow())
    running = await start(queue_rows=QUEUE_ROWS, max_images_per_request=QUEUE_ROWS)
    seen: Counter[str] = Counter()
    order: list[str] = []
    async with aio.insecure_channel(running.address) as channel:

        async def call(number: int) -> None:
            try:
                answer = await infer(channel, question(number))
            except aio.AioRpcError as error:
                reason, retry_after_s = refusal_of(error, REFUSED)
                assert (reason, retry_after_s >= 0) == ("QUEUE_FULL", True)
                order.append(error.code().name)
            else:
                assert set(np.frombuffer(answer.raw_output_contents[0], "<f4")) == {np.float32(number)}
                order.append("OK")
            seen[order[-1]] += 1

        await call(0)
        order.clear()
        for wave in range(3):
            await asyncio.gather(*(call(wave * CALLERS + number) for number in range(CALLERS)))
    assert seen["OK"] + seen[REFUSED.name] == 1 + 3 * CALLERS
    assert seen["OK"] >= 1 + 3 * (QUEUE_ROWS + 1), "a whole queue, and the one that runs"
    assert seen[REFUSED.name] >= CALLERS, "four times what it takes was sent"
    assert order[-1] == "OK", "who was refused did not wait for those who were accepted"
    assert counted(running) == {StatusCode[name].name: count for name, count in seen.items()}
    assert refused(running) == seen[REFUSED.name]


def counted(running: Running) -> dict[str, int]:
    """Calls of the model by code, as the metrics page has them."""
    return {
        sample.labels["code"]: int(sample.value)
        for family in running.server.metrics.requests.collect()
        for sample in family.samples
        if sample.name == "podium_requests_total" and sample.labels["model"] == "slow"
    }


def refused(running: Running) -> int:
    """Requests that found the queue full."""
    return sum(
        int(sample.value)
        for family in running.server.metrics.refused.collect()
        for sample in family.samples
        if sample.name == "podium_refused_total" and sample.labels["model"] == "slow"
    )
