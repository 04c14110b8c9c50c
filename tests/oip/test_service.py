"""The service around a model whose runs the test holds: limits, deadlines, streams, and callers who leave."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc import StatusCode, aio
from podium.v1 import model_manifest_pb2
from podium_server.batching.batcher import Batcher
from podium_server.catalogue import Catalogue
from podium_server.gate import Gate
from podium_server.metrics import Metrics
from podium_server.oip import messages as oip
from podium_server.oip.inputs import InputReader
from podium_server.oip.messages import DESCRIPTOR
from podium_server.oip.outputs import OutputWriter
from podium_server.plan import Layout, Plan
from podium_server.rpc import handlers
from podium_server.servable import Servable
from podium_server.services.inference import MAX_IN_FLIGHT, InferenceService
from podium_server.usage import Usage
from podium_server.versions.policy import Policy

from tests.server.fakes import HeldDoubler, signature

SERVICE = DESCRIPTOR.services_by_name["GRPCInferenceService"]
QUEUE_ROWS = 100


@dataclass
class Held:
    """A server with the model `held`: y = 2x of shape (batch, 1), one run of one row at a time.

    Attributes:
        session: its runs end when the test says so.
        servable: the version that answers.
        gate: closed when the server drains.
        channel: to call it.
    """

    session: HeldDoubler
    servable: Servable
    gate: Gate
    channel: aio.Channel

    def infer(self, request: oip.ModelInferRequest, **arguments: Any) -> Any:
        """Call ModelInfer."""
        method: Any = self.channel.unary_unary(
            f"/{SERVICE.full_name}/ModelInfer",
            request_serializer=oip.ModelInferRequest.SerializeToString,
            response_deserializer=oip.ModelInferResponse.FromString,
        )
        return method(request, **arguments)

    def stream(self) -> Any:
        """Call ModelStreamInfer."""
        method: Any = self.channel.stream_stream(
            f"/{SERVICE.full_name}/ModelStreamInfer",
            request_serializer=oip.ModelInferRequest.SerializeToString,
            response_deserializer=oip.ModelStreamInferResponse.FromString,
        )
        return method()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Give the server turns until something is so; the test's timeout ends a vain wait."""
        while not condition():  # noqa: ASYNC110 - the queue has no event for a test to wait for
            await asyncio.sleep(0)


