"""Who may do what on a real server: tokens, scopes, admin calls, pages."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from google.rpc import error_details_pb2
from grpc import StatusCode, aio
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status
from podium.v1 import model_service_pb2 as pb
from podium_server.oip.messages import (
    RepositoryModelUnloadRequest,
    RepositoryModelUnloadResponse,
)
from podium_server.security.access import is_loopback, scope_of
from podium_server.security.tokens import Scope
from podium_server.server import Server
from podium_server.settings import Settings
from podium_server.start_error import StartError
from prometheus_client.parser import text_string_to_metric_families

from tests.security.conftest import Running, Start
from tests.security.test_tokens import line

CALL, METRICS, ADMIN = "podium_call", "podium_metrics", "podium_admin"


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    """A token of each scope."""
    file = tmp_path / "tokens"
    file.write_text(
        line("bench", CALL, Scope.CALL) + line("prometheus", METRICS, Scope.METRICS) + line("ops", ADMIN, Scope.ADMIN)
    )
    return file


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    """The metadata that carries a token."""
    return (("authorization", f"Bearer {token}"),)


async def refused(call: Awaitable[Any]) -> tuple[StatusCode, str, str]:
    """A refusal's code, message, and reason."""
    with pytest.raises(aio.AioRpcError) as refusal:
        await call
    status = rpc_status.from_call(cast("Any", refusal.value))
    assert status is not None
    (info, *_) = status.details
    reason = error_details_pb2.ErrorInfo.FromString(info.value).reason
    return refusal.value.code(), str(refusal.value.details()), reason


def list_models(models: Any, metadata: Any = ()) -> Awaitable[Any]:
    """Begin a call that changes nothing."""
    return models.ListModels(pb.ListModelsRequest(), metadata=metadata, timeout=30)  # type: ignore[no-any-return]


def unload(models: Any, metadata: Any = ()) -> Awaitable[Any]:
    """Begin one that changes what is served."""
    return models.UnloadModel(pb.UnloadModelRequest(model="double"), metadata=metadata, timeout=30)  # type: ignore[no-any-return]


def unload_openly(channel: aio.Channel, metadata: Any = ()) -> Awaitable[Any]:
    """Begin the same over the Open Inference Protocol."""
    call = channel.unary_unary(
        "/inference.GRPCInferenceService/RepositoryModelUnload",
        request_serializer=RepositoryModelUnloadRequest.SerializeToString,
        response_deserializer=RepositoryModelUnloadResponse.FromString,
    )
    return call(RepositoryModelUnloadRequest(model_name="double"), metadata=metadata, timeout=30)


