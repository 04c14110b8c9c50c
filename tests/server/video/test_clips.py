"""`ClassifyVideo` over a real server, with real networks and real clips."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import numpy as np
import pytest
import torch
from google.rpc import error_details_pb2, status_pb2
from podium.v1 import classification_service_pb2 as wire
from podium.v1 import classification_service_pb2_grpc as stubs
from podium.v1 import image_pb2
from podium_export.architectures import ARCHITECTURES
from podium_export.checkpoint import load_checkpoint
from podium_export.fitting import fit_architecture
from podium_export.recipes import motion

from tests.clips import clip_file, gesture_data
from tests.oip.running import Running
from tests.server.video.asking import clip, file, png, tensor, video_file
from tests.server.video.conftest import MovingDigits

Stub = stubs.ClassificationServiceStub


def test_motion_is_what_pytorch_says_of_the_clip(stub: Stub, moving: MovingDigits) -> None:
    """The logits of whole clips are the network's, run in PyTorch over all frames at once."""
    network = motion.STORED.network()
    shown = moving.frames[:8]
    with torch.inference_mode():
        expected = network(torch.from_numpy(shown)[:, :, None].float() / 255)[:, -1].numpy()
    for frames, wanted in zip(shown, expected, strict=True):
        answer = stub.ClassifyVideo(clip("motion", [png(frame) for frame in frames], return_logits=True))
        assert np.allclose(answer.result.logits, wanted, atol=1e-3)
        assert answer.num_frames_seen == answer.num_frames_used == 12
        assert (answer.metadata.model, answer.metadata.version) == ("motion", 1)


def test_motion_is_right_as_often_as_its_manifest_says(stub: Stub, moving: MovingDigits, running: Running) -> None:
    """Within what 64 clips allow of the 94 % of the held-out thousand: three standard deviations are 9 %."""
    said = [
        stub.ClassifyVideo(clip("motion", [png(frame) for frame in frames], top_k=1)).result.classes[0]
        for frames in moving.frames
    ]
    right = [answer.index == label for answer, label in zip(said, moving.labels, strict=True)]
    assert np.mean(right) >= 0.85
    names = "right", "down-right", "down", "down-left", "left", "up-left", "up", "up-right"
    assert all(answer.label == f"{answer.index // 8} moving {names[answer.index % 8]}" for answer in said)


@pytest.mark.parametrize(("kind", "codec"), [("mp4", "libx264rgb"), ("avi", "png"), ("matroska", "ffv1")])
def test_a_file_is_its_frames(stub: Stub, moving: MovingDigits, kind: str, codec: str) -> None:
    """A file without loss has the same answer as its frames, byte for byte, and tells its own rate."""
    frames = moving.frames[0]
    by_frames = stub.ClassifyVideo(clip("motion", [png(frame) for frame in frames], return_logits=True, frame_rate=12))
    by_file = stub.ClassifyVideo(file("motion", video_file(frames, kind, codec), piece=1000, return_logits=True))
    assert by_file.result == by_frames.result
    assert (by_file.num_frames_seen, by_file.num_frames_used, by_file.frame_rate) == (12, 12, 12.0)


@pytest.mark.parametrize(("kind", "codec"), [("gif", "gif"), ("webm", "libvpx-vp9")])
def test_gif_and_webm_are_read(stub: Stub, moving: MovingDigits, kind: str, codec: str) -> None:
    """With loss, and yet twelve frames with an answer."""
    answer = stub.ClassifyVideo(file("motion", video_file(moving.frames[0], kind, codec)))
    assert answer.num_frames_seen == 12
    assert answer.result.classes[0].index == moving.labels[0]


def test_the_gesture_network_reaches_966(stub: Stub, gestures: str) -> None:
    """96.6 % of the recorded tracks, as the data's README says, and PyTorch's answer on each."""
    data = gesture_data()
    network = fit_architecture(ARCHITECTURES["finger-gesture"], load_checkpoint(data.weights)).network
    with torch.inference_mode():
        expected = network(torch.from_numpy(data.tracks)).argmax(1).numpy()
    assert round(100 * float((expected == data.labels).mean()), 1) == 96.6
    said = [
        stub.ClassifyVideo(clip(gestures, [tensor(place) for place in track], 16, top_k=1)).result.classes[0].index
        for track in data.tracks
    ]
    assert said == expected.tolist()
    assert round(100 * float((np.array(said) == data.labels).mean()), 1) == 96.6


@pytest.mark.parametrize(("name", "expected"), [("bikes.mp4", [29, 75, 136, 186, 241]), ("carphone_pristine.mp4", [])])
def test_transnetv2_finds_the_cuts_of_real_clips(stub: Stub, cuts: str, name: str, expected: list[int]) -> None:
    """The frames that the clips are cut at, from the files as they are."""
    answer = stub.ClassifyVideo(file(cuts, clip_file(name).read_bytes()))
    assert not answer.HasField("result")
    assert [frame.frame_index for frame in answer.frames] == list(range(answer.num_frames_seen))
    assert answer.num_frames_used == answer.num_frames_seen == {"bikes.mp4": 250}.get(name, 120)
    found = [frame.frame_index for frame in answer.frames if frame.result.classes[0].label == "cut"]
    assert found == expected


