"""How much one may ask for: buckets and counters with clocks of their own, and a real server that holds to them."""

import asyncio
import time
from collections.abc import Iterable
from typing import Any, cast

import numpy as np
import pytest
from google.rpc import error_details_pb2
from grpc import StatusCode, aio
from grpc_status import rpc_status
from hypothesis import given
from hypothesis import strategies as st
from podium.v1 import model_service_pb2 as pb
from podium_server.batching.batcher import Batcher
from podium_server.errors import ClientLimited, DeadlineExceeded, ModelBusy, QueuedTooLong, RequestMemoryFull
from podium_server.metrics import Metrics
from podium_server.oip.messages import ModelInferRequest, ModelInferResponse, ModelStreamInferResponse
from podium_server.security.client_limits import MOST_CLIENTS, ClientLimits
from podium_server.security.guard import Guard
from podium_server.security.model_limits import ModelLimits
from podium_server.security.request_memory import RequestMemory
from podium_server.security.token_bucket import TokenBucket
from podium_server.security.tokens import Scope

from tests.security.conftest import Start
from tests.security.test_tokens import line
from tests.server.fakes import Counts, HeldDoubler, rows, signature


class PlainBucket:
    """The same with a count of tokens, as it is usually drawn; in exact numbers: time is in ticks of 1 / 1000 s."""

    def __init__(self, rate: int, burst: int) -> None:
        self.rate, self.burst = rate, burst
        self.tokens, self.then = burst * 1000, 0

    def take(self, now: int) -> bool:
        """Take a token, each of a thousand thousandths."""
        self.tokens = min(self.burst * 1000, self.tokens + (now - self.then) * self.rate)
        self.then = now
        if self.tokens < 1000:
            return False
        self.tokens -= 1000
        return True


@given(
    rate=st.integers(1, 50),
    burst=st.integers(1, 20),
    pauses=st.lists(st.integers(0, 400), max_size=80),
)
def test_the_bucket_lets_through_what_a_bucket_of_tokens_does(rate: int, burst: int, pauses: Iterable[int]) -> None:
    """One number is enough to say how full it is."""
    bucket, plain, now = TokenBucket(rate, burst), PlainBucket(rate, burst), 1_000_000
    for pause in pauses:
        now += pause
        assert (bucket.take(now / 1000) == 0.0) == plain.take(now)


def test_who_waits_as_long_as_told_gets_one() -> None:
    """And not before: the hint is the time, not a guess."""
    bucket, now = TokenBucket(4, 2), 10.0
    assert [bucket.take(now) for _ in range(2)] == [0.0, 0.0]
    wait_s = bucket.take(now)
    assert wait_s == pytest.approx(1 / 4)
    assert bucket.take(now + wait_s - 0.01) == pytest.approx(0.01)
    assert bucket.take(now + wait_s) == 0.0


def test_each_client_has_its_own_places() -> None:
    """One who has all that it may takes nothing from another; a place is free when a call ends."""
    limits = ClientLimits(max_calls=2, max_rate=None)
    for _ in range(2):
        limits.enter("a", 0.0)
    with pytest.raises(ClientLimited, match="a has 2 calls under way, and a client may have 2"):
        limits.enter("a", 0.0)
    limits.enter("b", 0.0)
    limits.leave("a", 1.0)
    limits.enter("a", 1.0)


def test_who_is_refused_has_taken_nothing() -> None:
    """A call without a place takes nothing from the rate, one above the rate no place."""
    limits = ClientLimits(max_calls=1, max_rate=2.0)
    limits.enter("a", 0.0)
    for _ in range(5):
        with pytest.raises(ClientLimited, match="calls under way"):
            limits.enter("a", 0.0)
    limits.leave("a", 0.0)
    limits.enter("a", 0.0)
    limits.leave("a", 0.0)
    with pytest.raises(ClientLimited, match="a calls more often than 2 times a second") as refusal:
        limits.enter("a", 0.0)
    assert refusal.value.retry_after_s == pytest.approx(0.5)
    limits.enter("a", 0.5)


def test_who_has_gone_is_forgotten() -> None:
    """At once without a rate; with one, when the bucket is full again and many are known."""
    counting = ClientLimits(max_calls=1, max_rate=None)
    counting.enter("a", 0.0)
    counting.leave("a", 0.0)
    assert counting.num_known == 0
    rated = ClientLimits(max_calls=None, max_rate=1.0)
    for i in range(3 * MOST_CLIENTS):
        rated.enter(str(i), now := float(i))
        rated.leave(str(i), now)
    assert rated.num_known <= MOST_CLIENTS


