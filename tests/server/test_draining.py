"""How a server ends: a real process, real signals."""

import queue
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest
from onnx import TensorProto, helper, save_model
from podium_server.oip import messages as oip

STREAM = "/inference.GRPCInferenceService/ModelStreamInfer"
PROGRAM = "from podium_client.main import main; main(prog_name='podium')"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A `podium serve` process with a model that returns its input, and the address it serves gRPC on."""
    folder = tmp_path / "models" / "identity" / "1"
    folder.mkdir(parents=True)
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", [x], [y])
    opset = helper.make_opsetid("", 18)
    save_model(helper.make_model(graph, opset_imports=[opset], ir_version=10), folder / "model.onnx")
    flags = ["--grpc-port", "0", "--http-port", "0", "--drain-s", "3600", "--cache-dir", str(tmp_path / "cache")]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "serve", str(tmp_path / "models"), *flags],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    yield process, line.split("gRPC on ")[1].split(",")[0]
    process.kill()
    process.wait()
    process.stdout.close()


def test_an_idle_stream_does_not_hold_up_the_end(server: tuple["subprocess.Popen[str]", str]) -> None:
    """A stream that was answered and stays open is cut off: the process ends with 0, long before its limit."""
    process, address = server
    requests: queue.Queue[oip.ModelInferRequest | None] = queue.Queue()
    tensor = oip.ModelInferRequest.InferInputTensor(name="x", datatype="FP32", shape=[2])
    requests.put(
        oip.ModelInferRequest(
            model_name="identity", inputs=[tensor], raw_input_contents=[np.array([1, 2], np.float32).tobytes()]
        )
    )
    with grpc.insecure_channel(address) as channel:
        open_stream = channel.stream_stream(
            STREAM,
            request_serializer=oip.ModelInferRequest.SerializeToString,
            response_deserializer=oip.ModelStreamInferResponse.FromString,
        )
        stream = open_stream(iter(requests.get, None))
        answer = next(iter(stream))
        assert answer.infer_response.raw_output_contents[0] == np.array([1, 2], np.float32).tobytes()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
        requests.put(None)


def test_an_interrupt_ends_like_a_termination(server: tuple["subprocess.Popen[str]", str]) -> None:
    """Ctrl-C drains too, and the exit status is 0."""
    process, _ = server
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
