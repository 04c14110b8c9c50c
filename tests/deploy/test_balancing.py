"""Three replicas as one: behind nginx as it is configured in deploy/nginx, and by the client's own choice."""

import asyncio
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from grpc import StatusCode, aio
from podium.v1 import model_service_pb2 as pb
from podium.v1 import model_service_pb2_grpc as stubs

from tests.server.callers import RETRYING, Callers
from tests.server.packages import scaled, write_onnx

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "nginx" / "podium.conf"
PROGRAM = "from podium_client.main import main; main(prog_name='podium')"


class Replica:
    """A `podium serve` process with y = 2x."""

    def __init__(self, folder: Path) -> None:
        flags = ["--grpc-port", "0", "--http-port", "0", "--cores", "1", "--sessions", "1", "--threads", "1"]
        command = [sys.executable, "-c", PROGRAM, "serve", str(folder / "models"), *flags]
        self.process = subprocess.Popen(
            [*command, "--cache-dir", str(folder / "cache")], stdout=subprocess.PIPE, text=True
        )
        self.address = ""

    def wait_until_ready(self) -> None:
        """Wait for the line that says where it serves."""
        assert self.process.stdout is not None
        match = re.search(r"gRPC on (\S+),", self.process.stdout.readline())
        assert match is not None
        self.address = match[1]

    def end(self) -> None:
        """End it, however it is."""
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def replicas(tmp_path: Path) -> Iterator[list[Replica]]:
    """Three of one repository."""
    write_onnx(tmp_path / "models" / "double" / "1", scaled())
    replicas = [Replica(tmp_path) for _ in range(3)]
    for replica in replicas:
        replica.wait_until_ready()
    yield replicas
    for replica in replicas:
        replica.end()


@pytest.fixture
def proxy(replicas: list[Replica], tmp_path: Path) -> Iterator[str]:
    """nginx in front of them, with the configuration that is documented, on a free port."""
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed: apt-get install --no-install-recommends nginx brings it")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    text = CONFIGURATION.read_text().replace("listen 8001", f"listen 127.0.0.1:{port}")
    for number, replica in enumerate(replicas, 1):
        text = text.replace(f"10.0.0.{number}:8001", replica.address)
    places = " ".join(
        f"{name}_temp_path {tmp_path}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    log = tmp_path / "nginx.log"
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {tmp_path}/nginx.pid; error_log {log} notice;\n"
        f"events {{ worker_connections 1024; }}\nhttp {{ access_log off; {places}\n{text}\n}}\n"
    )
    process = subprocess.Popen(
        [program, "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")], stderr=subprocess.PIPE
    )
    yield f"127.0.0.1:{port}"
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert "[emerg]" not in log.read_text()


async def test_no_call_fails_when_a_replica_behind_nginx_is_killed(replicas: list[Replica], proxy: str) -> None:
    """Calls in flight at the killed one are answered by another, through nginx or as their client tries again."""
    async with aio.insecure_channel(proxy) as channel:
        await asyncio.wait_for(channel.channel_ready(), 60)
    callers, over = Callers(proxy, service_config=RETRYING), asyncio.Event()
    running = asyncio.ensure_future(callers.run(over.is_set))
    await callers.busy.wait()
    replicas[0].process.kill()
    answered = callers.codes[StatusCode.OK]
    while callers.codes[StatusCode.OK] < answered + 500 and not running.done():
        await asyncio.wait([running], timeout=0.01)
    over.set()
    await running
    assert set(callers.codes) == {StatusCode.OK}


async def test_calls_through_nginx_reach_every_replica(replicas: list[Replica], proxy: str) -> None:
    """Though all callers of a client share one connection."""
    callers, over = Callers(proxy, patient=True), asyncio.Event()
    running = asyncio.ensure_future(callers.run(over.is_set))
    await callers.busy.wait()
    over.set()
    await running
    assert [await answered(replica) for replica in replicas] == [True] * 3


async def test_models_are_not_changed_through_nginx(proxy: str) -> None:
    """One replica of three would change, and nobody know which; lists of models go through."""
    async with aio.insecure_channel(proxy) as channel:
        await asyncio.wait_for(channel.channel_ready(), 60)
        service: stubs.ModelServiceAsyncStub = stubs.ModelServiceStub(channel)
        with pytest.raises(aio.AioRpcError) as refusal:
            await service.UnloadModel(pb.UnloadModelRequest(model="double"))
        assert refusal.value.code() is StatusCode.PERMISSION_DENIED
        assert (await service.ListModels(pb.ListModelsRequest())).models[0].name == "double"


async def test_a_client_that_knows_all_replicas_needs_no_proxy(replicas: list[Replica]) -> None:
    """With round robin every replica answers; when one is killed, what was in flight is tried again at another."""
    callers, over = (
        Callers("ipv4:" + ",".join(each.address for each in replicas), service_config=RETRYING),
        asyncio.Event(),
    )
    running = asyncio.ensure_future(callers.run(over.is_set))
    await callers.busy.wait()
    assert [await answered(replica) for replica in replicas] == [True] * 3
    replicas[0].process.kill()
    before = callers.codes[StatusCode.OK]
    while callers.codes[StatusCode.OK] < before + 500 and not running.done():
        await asyncio.wait([running], timeout=0.01)
    over.set()
    await running
    assert set(callers.codes) == {StatusCode.OK}


async def answered(replica: Replica) -> bool:
    """Whether a replica has answered a call of the model."""
    from podium_server.oip.messages import ModelStatisticsRequest, ModelStatisticsResponse

    async with aio.insecure_channel(replica.address) as channel:
        method = channel.unary_unary(
            "/inference.GRPCInferenceService/ModelStatistics",
            request_serializer=ModelStatisticsRequest.SerializeToString,
            response_deserializer=ModelStatisticsResponse.FromString,
        )
        response = await method(ModelStatisticsRequest(name="double"))
        return bool(response.model_stats[0].inference_count)