def test_a_model_has_so_many_calls() -> None:
    """Another model has its own."""
    limits = ModelLimits(1)
    limits.enter("a")
    with pytest.raises(ModelBusy, match="model 'a' has 1 calls under way"):
        limits.enter("a")
    limits.enter("b")
    limits.leave("a")
    limits.enter("a")


def test_requests_take_so_many_bytes() -> None:
    """What is refused takes none."""
    memory = RequestMemory(100)
    memory.take(60)
    with pytest.raises(RequestMemoryFull, match="requests of 60 bytes are in the server, of at most 100, and this"):
        memory.take(41)
    memory.take(40)
    memory.give_back(60)
    assert memory.used_bytes == 40


def test_nothing_is_done_where_nothing_is_set() -> None:
    """No call passes a door that nobody guards."""
    guard = Guard(Metrics())
    assert guard.entrance("podium.v1.ModelService.LoadModel") is None
    assert guard.entrance("inference.GRPCInferenceService.ModelInfer") is None


def infer_request(rows: int = 1) -> Any:
    """Rows for y = 2x."""
    tensor = ModelInferRequest.InferInputTensor(name="x", datatype="FP32", shape=[rows, 3])
    raw = np.ones((rows, 3), "<f4").tobytes()
    return ModelInferRequest(model_name="double", inputs=[tensor], raw_input_contents=[raw])


def infer(channel: aio.Channel, request: Any, metadata: Any = None) -> Any:
    """Begin a call of the inference protocol."""
    return channel.unary_unary(
        "/inference.GRPCInferenceService/ModelInfer",
        request_serializer=ModelInferRequest.SerializeToString,
        response_deserializer=ModelInferResponse.FromString,
    )(request, metadata=metadata, timeout=30)


def refusal_of(error: aio.AioRpcError, code: StatusCode = StatusCode.RESOURCE_EXHAUSTED) -> tuple[str, float]:
    """The reason, and the seconds after which to come back."""
    assert error.code() is code
    status = rpc_status.from_call(cast("Any", error))
    assert status is not None
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(retry)
    return info.reason, retry.retry_delay.ToTimedelta().total_seconds()


async def test_a_client_above_its_rate_is_refused_with_when_to_come_back(start: Start) -> None:
    """What it may is answered, the rest refused, and the counters are what it saw."""
    running = await start(max_rate_per_client=0.01)
    async with aio.insecure_channel(running.address) as channel:
        await infer(channel, infer_request())
        with pytest.raises(aio.AioRpcError) as refusal:
            await infer(channel, infer_request())
    reason, wait_s = refusal_of(refusal.value)
    assert reason == "CLIENT_LIMIT"
    assert 90 < wait_s <= 100
    assert limited(running.server.metrics) == {"CLIENT_LIMIT": 1}
    assert refused_calls(running.server.metrics) == {"CLIENT_LIMIT": 1}


async def test_a_token_is_limited_by_its_name_and_not_by_its_address(start: Start, tmp_path: Any) -> None:
    """Two from one address are two clients."""
    file = tmp_path / "tokens"
    file.write_text(line("a", "podium_a", Scope.CALL) + line("b", "podium_b", Scope.CALL))
    running = await start(tokens=file, max_rate_per_client=0.01)
    async with aio.insecure_channel(running.address) as channel:
        for token in ("podium_a", "podium_b"):
            metadata = (("authorization", f"Bearer {token}"),)
            await infer(channel, infer_request(), metadata)
            with pytest.raises(aio.AioRpcError, match="calls more often"):
                await infer(channel, infer_request(), metadata)


async def test_requests_of_a_stream_count_one_by_one(start: Start) -> None:
    """A stream is no way around the rate: what is above it is refused in the stream, which goes on."""
    running = await start(max_rate_per_client=0.01)
    async with aio.insecure_channel(running.address) as channel:
        stream = channel.stream_stream(
            "/inference.GRPCInferenceService/ModelStreamInfer",
            request_serializer=ModelInferRequest.SerializeToString,
            response_deserializer=ModelStreamInferResponse.FromString,
        )(iter([infer_request(), infer_request()]))
        answers = [answer.error_message async for answer in stream]
    assert all("calls more often than 0.01 times a second" in answer for answer in answers)
    assert len(answers) == 2


