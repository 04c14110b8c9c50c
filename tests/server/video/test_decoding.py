"""Video files within limits: what a header says, and what it does not."""

import numpy as np
import pytest
from podium.v1 import image_pb2, video_pb2
from podium_server.elements import BY_OIP
from podium_server.errors import InvalidArgument
from podium_server.imaging.decode import ImageLimits
from podium_server.imaging.reader import ImageReader
from podium_server.video.decoding import CHUNK, VideoFile, VideoLimits

from tests.server.video.asking import video_file

ALL = video_pb2.FrameSampling(all=video_pb2.AllFrames())
LIMITS = VideoLimits(max_bytes=10**7, max_frames=100, max_pixels=64 * 64)


def reader() -> ImageReader:
    """Reads 16×16 grey pixels as they are."""
    spec = image_pb2.ImagePreprocessing(
        height=16,
        width=16,
        color_mode=image_pb2.COLOR_MODE_GRAY,
        resize_mode=image_pb2.RESIZE_MODE_EXACT,
        rescale=1,
        layout=image_pb2.IMAGE_LAYOUT_NCHW,
    )
    return ImageReader(spec, BY_OIP["UINT8"], ImageLimits(1, 10**6))


def numbered(count: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    """Frames whose pixels are their number."""
    return np.arange(count, dtype=np.uint8)[:, None, None].repeat(16, 1).repeat(16, 2)


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (ALL, list(range(40))),
        (video_pb2.FrameSampling(every=7), [0, 7, 14, 21, 28, 35]),
        (video_pb2.FrameSampling(uniform=4), [5, 15, 25, 35]),
        (video_pb2.FrameSampling(uniform=80), [i // 2 for i in range(80)]),
    ],
)
def test_the_frames_that_are_read_are_those_of_the_rule(sampling: video_pb2.FrameSampling, expected: list[int]) -> None:
    """Their pixels say which they are; a few at a time, and never more in memory."""
    file = VideoFile(video_file(numbered(40)), reader(), LIMITS)
    chunks = list(file.chunks(sampling))
    assert [place for chunk in chunks for place in chunk.indices] == expected
    assert [int(row[0, 0, 0]) for chunk in chunks for row in chunk.rows] == expected
    assert all(len(chunk.rows) <= CHUNK + 1 for chunk in chunks)
    assert (file.num_frames, file.frame_rate) == (40, 12.0)


def test_a_header_that_says_too_much_is_refused_unread() -> None:
    """Frames, and pixels of a frame."""
    with pytest.raises(InvalidArgument, match="has 101 frames or more; at most 100"):
        VideoFile(video_file(numbered(101)), reader(), LIMITS)
    with pytest.raises(InvalidArgument, match=r"has frames of 66×66 pixels, 4356 in all; at most 4096"):
        VideoFile(video_file(np.zeros((1, 66, 66), np.uint8)), reader(), LIMITS)


def test_frames_are_counted_where_the_header_does_not_say() -> None:
    """A file written as it was filmed says nothing of its length: it is refused at the first frame too many."""
    live = video_file(numbered(30), "matroska", "ffv1", live="1")
    file = VideoFile(live, reader(), VideoLimits(10**7, 20, 4096))
    with pytest.raises(InvalidArgument, match="has 21 frames or more; at most 20"):
        list(file.chunks(ALL))


def test_a_frame_larger_than_its_header_is_not_decoded() -> None:
    """A stream of large frames behind a header of small ones: the decoder itself keeps to the limit."""
    large = video_file(np.zeros((3, 640, 640), np.uint8), "avi", "mjpeg")
    small = large.replace((640).to_bytes(4, "little"), (16).to_bytes(4, "little"))
    assert small != large
    with pytest.raises(InvalidArgument, match="is corrupt, or has frames of more than 4096 pixels"):
        list(VideoFile(small, reader(), LIMITS).chunks(ALL))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"plain text",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile /etc/hostname\n",
        b"\x00\x00\x00\x18ftypmp42" + bytes(100),
    ],
)
def test_what_is_no_video_is_refused(data: bytes) -> None:
    """Playlists, which would have the server open files, above all."""
    with pytest.raises(InvalidArgument, match="send a whole MP4, AVI, WebM or GIF file"):
        VideoFile(data, reader(), LIMITS)


def test_a_frame_of_another_size_than_the_model_takes_is_named() -> None:
    """By its place in the clip."""
    file = VideoFile(video_file(np.zeros((2, 32, 32), np.uint8)), reader(), LIMITS)
    with pytest.raises(InvalidArgument, match="frame 0 is 32×32 pixels"):
        list(file.chunks(ALL))


@pytest.mark.parametrize("sampling", [ALL, video_pb2.FrameSampling(uniform=4)])
def test_a_file_that_nobody_waits_for_is_decoded_no_further(sampling: video_pb2.FrameSampling) -> None:
    """Not even to count its frames."""
    file = VideoFile(video_file(numbered(40)), reader(), LIMITS)
    file.abandoned = True
    assert list(file.chunks(sampling)) == []
    assert file.num_frames == 0
