"""The whole server: as a process with signals and exit statuses, and in this one with ports and a clean end."""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest
from grpc import StatusCode, aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from podium.v1 import model_service_pb2 as pb
from podium.v1 import model_service_pb2_grpc as stubs
from podium_server.oip.messages import ModelInferRequest, ModelInferResponse
from podium_server.server import Server
from podium_server.settings import Settings
from podium_server.start_error import StartError

from tests.server.packages import scaled, write_onnx, write_package

PATIENCE_S = 60.0
PODIUM = str(Path(sys.executable).with_name("podium"))


@pytest.fixture
def settings(repository: Path, tmp_path: Path) -> Callable[..., Settings]:
    """Make settings for a server of this repository on free ports."""

    def make(**given: Any) -> Settings:
        usual: dict[str, Any] = {
            "repository": repository, "grpc_port": 0, "http_port": 0, "device": "cpu", "cores": 1, "sessions": 1,
            "threads": 1, "max_batch_rows": 4, "cache_dir": tmp_path / "cache", "drain_s": 30,
        }  # fmt: skip
        return Settings(**(usual | given))

    return make


def infer_request(*values: float) -> Any:
    """One row for y = 2x."""
    tensor = ModelInferRequest.InferInputTensor(name="x", datatype="FP32", shape=[1, 3])
    raw = np.array(values, "<f4").tobytes()
    return ModelInferRequest(model_name="double", inputs=[tensor], raw_input_contents=[raw])


def infer(channel: aio.Channel, request: Any) -> Any:
    """Begin a call of the inference protocol."""
    return channel.unary_unary(
        "/inference.GRPCInferenceService/ModelInfer",
        request_serializer=ModelInferRequest.SerializeToString,
        response_deserializer=ModelInferResponse.FromString,
    )(request)


class Running:
    """A started server in this process."""

    def __init__(self, server: Server, grpc_port: int, http_port: int) -> None:
        self.server = server
        self.http = f"http://127.0.0.1:{http_port}"
        self.ports = (grpc_port, http_port)
        self.channel = aio.insecure_channel(f"127.0.0.1:{grpc_port}")
        self.health: Any = health_pb2_grpc.HealthStub(self.channel)


@pytest.fixture
async def running(repository: Path, settings: Callable[..., Settings]) -> AsyncIterator[Running]:
    """A server whose model y = 2x is not loaded yet."""
    write_package(repository / "double" / "1")
    server = Server(settings())
    ports = await server.start()
    running = Running(server, ports.grpc, ports.http)
    yield running
    await running.channel.close()
    await server.stop()


async def test_probes_answer_before_models_are_loaded(running: Running) -> None:
    """Live, not ready, and not serving; and all of them after."""
    request = health_pb2.HealthCheckRequest()
    assert all(running.ports)
    assert (await running.health.Check(request)).status == health_pb2.HealthCheckResponse.NOT_SERVING
    await running.server.load()
    assert (await running.health.Check(request)).status == health_pb2.HealthCheckResponse.SERVING
    page = await asyncio.to_thread(fetch, running.http + "/metrics")
    assert 'podium_model_state{model="double",state="READY",version="1"} 1.0' in page


def fetch(url: str) -> str:
    with urlopen(url, timeout=30) as response:
        return str(response.read().decode())


async def test_call_is_counted_under_the_version_that_answered(running: Running) -> None:
    """The counters of the page are what was called."""
    await running.server.load()
    for _ in range(3):
        response = await infer(running.channel, infer_request(1, 2, 3))
        assert np.frombuffer(response.raw_output_contents[0], "<f4").tolist() == [2, 4, 6]
    page = await asyncio.to_thread(fetch, running.http + "/metrics")
    labels = 'code="OK",limit="",method="inference.GRPCInferenceService.ModelInfer",model="double",version="1"'
    assert f"podium_requests_total{{{labels}}} 3.0" in page


async def test_stop_finishes_what_was_accepted_and_takes_nothing_new(
    running: Running,
) -> None:
    """A call inside is answered after SIGTERM's stop began; one that comes then is told that the server is going."""
    await running.server.load()
    gate = running.server.gate
    gate.enter()  # one call is inside
    stopping = asyncio.ensure_future(running.server.stop())
    await asyncio.sleep(0)
    with pytest.raises(aio.AioRpcError) as refusal:
        await infer(running.channel, infer_request(1, 2, 3))
    assert refusal.value.code() is StatusCode.UNAVAILABLE
    assert "shutting down" in str(refusal.value.details())
    status = (await running.health.Check(health_pb2.HealthCheckRequest())).status
    assert status == health_pb2.HealthCheckResponse.NOT_SERVING
    assert not stopping.done()
    gate.leave()
    await asyncio.wait_for(stopping, PATIENCE_S)


async def test_stop_does_not_wait_longer_than_it_was_told(repository: Path, settings: Callable[..., Settings]) -> None:
    """A call that never ends is cut off at the limit."""
    write_package(repository / "double" / "1")
    server = Server(settings(drain_s=0.1))
    await server.start()
    server.gate.enter()  # never leaves
    await asyncio.wait_for(server.stop(), PATIENCE_S)


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
async def test_host_that_is_not_this_machine_is_named(settings: Callable[..., Settings], host: str) -> None:
    """The ports are not to blame. 192.0.2.0/24 is kept for documentation, .invalid for names that are none."""
    server = Server(settings(host=host))
    with pytest.raises(StartError, match=f"^host: {host} is no address of this machine; give one"):
        await server.start()
    await server.stop()