async def test_places_of_a_client_are_given_back_however_a_call_ends(start: Start) -> None:
    """Answered, refused by field, cancelled: afterwards nothing is held."""
    running = await start(max_calls_per_client=2, max_calls_per_model=2, max_request_memory_bytes="1GiB")
    guard = running.server.guard
    async with aio.insecure_channel(running.address) as channel:
        for _ in range(5):
            await infer(channel, infer_request())
            with pytest.raises(aio.AioRpcError, match="x"):
                await infer(channel, ModelInferRequest(model_name="double"))
            with pytest.raises(aio.AioRpcError, match="not found"):
                await infer(channel, ModelInferRequest(model_name="nobody"))
        calls = [infer(channel, infer_request(1000)) for _ in range(2)]
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
    assert guard.clients is not None
    assert guard.memory is not None
    assert guard.models is not None
    await asyncio.wait_for(running.server.gate.empty(), 30)
    assert guard.clients.num_known == 0
    assert guard.memory.used_bytes == 0
    assert guard.models.num_calls("double") == 0


async def test_requests_above_the_memory_for_them_are_refused_before_they_are_read(start: Start) -> None:
    """The bytes of the wire count, all requests together; a smaller one is taken."""
    running = await start(max_request_memory_bytes=20_000, max_message_bytes=20_000)
    guard = running.server.guard
    assert guard.memory is not None
    guard.memory.take(12_000)  # another request is inside
    async with aio.insecure_channel(running.address) as channel:
        with pytest.raises(aio.AioRpcError) as refusal:
            await infer(channel, infer_request(1000))
        assert refusal_of(refusal.value)[0] == "REQUEST_MEMORY"
        await infer(channel, infer_request(100))
    assert limited(running.server.metrics) == {"REQUEST_MEMORY": 1}
    assert guard.memory.used_bytes == 12_000


async def test_a_model_at_its_limit_is_busy_and_others_are_not(start: Start) -> None:
    """Calls that need no model pass as well."""
    running = await start(max_calls_per_model=1)
    guard = running.server.guard
    assert guard.models is not None
    guard.models.enter("double")  # another call is inside
    async with aio.insecure_channel(running.address) as channel:
        with pytest.raises(aio.AioRpcError) as refusal:
            await infer(channel, infer_request())
        assert refusal_of(refusal.value)[0] == "MODEL_LIMIT"
        assert refused_calls(running.server.metrics) == {"MODEL_LIMIT": 1}
        await running.models(channel).ListModels(pb.ListModelsRequest())
        guard.models.leave("double")
        await infer(channel, infer_request())


def limited(metrics: Metrics) -> dict[str, int]:
    """Refusals at the door, by limit."""
    return {
        sample.labels["limit"]: int(sample.value)
        for family in metrics.limited.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    }


def refused_calls(metrics: Metrics) -> dict[str, int]:
    """Calls that ended so, by the limit that refused them."""
    return {
        sample.labels["limit"]: int(sample.value)
        for family in metrics.requests.collect()
        for sample in family.samples
        if sample.name.endswith("_total") and sample.labels["code"] == "RESOURCE_EXHAUSTED"
    }


async def test_who_has_waited_as_long_as_one_may_is_refused_and_never_run() -> None:
    """RESOURCE_EXHAUSTED with a hint, not DEADLINE_EXCEEDED: the caller would have waited longer."""
    session, counts = HeldDoubler(), Counts()
    batcher = Batcher(
        session, signature(1), max_batch_rows=1, num_sessions=1, max_waiting_rows=10, observer=counts, max_queue_s=0.001
    )
    running = asyncio.ensure_future(batcher.run(rows(1)))
    await session.begun()
    for deadline in (None, time.monotonic() + 60):
        with pytest.raises(QueuedTooLong, match=r"has waited 0.001 s for a session, as long as a request may"):
            await batcher.run(rows(2), deadline=deadline)
    session.open()
    assert (await running).outputs[0].tolist() == [[2]]
    await batcher.close()
    assert session.seen == [1]
    assert (counts.num_refused, counts.num_expired) == (2, 0)


async def test_a_deadline_before_that_is_a_deadline() -> None:
    """The caller's own limit keeps its code."""
    session, counts = HeldDoubler(), Counts()
    batcher = Batcher(
        session, signature(1), max_batch_rows=1, num_sessions=1, max_waiting_rows=10, observer=counts, max_queue_s=60
    )
    running = asyncio.ensure_future(batcher.run(rows(1)))
    await session.begun()
    with pytest.raises(DeadlineExceeded):
        await batcher.run(rows(2), deadline=time.monotonic())
    session.open()
    await running
    await batcher.close()
    assert counts.num_expired == 1
