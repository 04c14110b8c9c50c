"""The timeout of a clip's call is one for all that it does."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import pytest
from podium.v1 import model_manifest_pb2 as pb
from podium_client import AsyncClient, DeadlineError

from tests.client.fake_server import FakeServer, serving
from tests.server.video.asking import video_file

Decode = Literal["client", "server"]


class Clock:
    """The clients' monotonic clock, which goes on while a clip is read and at no other time.

    Args:
        took_s: seconds that reading takes.
    """

    def __init__(self, took_s: float) -> None:
        self._now = 1000.0
        self._took_s = took_s

    def monotonic(self) -> float:
        """The second it is."""
        return self._now

    async def read(self, function: Any, *arguments: Any) -> Any:
        """Do in a thread what takes so long."""
        done = await asyncio.get_running_loop().run_in_executor(None, function, *arguments)
        self._now += self._took_s
        return done


async def classify(
    server: FakeServer, folder: Path, monkeypatch: pytest.MonkeyPatch, decode: Decode, took_s: float
) -> None:
    """Have a clip classified that takes so long to be read, within an hour."""
    clock = Clock(took_s)
    monkeypatch.setattr("podium_client.calls.time", clock)
    monkeypatch.setattr("podium_client.video_calls.time", clock)
    monkeypatch.setattr("podium_client.video_calls.asyncio", SimpleNamespace(to_thread=clock.read))
    server.manifests["clips"] = pb.ModelManifest(task=pb.TASK_VIDEO_CLASSIFICATION)
    file = folder / "clip.mp4"
    file.write_bytes(video_file(np.zeros((3, 16, 16), np.uint8)))
    async with AsyncClient(server.address) as client:
        await client.classify_video("clips", file, decode=decode, timeout=3600)


@pytest.mark.parametrize("decode", ["client", "server"])
async def test_reading_a_clip_takes_of_the_calls_timeout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decode: Decode
) -> None:
    """Of an hour, reading takes 50 minutes: ten are left for the upload, which has been told so."""
    async with serving() as server:
        await classify(server, tmp_path, monkeypatch, decode, took_s=3000)
    *_, left_s = server.deadlines
    assert left_s is not None
    assert left_s < 700


@pytest.mark.parametrize("decode", ["client", "server"])
async def test_clip_that_was_read_too_late_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, decode: Decode
) -> None:
    """The error says the timeout that the caller gave, not what was left of it."""
    async with serving() as server:
        with pytest.raises(DeadlineError, match="within 3600 s"):
            await classify(server, tmp_path, monkeypatch, decode, took_s=3601)
    assert server.num_calls == (1 if decode == "client" else 0), "what the model wants was asked for in time"
