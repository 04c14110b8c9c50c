"""Captured calls: what is kept of them, what is not, and how much at most."""

import hashlib
import stat
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from grpc import aio
from podium.v1 import captured_call_pb2 as pb
from podium.v1 import model_manifest_pb2
from podium.v1 import text_service_pb2 as wire
from podium.v1 import text_service_pb2_grpc as stubs
from podium_server.observing.capture_folder import SUFFIX, CaptureFolder
from podium_server.oip.messages import ModelInferResponse
from podium_server.runtime.versions import runtime_versions

from tests.server.observing.conftest import INFER, Serve, break_runs
from tests.server.services.networks import write_letters


async def end(served: Any) -> None:
    """Stop a server, which writes what waits to be written."""
    await served.channel.close()
    await served.server.stop()


def captured(folder: Path) -> list[pb.CapturedCall]:
    """The calls of a folder, oldest first."""
    return [pb.CapturedCall.FromString(path.read_bytes()) for path in sorted(folder.rglob(f"*{SUFFIX}"))]


async def test_nothing_is_kept_unless_asked_for(serve: Serve, tmp_path: Path) -> None:
    """No setting, no folder."""
    served = await serve()
    await served.infer(1, 2, 3)
    await end(served)
    assert captured(tmp_path) == []


async def test_call_is_kept_with_all_that_its_answer_depends_on(serve: Serve, tmp_path: Path, repository: Path) -> None:
    """Request and answer as they were on the wire, model and its files' digest, and the versions of what ran."""
    served = await serve(capture_dir=tmp_path / "kept")
    answer = await served.infer(1, 2, 3, metadata=(("x-request-id", "order/24"), ("authorization", "Bearer secret")))
    await end(served)
    (call,) = captured(tmp_path / "kept")
    assert (call.method, call.code, call.request_id) == (INFER, "OK", "order/24")
    assert ModelInferResponse.FromString(call.response) == answer
    assert (call.model, call.version, call.execution_provider) == ("double", 1, "CPUExecutionProvider")
    assert dict(call.runtime_versions) == runtime_versions()
    assert not call.HasField("seed")
    assert b"secret" not in call.SerializeToString()
    manifest = json_format.Parse(
        (repository / "double" / "1" / "model.json").read_text(), model_manifest_pb2.ModelManifest()
    )
    lines = [
        f"{hashlib.sha256((repository / 'double' / '1' / file.name).read_bytes()).hexdigest()}  {file.name}\n"
        for file in sorted(manifest.files, key=lambda file: file.name)
    ]
    assert call.model_digest == hashlib.sha256("".join(lines).encode()).hexdigest()


async def test_seed_that_was_chosen_is_kept(serve: Serve, tmp_path: Path, repository: Path) -> None:
    """A request without a seed can be asked again."""
    write_letters(repository / "letters" / "1")
    served = await serve(capture_dir=tmp_path / "kept")
    texts: Any = stubs.TextServiceStub(served.channel)
    answer = await texts.Generate(wire.GenerateRequest(model="letters", prompt="a cab"))
    await end(served)
    (call,) = captured(tmp_path / "kept")
    assert call.seed == answer.metadata.seed


async def test_failed_run_is_kept_and_a_callers_mistake_is_not(serve: Serve, tmp_path: Path) -> None:
    """What failed through the model is worth to be tried elsewhere."""
    served = await serve(capture_dir=tmp_path / "kept")
    for options in ({"model": "nobody"}, {}):
        break_runs(served)
        with pytest.raises(aio.AioRpcError):
            await served.infer(1, 2, 3, **options)
    await end(served)
    (call,) = captured(tmp_path / "kept")
    assert (call.code, call.model, call.response) == ("INTERNAL", "double", b"")
    assert call.request


async def test_share_follows_from_the_request_id(serve: Serve, tmp_path: Path) -> None:
    """Two servers keep the same calls: about half of them at one half."""
    kept: list[set[str]] = []
    for number in range(2):
        folder = tmp_path / f"kept-{number}"
        served = await serve(capture_dir=folder, capture_share=0.5)
        for order in range(100):
            await served.infer(1, 2, 3, metadata=(("x-request-id", f"order-{order}"),))
        await end(served)
        kept.append({call.request_id for call in captured(folder)})
    assert kept[0] == kept[1]
    assert 30 <= len(kept[0]) <= 70  # of 100 fair coins, but for one in ten thousand times


async def test_disk_that_is_full_costs_files_and_no_calls(
    serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A folder that is taken away is told in the log."""
    served = await serve(capture_dir=tmp_path / "kept")
    (tmp_path / "kept").rmdir()
    assert (await served.infer(1, 2, 3)).model_name == "double"
    await end(served)
    assert "a call is not captured" in caplog.text


def test_oldest_make_room(tmp_path: Path) -> None:
    """All files together keep to the bound, those of an earlier run included; a call beyond it is not kept."""
    first = CaptureFolder(tmp_path / "kept", 25)
    assert [first.write(name, b"x" * 10) for name in ("1", "2")] == [True, True]
    second = CaptureFolder(tmp_path / "kept", 25)
    assert second.write("3", b"x" * 10)
    assert not second.write("4", b"x" * 26)
    assert sorted(path.name for path in (tmp_path / "kept").iterdir()) == [f"2{SUFFIX}", f"3{SUFFIX}"]


def test_what_could_not_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a file would take room that nobody counts; the next call is kept as if nothing had been."""
    folder = CaptureFolder(tmp_path / "kept", 25)
    with monkeypatch.context() as full:

        def rename(path: Path, target: Path) -> Path:
            raise OSError(28, "No space left on device")

        full.setattr(Path, "rename", rename)
        with pytest.raises(OSError, match="No space left"):
            folder.write("1", b"x" * 10)
    assert list((tmp_path / "kept").iterdir()) == []
    assert folder.write("2", b"x" * 25)


def test_only_the_owner_can_read_what_callers_sent(tmp_path: Path) -> None:
    """The folder, when it is made, and every file."""
    CaptureFolder(tmp_path / "kept", 100).write("1", b"x")
    assert stat.S_IMODE((tmp_path / "kept").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "kept" / f"1{SUFFIX}").stat().st_mode) == 0o600
