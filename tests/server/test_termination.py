"""The end of a server that is busy: a real process, a real signal, several clients that do not stop."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc import StatusCode, aio
from podium_server.hang_up import hang_up

from tests.server.callers import Callers
from tests.server.packages import scaled, write_onnx

PROGRAM = "from podium_client.main import main; main(prog_name='podium')"


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


async def test_calls_at_the_end_are_answered_or_unavailable(server: tuple["subprocess.Popen[str]", str]) -> None:
    """Under load, no call of any client ends otherwise: not CANCELLED, not NOT_FOUND; and the exit status is 0."""
    process, address = server
    callers = Callers(address)
    running = asyncio.ensure_future(callers.run(lambda: process.poll() is not None))
    await callers.busy.wait()
    process.send_signal(signal.SIGTERM)
    await running
    assert process.returncode == 0
    assert set(callers.codes) == {StatusCode.OK, StatusCode.UNAVAILABLE}


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
        await hang_up(port)
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
        await hang_up(first.sockets[0].getsockname()[1])
        writer.write(b"here")
        assert await reader.readexactly(4) == b"here"
        writer.close()
        for end in ends:
            end.close()
