"""`podium bench` as its users run it, against a real gRPC server with one model."""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc.aio
import numpy as np
import pytest
from PIL import Image
from podium.v1 import (
    classification_service_pb2,
    image_pb2,
    model_manifest_pb2,
    model_service_pb2,
    tensor_pb2,
)
from podium_server.oip.messages import ModelInferRequest

from tests.client.load.counting_server import AnyMethod, CountingServer

MANIFEST = model_manifest_pb2.ModelManifest(
    format=1,
    task=model_manifest_pb2.TASK_IMAGE_CLASSIFICATION,
    graphs=[
        model_manifest_pb2.Graph(
            name="model",
            inputs=[
                tensor_pb2.TensorSpec(
                    name="image",
                    element_type=tensor_pb2.ELEMENT_TYPE_FLOAT32,
                    shape=[tensor_pb2.Dimension(axis="batch"), tensor_pb2.Dimension(size=6)],
                )
            ],
        )
    ],
    image_preprocessing=image_pb2.ImagePreprocessing(height=4, width=5, color_mode=image_pb2.COLOR_MODE_RGB),
)


async def get_model(request: model_service_pb2.GetModelRequest, context: Any) -> model_service_pb2.GetModelResponse:
    """Describe version 3 of the model "any"; there is no other."""
    if request.model != "any":
        await context.abort(grpc.StatusCode.NOT_FOUND, f"no model {request.model!r}")
    version = model_service_pb2.ModelVersion(version=3, state=model_service_pb2.VERSION_STATE_READY)
    return model_service_pb2.GetModelResponse(name="any", version=version, manifest=MANIFEST)


CATALOGUE = grpc.method_handlers_generic_handler(
    "podium.v1.ModelService",
    {
        "GetModel": grpc.unary_unary_rpc_method_handler(
            get_model,
            model_service_pb2.GetModelRequest.FromString,
            model_service_pb2.GetModelResponse.SerializeToString,
        )
    },
)


@asynccontextmanager
async def serving(refuse_after: int | None = None) -> AsyncGenerator[CountingServer, None]:
    """Serve the model; every call but the first few may be refused."""

    async def respond(seen: CountingServer, context: Any) -> bytes:
        if refuse_after is not None and seen.num_calls > refuse_after:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "the queue is full")
        timing = "total;dur=4, preprocess;dur=1, queue;dur=0.5, run;dur=2"
        context.set_trailing_metadata((("server-timing", timing),))
        return b""

    seen = CountingServer()
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((CATALOGUE, AnyMethod(seen, respond)))
    seen.port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield seen
    finally:
        await server.stop(None)


async def bench(seen: CountingServer, *arguments: str, model: str = "any") -> tuple[int, str, str]:
    """Run the command; give its exit status, output and errors."""
    program = "from podium_client.main import main; main(prog_name='podium')"
    quick = ["--address", f"127.0.0.1:{seen.port}", "--seconds", "0.2", "--warmup", "0"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program, "bench", model, *quick, *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_the_networks_own_input_is_sent_to_the_version_described() -> None:
    """By default a random row goes through the Open Inference Protocol; figures come as JSON."""
    async with serving() as seen:
        status, out, err = await bench(seen, "--json", "--callers", "4", "--axis", "batch=2")
        request = ModelInferRequest.FromString(seen.last_request)
    assert (status, err) == (0, "")
    figures = json.loads(out)
    assert (figures["model"], figures["version"], figures["callers"]) == ("any", 3, 4)
    assert figures["requests_per_s"] > 0
    assert figures["errors"] == {}
    assert figures["server_ms"] == {"total": 4.0, "preprocess": 1.0, "queue": 0.5, "run": 2.0}
    assert (request.model_name, request.model_version) == ("any", "3")
    assert [(x.name, x.datatype, list(x.shape)) for x in request.inputs] == [("image", "FP32", [2, 6])]
    assert len(request.raw_input_contents[0]) == 2 * 6 * 4
    assert seen.most_inside <= 4


async def test_people_see_a_table() -> None:
    """Without --json there is a table with the figures and where the server's time went."""
    async with serving() as seen:
        status, out, _ = await bench(seen)
    assert status == 0
    for words in ("any/3: ModelInfer, image FP32 1×6", "requests/s", "p50", "p99", "waiting for a session", "0.500 ms"):
        assert words in out


async def test_a_picture_goes_through_classify(tmp_path: Path) -> None:
    """A file is sent as it is; --typed makes a random picture of the network's size."""
    file = tmp_path / "grey.png"
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(file)
    async with serving() as seen:
        status, out, _ = await bench(seen, "--image", str(file))
        sent = classification_service_pb2.ClassifyRequest.FromString(seen.last_request)
        assert (status, sent.model, sent.images[0].encoded) == (0, "any", file.read_bytes())
        assert "Classify, grey.png" in out
        status, out, _ = await bench(seen, "--typed")
        random = classification_service_pb2.ClassifyRequest.FromString(seen.last_request)
    assert (status, random.images[0].encoded[:4]) == (0, b"\x89PNG")
    assert "a random picture of 5×4" in out


async def test_refusals_under_load_are_counted_by_code() -> None:
    """A full queue is a result, not a failure of the benchmark, as long as some calls are answered."""
    async with serving(refuse_after=20) as seen:
        status, out, _ = await bench(seen, "--json")
    assert status == 0
    assert json.loads(out)["errors"]["RESOURCE_EXHAUSTED"] > 0


async def test_nothing_answered_is_a_failure() -> None:
    """Where every call of the load is refused, the exit status is 1 and the code is named."""
    async with serving(refuse_after=1) as seen:
        status, _, err = await bench(seen)
    assert status == 1
    assert "no call was answered OK" in err
    assert "RESOURCE_EXHAUSTED" in err


@pytest.mark.parametrize(
    ("model", "arguments", "words"),
    [
        ("other", (), "no model 'other'"),
        ("any", ("--axis", "tiem=3"), "'tiem' is no dynamic axis of this model's inputs (batch)"),
    ],
)
async def test_what_is_wrong_is_said_before_any_load(model: str, arguments: tuple[str, ...], words: str) -> None:
    """The server's or the client's own words, exit status 1, and not a single call of the load."""
    async with serving() as seen:
        status, _, err = await bench(seen, *arguments, model=model)
    assert (status, seen.num_calls) == (1, 0)
    assert words in err


async def test_a_wrong_command_line_is_told_from_a_failure() -> None:
    """The exit status is 2 and the message says what would be right."""
    async with serving() as seen:
        status, _, err = await bench(seen, "--axis", "batch")
    assert status == 2
    assert "give NAME=LENGTH" in err
