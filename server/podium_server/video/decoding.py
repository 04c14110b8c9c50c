"""Video files to rows of a network's input, within limits that are checked before anything is decoded.

PyAV, the field's binding of FFmpeg's libraries, decodes; it is imported on the first file, and what a frame takes of
memory is bounded by the decoder itself (`max_pixels`), whatever a header says or a stream changes to.
"""

import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from podium.v1 import video_pb2

from podium_server.errors import InvalidArgument, Unsupported
from podium_server.imaging.decode import ImageRejected
from podium_server.imaging.reader import ImageReader
from podium_server.video.sampling import chosen, needs_length

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

FIELD = "file_piece"
CHUNK = 16
"""Frames that are prepared at a time."""
_KINDS = "send a whole MP4, AVI, WebM or GIF file"
# A playlist would have the server open what it names: a file is of these containers, and opens nothing itself.
_OPTIONS = {"format_whitelist": "mov,mp4,avi,matroska,webm,gif,flv,mpeg,mpegts,ogg", "protocol_whitelist": "none"}


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """What a clip may cost.

    Attributes:
        max_bytes: of a file, or of all frames together.
        max_frames: of a clip.
        max_pixels: of a file's frame, width times height.
    """

    max_bytes: int
    max_frames: int
    max_pixels: int


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Some of the frames that are read.

    Attributes:
        rows: one a frame.
        indices: the frames' places in the clip.
    """

    rows: NDArray[Any]
    indices: Sequence[int]


class VideoFile:
    """One file, decoded from its beginning; used by one thread at a time.

    Args:
        data: the whole file.
        reader: the network's.
        limits: what it may cost.

    Attributes:
        num_frames: how many frames were decoded so far; all of them, once `chunks` has ended.
        frame_rate: frames a second; 0: the file does not say.
        abandoned: set by the event loop when nobody waits any more; the thread looks at it between frames.

    Raises:
        InvalidArgument: it is no video, or beyond the limits as its header has it.
        Unsupported: this server cannot decode video.
    """

    def __init__(self, data: bytes, reader: ImageReader, limits: VideoLimits) -> None:
        if importlib.util.find_spec("av") is None:
            raise Unsupported(f"{FIELD}: this server has no decoder of video (pip install av); send the clip as frames")
        self._data = data
        self._reader = reader
        self._limits = limits
        self.num_frames = 0
        self.frame_rate = 0.0
        self.abandoned = False
        with self._opened() as container:
            self._check_header(container)

    def chunks(self, sampling: video_pb2.FrameSampling) -> Iterator[Chunk]:
        """Decode the frames that a network reads, a few at a time.

        Raises:
            InvalidArgument: the file is cut short, corrupt, or beyond the limits.
        """
        wanted: Sequence[int] | None = None
        if needs_length(sampling):
            for _ in self._pictures():
                pass
            wanted = chosen(sampling, self.num_frames) if self.num_frames else []
        every = sampling.every or 1
        rows: list[NDArray[Any]] = []
        indices: list[int] = []
        for place, frame in self._pictures():
            count = wanted.count(place) if wanted is not None else int(place % every == 0)
            if count:
                row = self._row(frame)
                rows += [row] * count
                indices += [place] * count
            if len(rows) >= CHUNK:
                yield Chunk(np.stack(rows), indices)
                rows, indices = [], []
        if rows:
            yield Chunk(np.stack(rows), indices)

    def _opened(self) -> "InputContainer":
        import av
        from av.error import FFmpegError

        try:
            # Opening decodes a frame or two to learn of the stream: within the limit, too.
            return av.open(BytesIO(self._data), "r", options=_OPTIONS | {"max_pixels": str(self._limits.max_pixels)})
        except FFmpegError as error:
            raise _unreadable(error) from error

    def _check_header(self, container: "InputContainer") -> None:
        stream = _stream_of(container)
        width, height = stream.codec_context.width, stream.codec_context.height
        if width * height > self._limits.max_pixels:
            raise InvalidArgument(
                f"{FIELD}: has frames of {width}×{height} pixels, {width * height} in all; at most "
                f"{self._limits.max_pixels} are taken",
                FIELD,
            )
        rate = stream.average_rate or stream.guessed_rate
        self.frame_rate = float(rate) if rate else 0.0
        said = stream.frames
        if not said and container.duration and rate:
            said = int(container.duration / 1e6 * self.frame_rate)
        if said > self._limits.max_frames:
            raise self._too_long(said)

    def _pictures(self) -> Iterator[tuple[int, Any]]:
        """Decode every frame, with its place."""
        from av.error import FFmpegError

        self.num_frames = 0
        with self._opened() as container:
            stream = _stream_of(container)
            stream.thread_count = 1  # other calls have the other cores
            stream.codec_context.options = {"max_pixels": str(self._limits.max_pixels)}
            try:
                for frame in container.decode(stream):
                    if self.abandoned:
                        return
                    if self.num_frames >= self._limits.max_frames:
                        raise self._too_long(self.num_frames + 1)
                    self.num_frames += 1
                    yield self.num_frames - 1, frame
            except FFmpegError as error:
                raise self._broken(error) from error
        if not self.num_frames:
            raise InvalidArgument(f"{FIELD}: has no frames; {_KINDS}", FIELD)

    def _row(self, frame: Any) -> NDArray[Any]:
        row: NDArray[Any] = self._reader.empty(1)[0]
        try:
            self._reader.prepare(frame.to_image(), row)
        except ImageRejected as error:
            raise InvalidArgument(f"{FIELD}: frame {self.num_frames - 1} {error}", FIELD) from error
        return row

    def _broken(self, error: Exception) -> InvalidArgument:
        """Blame the file; where not even its first frame is decoded, it may be that frames are too large."""
        if self.num_frames:
            return _unreadable(error, f"is cut short or corrupt after {self.num_frames} frames")
        return _unreadable(error, f"is corrupt, or has frames of more than {self._limits.max_pixels} pixels")

    def _too_long(self, num_frames: int) -> InvalidArgument:
        return InvalidArgument(
            f"{FIELD}: has {num_frames} frames or more; at most {self._limits.max_frames} are taken", FIELD
        )


def _stream_of(container: "InputContainer") -> "VideoStream":
    if not container.streams.video:
        raise InvalidArgument(f"{FIELD}: has no pictures, only {container.format.long_name}; {_KINDS}", FIELD)
    return container.streams.video[0]


def _unreadable(error: Exception, what: str = "is no video that can be read") -> InvalidArgument:
    return InvalidArgument(f"{FIELD}: {what} ({getattr(error, 'strerror', None) or error}); {_KINDS}", FIELD)