async def test_each_token_may_do_what_it_is_for(start: Start, tokens: Path) -> None:
    """Call calls, admin does everything, and the refusals say what would be right."""
    running = await start(tokens=tokens)
    async with aio.insecure_channel(running.address) as channel:
        models = running.models(channel)
        for token in (CALL, ADMIN):
            assert (await list_models(models, bearer(token))).models[0].name == "double"
        code, message, reason = await refused(list_models(models, bearer(METRICS)))
        assert (code, reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
        assert message.startswith("prometheus's token is for metrics, and this needs call; make one with")
        for call in (unload(models, bearer(CALL)), unload_openly(channel, bearer(CALL))):
            assert (await refused(call))[0] is StatusCode.PERMISSION_DENIED
        assert (await list_models(models, bearer(CALL))).models[0].versions[0].state == pb.VERSION_STATE_READY
        await unload_openly(channel, bearer(ADMIN))
        await unload(models, bearer(ADMIN))


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ((), "this server wants a token: send `authorization: Bearer TOKEN`"),
        ((("authorization", "Basic cG9kaXVt"),), "`authorization` must be `Bearer TOKEN`"),
        ((("authorization", CALL),), "`authorization` must be `Bearer TOKEN`"),
        (bearer("podium_nobody"), "the token is unknown"),
        (bearer(""), "the token is unknown"),
        ((("authorization-bin", b"Bearer " + CALL.encode()),), "this server wants a token"),
    ],
)
async def test_who_has_no_good_token_is_told_what_would_be_right(
    start: Start, tokens: Path, metadata: Any, words: str
) -> None:
    """UNAUTHENTICATED, whatever is called, without repeating what was sent."""
    running = await start(tokens=tokens)
    async with aio.insecure_channel(running.address) as channel:
        models = running.models(channel)
        for call in (list_models(models, metadata), unload(models, metadata)):
            code, message, reason = await refused(call)
            assert (code, reason) == (StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
            assert words in message
            assert "nobody" not in message


async def test_the_scheme_is_read_in_any_case(start: Start, tokens: Path) -> None:
    """As RFC 9110 has it."""
    running = await start(tokens=tokens)
    async with aio.insecure_channel(running.address) as channel:
        for scheme in ("bearer", "BEARER"):
            await list_models(running.models(channel), (("authorization", f"{scheme} {CALL}"),))


async def test_health_is_answered_without_a_token(start: Start, tokens: Path) -> None:
    """An orchestrator has none."""
    running = await start(tokens=tokens)
    async with aio.insecure_channel(running.address) as channel:
        health: Any = health_pb2_grpc.HealthStub(channel)
        answer = await health.Check(health_pb2.HealthCheckRequest())
        assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_calls_are_counted_by_the_name_of_a_good_token(start: Start, tokens: Path) -> None:
    """What strangers send never becomes a label."""
    running = await start(tokens=tokens)
    async with aio.insecure_channel(running.address) as channel:
        models = running.models(channel)
        for _ in range(3):
            await list_models(models, bearer(CALL))
        await refused(list_models(models, bearer("podium_nobody")))
        await refused(unload(models, bearer(METRICS)))
    counted = {
        (sample.labels["client"], sample.labels["code"]): sample.value
        for family in running.server.metrics.client_requests.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    }
    assert counted == {("bench", "OK"): 3}


async def test_the_metrics_page_wants_a_token_and_probes_do_not(start: Start, tokens: Path) -> None:
    """401 and 403 as HTTP has them; the token of Prometheus may do nothing else."""
    running = await start(tokens=tokens)

    def get(path: str, token: str = "") -> tuple[int, str]:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        try:
            with urlopen(Request(f"http://127.0.0.1:{running.ports.http}{path}", headers=headers), timeout=30) as page:
                return page.status, page.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.read().decode()

    assert (await asyncio.to_thread(get, "/livez"))[0] == 200
    assert (await asyncio.to_thread(get, "/readyz"))[0] == 200
    assert (await asyncio.to_thread(get, "/metrics"))[0] == 401
    assert (await asyncio.to_thread(get, "/metrics", "podium_nobody"))[0] == 401
    assert (await asyncio.to_thread(get, "/metrics", CALL))[0] == 403
    status, page = await asyncio.to_thread(get, "/metrics", METRICS)
    assert status == 200
    assert any(family.name == "podium_client_requests" for family in text_string_to_metric_families(page))


async def test_admin_calls_are_off_where_strangers_could_send_them(start: Start, tokens: Path) -> None:
    """On every address but this machine's, until somebody is asked who he is; other calls are answered."""
    open_to_all, asking = await start(host="0.0.0.0"), await start(host="0.0.0.0", tokens=tokens)
    async with aio.insecure_channel(open_to_all.address) as channel:
        assert (await list_models(open_to_all.models(channel))).models[0].name == "double"
        for call in (unload(open_to_all.models(channel)), unload_openly(channel)):
            code, message, _ = await refused(call)
            assert code is StatusCode.PERMISSION_DENIED
            assert "this server listens on 0.0.0.0 and asks nobody who it is; start it with `--tokens FILE`" in message
    async with aio.insecure_channel(asking.address) as channel:
        await unload(asking.models(channel), bearer(ADMIN))


async def test_on_this_machine_alone_everybody_may_do_everything(start: Start) -> None:
    """As it was: who trains a network loads it without a token."""
    running: Running = await start()
    async with aio.insecure_channel(running.address) as channel:
        await unload(running.models(channel))


async def test_a_wrong_token_file_stops_the_start(settings: Callable[..., Settings], tmp_path: Path) -> None:
    """The setting and the file are named."""
    with pytest.raises(StartError, match=r"tokens: .*nowhere cannot be read"):
        Server(settings(tokens=tmp_path / "nowhere"))


def test_every_call_that_changes_what_is_served_needs_admin() -> None:
    """What is added to the model service needs it until it is named as reading."""
    service = pb.DESCRIPTOR.services_by_name["ModelService"]
    scopes = {method.name: scope_of(method.full_name) for method in service.methods}
    assert scopes.pop("ListModels") is scopes.pop("GetModel") is Scope.CALL
    assert {"LoadModel", "UnloadModel"} <= {name for name, scope in scopes.items() if scope is Scope.ADMIN}
    assert all(scope is Scope.ADMIN for name, scope in scopes.items() if not name.startswith(("List", "Get")))


@pytest.mark.parametrize(
    ("host", "private"),
    [("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("10.0.0.7", False), ("example.com", False)],
)  # fmt: skip
def test_only_addresses_of_this_machine_alone_are_private(host: str, private: bool) -> None:
    """A name counts as public, whatever it resolves to."""
    assert is_loopback(host) is private
