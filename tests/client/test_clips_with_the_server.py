"""Clips from the Python client and the command to a real server, and back."""

import json
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from numpy.typing import NDArray
from podium_client import AsyncClient, Client, InvalidArgumentError, WrongTaskError
from podium_client.commands.classify import classify
from podium_export.architectures import ARCHITECTURES
from podium_export.assembling import Source
from podium_export.checkpoint import load_checkpoint
from podium_export.exporting import export_network
from podium_export.fitting import fit_architecture
from podium_export.package import Destination
from podium_export.progress import Silence
from podium_export.recipes import motion
from podium_export.recipes.digit_pictures import learned_and_held_out
from podium_export.recipes.moving_digits import DIRECTIONS, make_clips

from tests.clips import gesture_data
from tests.oip.running import Running, serve
from tests.server.packages import write_package
from tests.server.video.asking import video_file


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server with "motion" and, where there is its data, the gestures."""
    repository = tmp_path_factory.mktemp("models")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    motion.make(Destination(repository, "motion"), Silence())
    torch.set_num_threads(threads)
    write_package(repository / "sums" / "1")
    with serve(repository, cores=1, sessions=1, threads=1) as server:
        yield server


@pytest.fixture(scope="module")
def clip() -> NDArray[np.uint8]:
    """A three that moves to the left: (12, 40, 40)."""
    _, held_out = learned_and_held_out()
    places = (held_out.labels == 3).nonzero().flatten()
    clips = make_clips(held_out.at(places), torch.Generator().manual_seed(5))
    wanted = 3 * len(DIRECTIONS) + DIRECTIONS.index("left")
    (number, *_) = (clips.labels == wanted).nonzero().flatten().tolist()
    found: NDArray[np.uint8] = (clips.frames[number, :, 0] * 255).round().to(torch.uint8).numpy()
    return found


@pytest.fixture
def client(running: Running) -> Iterator[Client]:
    """A client."""
    with Client(running.address) as client:
        yield client


@pytest.fixture
def path(clip: NDArray[np.uint8], tmp_path: Path) -> Path:
    """The clip as a file without loss."""
    file = tmp_path / "three.mp4"
    file.write_bytes(video_file(clip))
    return file


def test_a_clip_is_the_same_however_it_is_given(client: Client, clip: NDArray[np.uint8], path: Path) -> None:
    """An array, a list, a file decoded here, and one decoded on the server: the same logits to the bit."""
    answers = [
        client.classify_video("motion", clip, return_logits=True, frame_rate=12),
        client.classify_video("motion", list(clip), return_logits=True, frame_rate=12),
        client.classify_video("motion", path, return_logits=True),
        client.classify_video("motion", str(path), return_logits=True, decode="server"),
    ]
    assert answers[0].best.label == "3 moving left"
    for answer in answers:
        assert answer.logits is not None
        assert answers[0].logits is not None
        assert np.array_equal(answer.logits, answers[0].logits)
        assert (answer.num_frames_seen, answer.num_frames_used, answer.frame_rate) == (12, 12, 12.0)
        assert answer.sampling == "all"
        assert answer.frames == ()


def test_frames_are_answered_as_they_come(client: Client, clip: NDArray[np.uint8]) -> None:
    """From a list, and from an iterator that waits for the answer before it goes on."""
    answers = list(client.classify_frames("motion", list(clip), top_k=1))
    assert [answer.frame_index for answer in answers] == list(range(12))
    assert answers[-1].best.label == "3 moving left"
    answered = threading.Semaphore(1)

    def waiting() -> Iterator[NDArray[np.uint8]]:
        for frame in clip:
            assert answered.acquire(timeout=60), "no answer came"
            yield frame

    seen: dict[int, int] = {}
    for answer in client.classify_frames("motion", waiting(), top_k=1):
        seen[answer.frame_index] = answer.best.index
        answered.release()
    assert list(seen.values()) == [answer.best.index for answer in answers]


async def test_frames_may_come_from_an_event_loop(running: Running, clip: NDArray[np.uint8]) -> None:
    """An asynchronous iterator, and what it raises is raised to whoever iterates."""

    async def frames(*, good: bool) -> AsyncIterator[NDArray[np.uint8]]:
        for frame in clip:
            yield frame
        if not good:
            raise RuntimeError("the camera is gone")

    async with AsyncClient(running.address) as client:
        assert [a.frame_index async for a in client.classify_frames("motion", frames(good=True))] == list(range(12))
        with pytest.raises(RuntimeError, match="the camera is gone"):
            async for _ in client.classify_frames("motion", frames(good=False)):
                pass


def test_frames_that_a_model_does_not_read_do_not_travel(client: Client, running: Running, tmp_path: Path) -> None:
    """Of a file only those frames that the manifest asks for are sent; a list is sent whole, and sampled there."""
    data = gesture_data()
    architecture, weights = ARCHITECTURES["finger-gesture"], load_checkpoint(data.weights)
    blueprint = architecture.blueprint(fit_architecture(architecture, weights).network)
    repository = running.server.settings.repository
    export_network(blueprint, Source("finger-gesture"), Destination(repository, "gestures"))
    running.call(running.server.catalogue.load("gestures"))
    track = data.tracks[1]
    twice = [place for place in track for _ in range(2)]
    answer, once = client.classify_video("gestures", twice), client.classify_video("gestures", list(track))
    assert (answer.num_frames_seen, answer.num_frames_used, answer.sampling) == (32, 16, "16 of equal distance")
    assert answer.classes == once.classes


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        ([], "clip: has no frames"),
        (np.zeros((0, 4, 4), np.uint8), "clip: has no frames"),
        (b"bytes", "clip: bytes; give the path"),
        ([object()], r"clip\[0\]: a object"),
    ],
)
def test_what_can_be_seen_to_be_wrong_is_not_sent(client: Client, clip: object, message: str) -> None:
    """By field."""
    with pytest.raises(InvalidArgumentError, match=message):
        client.classify_video("motion", clip)  # type: ignore[arg-type]


def test_a_file_that_is_no_video_is_refused(client: Client, tmp_path: Path) -> None:
    """Here, where it is decoded here; there, where it is decoded there; a missing one is an OSError."""
    file = tmp_path / "notes.mp4"
    file.write_text("notes, and no video")
    with pytest.raises(InvalidArgumentError, match="is no video that can be read"):
        client.classify_video("motion", file)
    with pytest.raises(InvalidArgumentError, match="file_piece: is no video"):
        client.classify_video("motion", file, decode="server")
    with pytest.raises(FileNotFoundError):
        client.classify_video("motion", tmp_path / "missing.mp4")


def test_a_model_of_another_task_says_what_it_is_for(client: Client, path: Path) -> None:
    """Before anything is decoded."""
    with pytest.raises(WrongTaskError, match="ClassifyVideo takes models for video classification"):
        client.classify_video("sums", path)


def test_the_command_takes_clips(running: Running, path: Path) -> None:
    """As a table for people, as JSON for programs."""
    arguments = ["motion", str(path), "--address", running.address]
    shown = CliRunner().invoke(classify, arguments)
    assert shown.exit_code == 0, shown.output
    assert "3 moving left" in shown.output
    assert "12 of 12 frames at 12/s" in shown.output
    told = CliRunner().invoke(classify, [*arguments, "--json", "--decode", "server", "--top-k", "2"])
    (record,) = json.loads(told.stdout)
    assert record["classes"][0]["label"] == "3 moving left"
    assert (record["num_frames_seen"], record["frame_rate"], len(record["classes"])) == (12, 12.0, 2)
    first, second = (score["probability"] for score in record["classes"])
    assert first + second <= 1
    assert first > second


def test_the_command_reports_a_clip_that_cannot_be_answered(running: Running, path: Path) -> None:
    """And the exit status is 1."""
    path.write_bytes(b"no video")
    shown = CliRunner().invoke(classify, ["motion", str(path), "--address", running.address])
    assert shown.exit_code == 1
    assert "is no video that can be read" in shown.output
