"""`ClassifyVideo`: a clip in pieces, frames or a file; one answer."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray
from podium.v1 import classification_service_pb2 as wire
from podium.v1 import image_pb2

from podium_server.call import Call
from podium_server.errors import InvalidArgument
from podium_server.imaging.pool import ImagePool
from podium_server.imaging.reader import ImageReader
from podium_server.services.clip_call import ClipCall, check_options, next_message
from podium_server.video.decoding import CHUNK, FIELD, Chunk, VideoFile, VideoLimits
from podium_server.video.sampling import chosen
from podium_server.video.viewer import Seen

_MUCH = 1 << 30  # more effort than is spent in the event loop


@dataclass(slots=True)
class Upload:
    """A clip as it came.

    Attributes:
        frames: of a clip of frames.
        file: of a clip that is a file.
    """

    frames: list[image_pb2.Image] = field(default_factory=list[image_pb2.Image])
    file: bytearray = field(default_factory=bytearray)
    num_bytes: int = 0

    def add(self, message: wire.ClassifyVideoRequest, limits: VideoLimits) -> None:
        """Take a message's piece.

        Raises:
            InvalidArgument: it is of the other kind than the ones before, or too much.
        """
        self.frames.extend(message.frames)
        self.file += message.file_piece
        if self.frames and self.file:
            raise InvalidArgument(f"{FIELD}: a call has frames, or a file; this one has both", FIELD)
        path = FIELD if self.file else "frames"
        if len(self.frames) > limits.max_frames:
            raise InvalidArgument(f"frames: are more than {limits.max_frames}, which is the most that are taken", path)
        self.num_bytes += message.ByteSize()
        if self.num_bytes > limits.max_bytes:
            raise InvalidArgument(
                f"{path}: is more than {limits.max_bytes} bytes, which is the most that are taken", path
            )


async def receive(
    requests: AsyncIterator[wire.ClassifyVideoRequest],
    first: wire.ClassifyVideoRequest,
    call: Call,
    limits: VideoLimits,
    *,
    max_silence_s: float,
) -> Upload:
    """Take all of a clip.

    Raises:
        InvalidArgument: it is empty, of two kinds, or too much.
        Overloaded: the server holds as much as it may.
        DeadlineExceeded: it stopped coming.
    """
    upload = Upload()
    call.hold(first)
    upload.add(first, limits)
    while (message := await next_message(requests, max_silence_s)) is not None:
        check_options(first=False, given=message.HasField("options"))
        call.hold(message)
        upload.add(message, limits)
    if not upload.frames and not upload.file:
        raise InvalidArgument("frames: a clip needs one or more, or a file in `file_piece`", "frames")
    return upload


class Frames:
    """The frames of a clip that came as frames.

    Args:
        work: the call.
        images: as they came.
        options: of the call.

    Attributes:
        num_seen: frames of the clip.
        frame_rate: frames a second; 0: not known.
        indices: the places in the clip of the frames that are read, in order.

    Raises:
        InvalidArgument: frames that were chosen by the caller are not those that the model reads.
    """

    def __init__(self, work: ClipCall, images: Sequence[image_pb2.Image], options: wire.ClassifyVideoOptions) -> None:
        self._work = work
        self._images = images
        sampled_from = options.num_frames_sampled_from
        self.num_seen = sampled_from or len(images)
        self.frame_rate = options.frame_rate
        read = chosen(work.model.sampling, self.num_seen)
        if sampled_from and len(read) != len(images):  # asked before they are listed: a caller may say any number
            path = "options.num_frames_sampled_from"
            raise InvalidArgument(
                f"{path}: of {sampled_from} frames this model reads {len(read)}; there are {len(images)}", path
            )
        self.indices = list(read)
        self._places = list(range(len(images))) if sampled_from else self.indices

    async def rows(self) -> AsyncGenerator[NDArray[Any], None]:
        """Read them, a few at a time."""
        for start in range(0, len(self._places), CHUNK):
            places = self._places[start : start + CHUNK]
            yield await self._work.read([self._images[i] for i in places], [f"frames[{i}]" for i in places])


class File:
    """The frames of a clip that came as a file.

    Args:
        work: the call.
        file: the file.
        pool: where it is decoded.

    Attributes:
        num_seen, frame_rate, indices: as in `Frames`; complete once `rows` has ended.
    """

    def __init__(self, work: ClipCall, file: VideoFile, pool: ImagePool) -> None:
        self._work = work
        self._file = file
        self._pool = pool
        self.indices: list[int] = []

    @property
    def num_seen(self) -> int:
        """Frames of the clip."""
        return self._file.num_frames

    @property
    def frame_rate(self) -> float:
        """Frames a second; 0: the file does not say."""
        return self._file.frame_rate

    async def rows(self) -> AsyncGenerator[NDArray[Any], None]:
        """Decode and prepare them on a thread, a few at a time."""
        chunks = self._file.chunks(self._work.model.sampling)

        def following() -> Chunk | None:
            return next(chunks, None)

        try:
            while True:
                began = time.monotonic()
                (chunk,) = await self._pool.work([following], _MUCH)
                self._work.spent.preprocess_s += time.monotonic() - began
                if chunk is None:
                    return
                self.indices += chunk.indices
                yield chunk.rows
        finally:
            self._file.abandoned = True


async def open_clip(
    work: ClipCall, upload: Upload, options: wire.ClassifyVideoOptions, pool: ImagePool, limits: VideoLimits
) -> Frames | File:
    """Find out what came.

    Raises:
        InvalidArgument: it is no clip, or none that the model takes.
        Unsupported: this server cannot decode video.
    """
    if upload.frames:
        return Frames(work, upload.frames, options)
    reader = work.model.reader
    if not isinstance(reader, ImageReader):
        raise InvalidArgument(f"{FIELD}: this model takes no pictures, but frames that are tensors", FIELD)
    (file,) = await pool.work([lambda: VideoFile(bytes(upload.file), reader, limits)], _MUCH)
    return File(work, file, pool)


async def classify(
    work: ClipCall, clip: Frames | File, options: wire.ClassifyVideoOptions
) -> wire.ClassifyVideoResponse:
    """Look at a clip, and say what it shows."""
    seen: list[Seen] = []
    answers = work.see(clip.rows(), whole=True)
    try:
        async for each in answers:
            if work.model.per_frame or not seen:
                seen.append(each)
            else:
                seen[0] = each  # what is known with the last frame
    finally:
        await answers.aclose()
    named = [work.name(each.scores, options.top_k, return_logits=options.return_logits) for each in seen]
    response = wire.ClassifyVideoResponse(
        metadata=work.metadata(),
        num_frames_seen=clip.num_seen,
        num_frames_used=len(clip.indices),
        frame_rate=clip.frame_rate,
        sampling=work.model.sampling,
    )
    if work.model.per_frame:
        for each, result in zip(seen, named, strict=True):
            response.frames.add(frame_index=clip.indices[each.place], result=result)
    else:
        response.result.CopyFrom(named[-1])
    return response
