"""The calls of clips: classified whole, and frame by frame."""

import asyncio
import math
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Iterator, Sequence
from contextlib import aclosing
from functools import cached_property
from pathlib import Path
from typing import Literal, cast

from podium.v1 import classification_service_pb2 as wire
from podium.v1 import classification_service_pb2_grpc
from podium.v1 import model_manifest_pb2 as pb

from podium_client import arguments
from podium_client.clips import ClipLike, EncodedClip, decode_clip, encode_frames, is_path
from podium_client.errors import InvalidArgumentError
from podium_client.images import ImageLike, encode_images_aside
from podium_client.model_calls import ModelCalls
from podium_client.tensors import Array
from podium_client.video_answers import FrameClassification, VideoClassification, read_frame, read_video

_PIECE_BYTES = 1 << 20
"""Bytes of a message of a clip, about: below what servers take, and large enough to be few."""


class VideoCalls(ModelCalls):
    """The calls of clips of `podium.v1.ClassificationService`; a clip is made ready as its model's manifest says.

    What both share: `model` is "name", "name/version" or "name@alias"; they raise PodiumError, by who is to blame.
    """

    @cached_property
    def _clips(self) -> "classification_service_pb2_grpc.ClassificationServiceAsyncStub":
        return classification_service_pb2_grpc.ClassificationServiceStub(self._channel)

    async def classify_video(
        self,
        model: str,
        clip: ClipLike,
        *,
        top_k: int = 5,
        return_logits: bool = False,
        frame_rate: float | None = None,
        decode: Literal["client", "server"] = "client",
        timeout: float | None = None,
    ) -> VideoClassification:
        """Say what a clip shows.

        Args:
            model: "name", "name/version" or "name@alias".
            clip: the path of a video file (MP4, AVI, WebM, GIF, ...), a list of pictures, or an array of frames, the
                first axis time.
            top_k: how many classes to name, 1 or more.
            return_logits: return the network's raw output too.
            frame_rate: frames a second of a list or an array; a file says its own.
            decode: where a file is decoded: here, so that only the frames that the model reads travel, as small as it
                wants them; or on the server, which then gets the file's bytes.
            timeout: seconds for all of it: asking what the model wants, reading and decoding the clip, the call and
                its retries; None: the client's.

        Raises:
            PodiumError: by who is to blame.
            OSError: a file cannot be read.
        """
        if decode not in ("client", "server"):
            raise InvalidArgumentError(f"decode: {decode!r}; give 'client' or 'server'", field="decode")
        options = wire.ClassifyVideoOptions(
            model=model,
            top_k=arguments.whole(top_k, "top_k", 1),
            return_logits=return_logits,
            frame_rate=0 if frame_rate is None else arguments.positive(frame_rate, "frame_rate"),
        )
        limit_s, began = self._limit_s(timeout), time.monotonic()
        if is_path(clip) and decode == "server":
            requests = _of_file(options, await asyncio.to_thread(Path(cast("str", clip)).read_bytes))
        else:
            encoded = await self._encoded(model, clip, limit_s)
            options.num_frames_sampled_from = encoded.num_frames
            options.frame_rate = encoded.frame_rate or options.frame_rate
            requests = _of_frames(options, encoded)
        response = await self._caller.upload(self._clips.ClassifyVideo, requests, limit_s, began)
        return read_video(response, with_logits=return_logits)

    async def classify_frames(
        self,
        model: str,
        frames: Iterable[ImageLike] | AsyncIterable[ImageLike],
        *,
        top_k: int = 5,
        return_logits: bool = False,
        timeout: float = math.inf,
    ) -> AsyncGenerator[FrameClassification, None]:
        """Say what frames show, each as it comes; leaving the iteration ends the stream.

        A network that goes from frame to frame answers each frame; one that looks at a window answers when the frames
        of the window have come.

        Args:
            model: "name", "name/version" or "name@alias".
            frames: pictures, as `classify` takes them; an iterator may wait for them: it is asked for the next one in
                another thread, as far ahead of the answers as the server takes frames.
            top_k: how many classes to name for each frame, 1 or more.
            return_logits: return the network's raw output too.
            timeout: seconds until the last answer.
        """
        options = wire.ClassifyFramesOptions(
            model=model, top_k=arguments.whole(top_k, "top_k", 1), return_logits=return_logits
        )
        answers = self._caller.converse(self._clips.ClassifyFrames, _of_stream(options, frames), self._limit_s(timeout))
        async with aclosing(answers):
            async for answer in answers:
                yield read_frame(answer, with_logits=return_logits)

    async def _encoded(self, model: str, clip: ClipLike, limit_s: float) -> EncodedClip:
        if not is_path(clip):
            return EncodedClip(await asyncio.to_thread(encode_frames, cast("Sequence[ImageLike] | Array", clip)))
        described = await self.model(model, timeout=limit_s)
        if described.manifest.task != pb.TASK_VIDEO_CLASSIFICATION:
            return EncodedClip([])  # the server says what the model is for
        return await asyncio.to_thread(decode_clip, Path(cast("str", clip)), described.manifest)


def _of_file(options: wire.ClassifyVideoOptions, data: bytes) -> list[wire.ClassifyVideoRequest]:
    pieces = [data[start : start + _PIECE_BYTES] for start in range(0, len(data), _PIECE_BYTES)]
    first = wire.ClassifyVideoRequest(options=options)
    return [first, *(wire.ClassifyVideoRequest(file_piece=piece) for piece in pieces)]


def _of_frames(options: wire.ClassifyVideoOptions, clip: EncodedClip) -> list[wire.ClassifyVideoRequest]:
    requests = [wire.ClassifyVideoRequest(options=options)]
    size = 0
    for frame in clip.frames:
        frame_size = frame.ByteSize()
        if size + frame_size > _PIECE_BYTES:
            requests.append(wire.ClassifyVideoRequest())
            size = 0
        requests[-1].frames.append(frame)
        size += frame_size
    return requests


async def _of_stream(
    options: wire.ClassifyFramesOptions, frames: Iterable[ImageLike] | AsyncIterable[ImageLike]
) -> AsyncIterator[wire.ClassifyFramesRequest]:
    yield wire.ClassifyFramesRequest(options=options)
    async for frame in _one_by_one(frames):
        (encoded,) = await encode_images_aside([frame])
        yield wire.ClassifyFramesRequest(frame=encoded)


async def _one_by_one(frames: Iterable[ImageLike] | AsyncIterable[ImageLike]) -> AsyncIterator[ImageLike]:
    """Iterate over whatever there is, without holding up the event loop."""
    if isinstance(frames, AsyncIterable):
        async for frame in frames:
            yield frame
    elif isinstance(frames, Sequence):
        for frame in frames:
            yield frame
    else:
        iterator: Iterator[ImageLike] = iter(frames)
        end = object()
        while (following := await asyncio.to_thread(next, iterator, end)) is not end:
            yield cast("ImageLike", following)
