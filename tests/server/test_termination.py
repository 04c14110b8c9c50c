"""The end of a server that is busy: a real process, a real signal, several clients that do not stop."""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from grpc import StatusCode, aio
from podium_server.hang_up import hang_up
from podium_server.oip.messages import ModelInferRequest, ModelInferResponse

from tests.server.packages import scaled, write_onnx

INFER = "/inference.GRPCInferenceService/ModelInfer"
PROGRAM = "from podium_client.main import main; main(prog_name='podium')"
CLIENTS, CALLS_EACH = 4, 16


def call(channel: aio.Channel, request: Any) -> Any:
    """Begin a call of the inference protocol."""
    infer = channel.unary_unary(
        INFER,
        request_serializer=ModelInferRequest.SerializeToString,
        response_deserializer=ModelInferResponse.FromString,
    )
    return infer(request, timeout=60)


def request() -> Any:
    """A row of x."""
    tensor = ModelInferRequest.InferInputTensor(name="x", datatype="FP32", shape=[1, 3])
    raw = np.array([1, 2, 3], "<f4").tobytes()
    return ModelInferRequest(model_name="double", inputs=[tensor], raw_input_contents=[raw])


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """A `podium serve` process with y = 2x, and the address it serves gRPC on."""
    write_onnx(tmp_path / "models" / "double" / "1", scaled())
    flags = ["--grpc-port", "0", "--http-port", "0", "--cores", "1", "--cache-dir", str(tmp_path / "cache")]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "serve", str(tmp_path / "models"), *flags, "--sessions", "1", "--threads", "1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    yield process, line.split("gRPC on ")[1].split(",")[0]
    process.kill()
    process.communicate()


class Load:
    """Clients that call as fast as they are answered, until the server is gone.

    Attributes:
        codes: how calls ended, all clients together.
        busy: set when each client has had an answer.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._answered = 0
        self.codes: Counter[StatusCode] = Counter()
        self.busy = asyncio.Event()

    async def run(self, over: Callable[[], bool]) -> None:
        """Call until the server is gone."""
        async with asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(self._client(over))

    async def _client(self, over: Callable[[], bool]) -> None:
        # A pool of its own: each client has a connection, as programs on several machines have.
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with aio.insecure_channel(self._address, options=options) as channel:
            await asyncio.gather(*(self._caller(channel, over) for _ in range(CALLS_EACH)))

    async def _caller(self, channel: aio.Channel, over: Callable[[], bool]) -> None:
        while not over():
            try:
                answer = await call(channel, request())
            except aio.AioRpcError as error:
                self.codes[error.code()] += 1
                continue
            assert np.frombuffer(answer.raw_output_contents[0], "<f4").tolist() == [2, 4, 6]
            self.codes[StatusCode.OK] += 1
            if self.codes[StatusCode.OK] > CLIENTS * CALLS_EACH:
                self.busy.set()


async def test_calls_at_the_end_are_answered_or_unavailable(server: tuple["subprocess.Popen[str]", str]) -> None:
    """Under load, no call of any client ends otherwise: not CANCELLED, not NOT_FOUND; and the exit status is 0."""
    process, address = server
    load = Load(address)
    running = asyncio.ensure_future(load.run(lambda: process.poll() is not None))
    await load.busy.wait()
    process.send_signal(signal.SIGTERM)
    await running
    assert process.returncode == 0
    assert set(load.codes) == {StatusCode.OK, StatusCode.UNAVAILABLE}


async def test_a_hung_up_caller_hears_unavailable() -> None:
    """A connection that the server closes under gRPC ends its calls as what they are: not the caller's own doing."""
    begun = asyncio.Event()

    async def hang(data: bytes, context: object) -> bytes:
        del context
        begun.set()
        await asyncio.Event().wait()
        return data

    server = aio.server()
    server.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler("s", {"m": grpc.unary_unary_rpc_method_handler(hang)})]
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        method: Any = channel.unary_unary("/s/m")
        waiting = method(b"")
        await begun.wait()
        hang_up(port)
        with pytest.raises(aio.AioRpcError) as error:
            await waiting
        assert error.value.code() is StatusCode.UNAVAILABLE
    await server.stop(None)


async def test_hanging_up_leaves_other_ports_alone() -> None:
    """A connection of another server in the same process goes on."""
    ends: list[asyncio.StreamWriter] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends.append(writer)
        writer.write(await reader.readexactly(4))

    first, second = [await asyncio.start_server(accept, "127.0.0.1", 0) for _ in range(2)]
    async with first, second:
        reader, writer = await asyncio.open_connection(*second.sockets[0].getsockname())
        hang_up(first.sockets[0].getsockname()[1])
        writer.write(b"here")
        assert await reader.readexactly(4) == b"here"
        writer.close()
        for end in ends:
            end.close()