@pytest.mark.parametrize("setting", ["grpc-port", "http-port"])
async def test_taken_port_is_named(settings: Callable[..., Settings], setting: str) -> None:
    """The error has the setting, the address and the way out; the other port is free again."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        server = Server(settings(**{setting.replace("-", "_"): port}))
        with pytest.raises(StartError, match=rf"{setting}: 127\.0\.0\.1:{port} cannot be bound.*0 takes any free port"):
            await server.start()
        await server.stop()


async def test_two_servers_fit_in_one_process(repository: Path, settings: Callable[..., Settings]) -> None:
    """Nothing global is shared: each has ports, metrics and models of its own."""
    write_onnx(repository / "double" / "1", scaled())
    servers = [Server(settings()) for _ in range(2)]
    ports = [await server.start() for server in servers]
    await asyncio.gather(*(server.load() for server in servers))
    assert len({port for pair in ports for port in (pair.grpc, pair.http)}) == 4
    assert all(server.catalogue.ready for server in servers)
    await asyncio.gather(*(server.stop() for server in servers))


@pytest.fixture
def podium(tmp_path: Path) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Start `podium serve` as an operator does; what still runs at the end is ended."""
    processes: list[subprocess.Popen[str]] = []
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PODIUM_")}

    def start(*arguments: str) -> "subprocess.Popen[str]":
        command = [PODIUM, "serve", *arguments]
        usual = ["--http-port", "0", "--cores", "1", "--device", "cpu", "--cache-dir", str(tmp_path / "cache")]
        process = subprocess.Popen(
            command + usual,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def ports_of(process: "subprocess.Popen[str]") -> tuple[int, int]:
    """The ports that a ready server prints."""
    assert process.stdout is not None
    line = process.stdout.readline()
    match = re.fullmatch(r"podium: serving gRPC on 127\.0\.0\.1:(\d+), HTTP on 127\.0\.0\.1:(\d+)\n", line)
    assert match, line or (process.stderr and process.stderr.read())
    return int(match[1]), int(match[2])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_process_serves_until_it_is_told_to_stop(
    repository: Path, podium: Callable[..., "subprocess.Popen[str]"], number: signal.Signals
) -> None:
    """Ports are printed when ready; the exit status of a clean end is 0, and no trace is in the log."""
    write_package(repository / "double" / "1")
    process = podium(str(repository), "--grpc-port", "0")
    grpc_port, http_port = await asyncio.to_thread(ports_of, process)
    assert await asyncio.to_thread(fetch, f"http://127.0.0.1:{http_port}/readyz") == "ready\n"
    async with aio.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
        models: Any = stubs.ModelServiceStub(channel)
        listed = await models.ListModels(pb.ListModelsRequest())
        assert listed.models[0].default_version == 1
        process.send_signal(number)
        _, log = await asyncio.to_thread(process.communicate, timeout=PATIENCE_S)
    assert process.returncode == 0, log
    assert "Traceback" not in log


async def test_signal_while_loading_ends_cleanly(
    repository: Path, podium: Callable[..., "subprocess.Popen[str]"]
) -> None:
    """Nobody has to wait for models that nobody will ask."""
    for number in range(20):
        write_onnx(repository / f"model-{number}" / "1", scaled(number))  # each is measured by itself
    process = podium(str(repository), "--grpc-port", "0")
    assert process.stderr is not None
    line = await asyncio.to_thread(process.stderr.readline)  # the first model is measured
    assert line
    process.send_signal(signal.SIGTERM)
    output, log = await asyncio.to_thread(process.communicate, timeout=PATIENCE_S)
    assert process.returncode == 0, line + log
    assert output == "", "it was ready before the signal came"
    assert "Traceback" not in log


def test_process_that_cannot_start_says_why(repository: Path, podium: Callable[..., "subprocess.Popen[str]"]) -> None:
    """Exit status 1, one line, the setting named."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        process = podium(str(repository), "--grpc-port", str(port))
        output, log = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert output == ""
    assert f"podium serve: grpc-port: 127.0.0.1:{port} cannot be bound" in log
    assert "Traceback" not in log


def test_server_never_imports_the_training_world() -> None:
    """Neither torch nor onnx, nor podium's other parts, come with it: a start is quick and an image small."""
    program = "import json, sys, podium_server.serving, podium_server.command; print(json.dumps(list(sys.modules)))"
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    loaded = {name.split(".")[0] for name in json.loads(output)}
    assert "onnxruntime" in loaded
    assert not loaded & {"torch", "onnx", "podium_export", "podium_client", "onnxscript", "scipy", "skimage"}


def test_readme_has_every_setting_with_its_default() -> None:
    """The table of the folder's README is what `Settings` says."""
    page = (Path(__file__).parents[2] / "server" / "README.md").read_text()
    table = page.partition("## Settings")[2].partition("\n## ")[0]
    told: dict[str, str] = {}
    for names, default in re.findall(r"^\| (`[^|]+`) \| ([^|]+) \|", table, re.MULTILINE):
        defaults = re.findall("`([^`]+)`", default)
        for place, name in enumerate(re.findall("`([^`]+)`", names)):
            told[name] = defaults[place] if defaults else ""
    fields = {name.replace("_", "-"): field for name, field in Settings.model_fields.items()}
    assert list(told) == list(fields)
    for name, default in told.items():
        value = fields[name].default
        if default.endswith("MiB"):
            assert value == int(default.removesuffix("MiB")) * 2**20
        elif default and name != "versions":
            assert str(value).lower() == default