def test_a_clip_whose_frames_were_chosen_already_is_read_as_it_is(stub: Stub, gestures: str) -> None:
    """Sixteen of a hundred frames, chosen by the caller, are the same as the hundred."""
    track = gesture_data().tracks[0]
    hundred = [tensor(track[min(i * 16 // 100, 15)]) for i in range(100)]
    chosen = [hundred[(2 * i + 1) * 100 // 32] for i in range(16)]
    all_ = stub.ClassifyVideo(clip(gestures, hundred, return_logits=True))
    some = stub.ClassifyVideo(clip(gestures, chosen, return_logits=True, num_frames_sampled_from=100))
    assert all_.result == some.result
    assert (some.num_frames_seen, some.num_frames_used, some.sampling.uniform) == (100, 16, 16)


def options(**given: Any) -> wire.ClassifyVideoRequest:
    """A first message."""
    return wire.ClassifyVideoRequest(options=wire.ClassifyVideoOptions(model="motion"), **given)


FRAME = png(np.zeros((40, 40), np.uint8))
Requests = Callable[[], Iterator[wire.ClassifyVideoRequest]]
WRONG: list[tuple[str, str, Requests]] = [
    ("options", "missing; the first message", lambda: iter([])),
    ("options", "missing; the first message", lambda: iter([wire.ClassifyVideoRequest(frames=[FRAME])])),
    ("options", "in the first message of a call alone", lambda: iter([options(frames=[FRAME]), options()])),
    ("frames", "a clip needs one or more", lambda: iter([options()])),
    ("frames[1]", "is empty", lambda: clip("motion", [FRAME, image_pb2.Image()])),
    ("frames[0].tensor.shape", r"is \[2, 2\]; this model takes \[1, 40, 40\]",
     lambda: clip("motion", [tensor(np.zeros((2, 2)))])),
    ("frames[0].encoded", "no image format", lambda: clip("motion", [image_pb2.Image(encoded=b"nothing at all")])),
    ("frames", "are more than 300", lambda: clip("motion", [FRAME] * 301)),
    ("file_piece", "has frames, or a file", lambda: iter([options(frames=[FRAME], file_piece=b"x")])),
    ("file_piece", "is no video that can be read", lambda: file("motion", b"not a video at all" * 100)),
    ("file_piece", "is no video that can be read", lambda: file("motion", b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n")),
    ("file_piece", "is more than 2097152 bytes", lambda: file("motion", bytes(2**21))),
    ("options.num_frames_sampled_from", "of 100 frames this model reads 100; there are 2",
     lambda: clip("motion", [FRAME] * 2, num_frames_sampled_from=100)),
]  # fmt: skip


@pytest.mark.parametrize(("field", "message", "requests"), WRONG, ids=[f"{field}: {text}" for field, text, _ in WRONG])
def test_what_is_wrong_is_refused_by_field(stub: Stub, field: str, message: str, requests: Requests) -> None:
    """INVALID_ARGUMENT with the field's path."""
    with pytest.raises(grpc.RpcError, match=message) as caught:
        stub.ClassifyVideo(requests())
    _check(caught.value, field)


def test_a_clip_beyond_the_limits_is_refused_before_it_is_decoded(stub: Stub, moving: MovingDigits) -> None:
    """By its header: too many frames, frames too large."""
    long = video_file(np.zeros((301, 16, 16), np.uint8), codec="mpeg4")
    with pytest.raises(grpc.RpcError, match="has 301 frames or more; at most 300") as caught:
        stub.ClassifyVideo(file("motion", long))
    _check(caught.value, "file_piece")
    large = video_file(np.zeros((1, 1000, 1000), np.uint8), codec="mpeg4")
    with pytest.raises(grpc.RpcError, match=r"has frames of (1000×1000|more than 174080) pixels") as caught:
        stub.ClassifyVideo(file("motion", large))
    _check(caught.value, "file_piece")


def test_a_file_that_is_cut_short_is_refused(stub: Stub, moving: MovingDigits) -> None:
    """With what is wrong, and what would be right."""
    data = video_file(moving.frames[0], "matroska", "ffv1")
    whole = stub.ClassifyVideo(file("motion", data))
    assert whole.num_frames_seen == 12
    with pytest.raises(grpc.RpcError, match="send a whole MP4, AVI, WebM or GIF file") as caught:
        stub.ClassifyVideo(file("motion", data[:600]))
    _check(caught.value, "file_piece")


def test_a_track_is_no_video_file(stub: Stub, gestures: str, moving: MovingDigits) -> None:
    """The model takes tensors."""
    with pytest.raises(grpc.RpcError, match="takes no pictures") as caught:
        stub.ClassifyVideo(file(gestures, video_file(moving.frames[0])))
    _check(caught.value, "file_piece")


def test_a_model_of_another_task_is_refused(stub: Stub) -> None:
    """FAILED_PRECONDITION with what the model is for."""
    with pytest.raises(grpc.RpcError, match=r"'sums' is for tensors.* ClassifyVideo takes models for video") as caught:
        stub.ClassifyVideo(clip("sums", [FRAME]))
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION


def test_an_upload_that_stops_is_ended(stub: Stub) -> None:
    """DEADLINE_EXCEEDED after the silence that the server allows."""
    stop = threading.Event()

    def silent() -> Iterator[wire.ClassifyVideoRequest]:
        yield options(frames=[FRAME])
        stop.wait(60)

    try:
        with pytest.raises(grpc.RpcError, match="nothing came for 3 s") as caught:
            stub.ClassifyVideo(silent())
        assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    finally:
        stop.set()


def _check(error: Any, field: str) -> None:
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    (data,) = (value for key, value in error.trailing_metadata() if key == "grpc-status-details-bin")
    found = error_details_pb2.BadRequest()
    details = status_pb2.Status.FromString(data).details
    assert any(detail.Unpack(found) for detail in details)
    assert [violation.field for violation in found.field_violations] == [field]