@pytest.fixture
async def held(tmp_path: Path) -> AsyncIterator[Held]:
    """A real server in this event loop; at the end every held run is let go."""
    (tmp_path / "held" / "1").mkdir(parents=True)
    session, metrics, gate = HeldDoubler(), Metrics(), Gate()
    made: list[Servable] = []

    async def load(name: str, version: int, path: Path) -> Servable:
        del path
        usage = Usage(metrics.version(name, version))
        plan = Plan(Layout(1, 1), 1)
        batcher = Batcher(
            session, signature(1), max_batch_rows=1, num_sessions=1, max_waiting_rows=QUEUE_ROWS, observer=usage
        )
        manifest = model_manifest_pb2.ModelManifest()
        provider = "CPUExecutionProvider"
        servable = Servable(name, version, Path(), manifest, provider, {"model": batcher}, {"model": plan}, usage)
        made.append(servable)
        return servable

    catalogue = Catalogue(tmp_path, Policy(), load, metrics)
    await catalogue.start()
    server = aio.server()
    server.add_generic_rpc_handlers([handlers(SERVICE, InferenceService(catalogue), metrics=metrics, gate=gate)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield Held(session, made[0], gate, channel)
    session.open()
    await server.stop(None)
    await catalogue.close()


def request(*values: float, request_id: str = "", **parameters: oip.InferParameter) -> oip.ModelInferRequest:
    """Rows for the model `held`."""
    x = np.array(values, np.float32)[:, None]
    tensor = oip.ModelInferRequest.InferInputTensor(name="x", datatype="FP32", shape=x.shape)
    return oip.ModelInferRequest(
        model_name="held", id=request_id, inputs=[tensor], raw_input_contents=[x.tobytes()], parameters=parameters
    )


def answer(response: oip.ModelInferResponse) -> list[float]:
    """The numbers of an answer."""
    return list(np.frombuffer(response.raw_output_contents[0], np.float32).tolist())


async def test_a_full_queue_is_unavailable_at_once_and_nothing_was_run(held: Held) -> None:
    """KServe's client sends UNAVAILABLE again and nothing else; the message has Triton's words."""
    running = asyncio.ensure_future(held.infer(request(1)))
    await held.session.begun()
    waiting = asyncio.ensure_future(held.infer(request(*range(QUEUE_ROWS))))
    await held.until(lambda: held.servable.waiting_rows == QUEUE_ROWS)
    with pytest.raises(aio.AioRpcError, match="Exceeds maximum queue size") as refusal:
        await held.infer(request(700))
    assert refusal.value.code() is StatusCode.UNAVAILABLE
    held.session.open()
    assert answer(await running) == [2]
    assert len(answer(await waiting)) == QUEUE_ROWS
    assert 700 not in held.session.seen


async def test_refusals_carry_details_for_programs(held: Held) -> None:
    """`google.rpc.BadRequest` with the field's path, beside the text."""
    bad = request(1)
    bad.inputs[0].datatype = "INT64"
    with pytest.raises(aio.AioRpcError) as refusal:
        await held.infer(bad)
    metadata: Any = refusal.value.trailing_metadata()
    status = status_pb2.Status.FromString(dict(metadata)["grpc-status-details-bin"])
    bad_request = error_details_pb2.BadRequest()
    assert any(detail.Unpack(bad_request) for detail in status.details)
    assert bad_request.field_violations[0].field == "inputs[0].datatype"


async def test_the_requests_own_timeout_is_unavailable_and_never_run(held: Held) -> None:
    """`timeout` bounds the wait for a session: told while the session is still busy."""
    running = asyncio.ensure_future(held.infer(request(1)))
    await held.session.begun()
    with pytest.raises(aio.AioRpcError, match="Request timeout expired") as refusal:
        await held.infer(request(7, timeout=oip.InferParameter(int64_param=1_000)))
    assert refusal.value.code() is StatusCode.UNAVAILABLE
    held.session.open()
    assert answer(await running) == [2]
    assert held.session.seen == [1]


async def test_the_calls_deadline_is_deadline_exceeded_and_never_run(held: Held) -> None:
    """gRPC's deadline bounds everything."""
    running = asyncio.ensure_future(held.infer(request(1)))
    await held.session.begun()
    with pytest.raises(aio.AioRpcError) as refusal:
        await held.infer(request(7), timeout=0.05)
    assert refusal.value.code() is StatusCode.DEADLINE_EXCEEDED
    await held.until(lambda: not held.servable.waiting_rows)
    held.session.open()
    assert answer(await running) == [2]
    assert held.session.seen == [1]


async def test_a_long_timeout_of_the_request_does_not_outlast_the_call(held: Held) -> None:
    """The earlier of both counts."""
    running = asyncio.ensure_future(held.infer(request(1)))
    await held.session.begun()
    with pytest.raises(aio.AioRpcError) as refusal:
        await held.infer(request(7, timeout=oip.InferParameter(int64_param=60_000_000)), timeout=0.05)
    assert refusal.value.code() is StatusCode.DEADLINE_EXCEEDED
    held.session.open()
    await running


async def test_urgent_requests_are_run_first(held: Held) -> None:
    """`priority` 1 passes those that wait with the usual one."""
    first = asyncio.ensure_future(held.infer(request(1)))
    await held.session.begun()
    usual = asyncio.ensure_future(held.infer(request(2)))
    await held.until(lambda: held.servable.waiting_rows == 1)
    urgent = asyncio.ensure_future(held.infer(request(3, priority=oip.InferParameter(uint64_param=1))))
    await held.until(lambda: held.servable.waiting_rows == 2)
    held.session.open()
    await asyncio.gather(first, usual, urgent)
    assert held.session.seen == [1, 3, 2]


async def test_draining_refuses_in_tritons_words(held: Held) -> None:
    """UNAVAILABLE: the request may be sent to another server."""
    held.gate.open = False
    with pytest.raises(aio.AioRpcError, match="stopped accepting new requests") as refusal:
        await held.infer(request(1))
    assert refusal.value.code() is StatusCode.UNAVAILABLE


async def test_one_request_of_a_stream_does_not_hold_the_next_from_its_run(held: Held) -> None:
    """Requests of one stream are in work together, up to a bound; the rest waits in the caller's hands."""
    stream = held.stream()
    sending = asyncio.ensure_future(_send(stream, 2 * MAX_IN_FLIGHT))
    await held.session.begun()
    await held.until(lambda: held.servable.waiting_rows == MAX_IN_FLIGHT - 1)
    held.session.open()
    received = [response async for response in stream]
    await sending
    assert [answer(each.infer_response) for each in received] == [[2 * i] for i in range(2 * MAX_IN_FLIGHT)]
    assert [each.infer_response.id for each in received] == [str(i) for i in range(2 * MAX_IN_FLIGHT)]


async def test_leaving_a_stream_takes_its_requests_out_of_the_queue(held: Held) -> None:
    """What is running ends unheard; what waits is never run."""
    stream = held.stream()
    for value in range(5):
        await stream.write(request(value))
    await held.session.begun()
    await held.until(lambda: held.servable.waiting_rows == 4)
    stream.cancel()
    await held.until(lambda: not held.servable.waiting_rows)
    held.session.open()
    assert answer(await held.infer(request(9))) == [18]
    assert held.session.seen == [0, 9]


async def test_errors_in_a_stream_name_their_request(held: Held) -> None:
    """The id, in an otherwise empty answer."""
    stream = held.stream()
    bad = request(1, request_id="bad")
    bad.raw_input_contents[0] = b""
    await stream.write(bad)
    await stream.write(request(4, request_id="good"))
    await stream.done_writing()
    held.session.open()
    refused, answered = [response async for response in stream]
    assert "input byte size mismatch for input 'x'" in refused.error_message
    assert (refused.infer_response.id, len(refused.infer_response.outputs)) == ("bad", 0)
    assert (answered.error_message, answered.infer_response.id) == ("", "good")
    assert held.servable.usage.fail_count == 1
    assert held.servable.usage.success_count == 1


async def test_a_deadline_of_a_stream_bounds_its_requests(held: Held) -> None:
    """What waits when it passes is never run."""
    method: Any = held.channel.stream_stream(
        f"/{SERVICE.full_name}/ModelStreamInfer",
        request_serializer=oip.ModelInferRequest.SerializeToString,
        response_deserializer=oip.ModelStreamInferResponse.FromString,
    )
    stream = method(timeout=0.1)
    await stream.write(request(1))
    await held.session.begun()
    await stream.write(request(2))
    with pytest.raises(aio.AioRpcError) as end:
        async for _ in stream:
            pass
    assert end.value.code() is StatusCode.DEADLINE_EXCEEDED
    await held.until(lambda: not held.servable.waiting_rows)
    held.session.open()
    assert answer(await held.infer(request(9))) == [18]
    assert held.session.seen == [1, 9]


async def test_large_typed_requests_are_converted_beside_the_event_loop(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ways on threads, so that others are served meanwhile; the answer is typed and right."""
    threads: dict[str, str] = {}

    def watch(owner: type, method: str) -> None:
        original = getattr(owner, method)

        def watched(*arguments: Any) -> Any:
            threads[method] = threading.current_thread().name
            return original(*arguments)

        monkeypatch.setattr(owner, method, watched)

    watch(InputReader, "read")
    watch(OutputWriter, "write")
    values = np.arange(50_000 // QUEUE_ROWS * QUEUE_ROWS, dtype=np.float32)
    tensor = oip.ModelInferRequest.InferInputTensor(
        name="x",
        datatype="FP32",
        shape=[len(values), 1],
        contents=oip.InferTensorContents(fp32_contents=values),
    )
    held.session.open()
    response = await held.infer(oip.ModelInferRequest(model_name="held", inputs=[tensor]))
    assert np.array_equal(response.outputs[0].contents.fp32_contents, values * 2)
    assert threads.keys() == {"read", "write"}
    assert threading.main_thread().name not in threads.values()


async def test_timings_travel_in_the_trailing_metadata(held: Held) -> None:
    """Where the time of a request went."""
    held.session.open()
    call = held.infer(request(1))
    await call
    metadata: Any = await call.trailing_metadata()
    assert {part.split(";")[0].strip() for part in dict(metadata)["server-timing"].split(",")} >= {"queue", "run"}


async def _send(stream: Any, number: int) -> None:
    for value in range(number):
        await stream.write(request(value, request_id=str(value)))
    await stream.done_writing()
