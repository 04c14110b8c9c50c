"""Clips of every kind that a program has, as messages.

Video files are decoded here, and their frames chosen and made small as a model wants them, so that no more travels than
the model reads. PyAV decodes; it is imported for the first file.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from PIL import Image as PillowImage
from podium.v1 import image_pb2, video_pb2
from podium.v1 import model_manifest_pb2 as pb

from podium_client.errors import InvalidArgumentError
from podium_client.images import ImageLike, encode_image
from podium_client.tensors import Array

if TYPE_CHECKING:
    from av.container import InputContainer

ClipLike: TypeAlias = str | os.PathLike[str] | Sequence[ImageLike] | Array
"""A path of a video file, a list of pictures, or an array of frames, the first axis time."""

_FILTERS = {
    image_pb2.INTERPOLATION_NEAREST: PillowImage.Resampling.NEAREST,
    image_pb2.INTERPOLATION_BILINEAR: PillowImage.Resampling.BILINEAR,
    image_pb2.INTERPOLATION_BICUBIC: PillowImage.Resampling.BICUBIC,
    image_pb2.INTERPOLATION_LANCZOS: PillowImage.Resampling.LANCZOS,
}


@dataclass(frozen=True, slots=True, eq=False)
class EncodedClip:
    """A clip, ready to be sent.

    Attributes:
        frames: those that the model reads, or all.
        num_frames: of the clip, where the frames were chosen here; 0: all are sent.
        frame_rate: frames a second; 0: not known.
    """

    frames: list[image_pb2.Image]
    num_frames: int = 0
    frame_rate: float = 0.0


def is_path(clip: ClipLike) -> bool:
    """Say whether a clip is the path of a video file."""
    return isinstance(clip, str | os.PathLike)


def encode_frames(clip: Sequence[ImageLike] | Array) -> list[image_pb2.Image]:
    """Write frames as messages: work for a thread.

    Raises:
        InvalidArgumentError: there are none, or one is no picture; `.field` says which.
        OSError: a file cannot be read.
    """
    if isinstance(clip, bytes | bytearray):
        raise InvalidArgumentError("clip: bytes; give the path of a video file, or a list of frames", field="clip")
    if len(clip) == 0:
        raise InvalidArgumentError("clip: has no frames; give at least one", field="clip")
    return [encode_image(frame, f"clip[{place}]") for place, frame in enumerate(clip)]


def decode_clip(path: Path, manifest: pb.ModelManifest) -> EncodedClip:
    """Decode a video file, and take what a model reads of it: work for a thread.

    Args:
        path: the file.
        manifest: of the model.

    Raises:
        InvalidArgumentError: it is no video, or PyAV is not installed.
        OSError: it cannot be read.
    """
    sampling, preprocessing = manifest.video.sampling, manifest.image_preprocessing
    num_frames = sum(1 for _ in _pictures(path)) if sampling.HasField("uniform") else 0
    wanted = [(2 * i + 1) * num_frames // (2 * sampling.uniform) for i in range(sampling.uniform)]
    every = sampling.every or 1
    frames: list[image_pb2.Image] = []
    count = 0
    for place, frame in enumerate(_pictures(path)):
        times = wanted.count(place) if wanted else int(place % every == 0)
        if times:
            small = _prepared(frame.to_image(), preprocessing)
            frames += [encode_image(small, f"clip[{place}]")] * times
        count += 1
    if not count:
        raise InvalidArgumentError(f"clip: {path} has no frames", field="clip")
    return EncodedClip(frames, count, _frame_rate(path))


def _pictures(path: Path) -> Iterator[Any]:
    """Decode frame after frame."""
    with _opened(path) as container:
        from av.error import FFmpegError

        try:
            if not container.streams.video:
                raise InvalidArgumentError(f"clip: {path} has no pictures", field="clip")
            yield from container.decode(video=0)
        except FFmpegError as error:
            raise InvalidArgumentError(f"clip: {path} is no whole video: {error.strerror}", field="clip") from error


def _opened(path: Path) -> "InputContainer":
    try:
        import av
        from av.error import FFmpegError
    except ImportError as error:
        raise InvalidArgumentError(
            "clip: decoding video takes PyAV (pip install av); or have the server decode it: decode='server'",
            field="clip",
        ) from error
    path.stat()  # what is wrong with a path is an OSError, as for pictures
    try:
        return av.open(str(path), "r")
    except FFmpegError as error:
        raise InvalidArgumentError(
            f"clip: {path} is no video that can be read ({error.strerror}); give an MP4, AVI, WebM or GIF file",
            field="clip",
        ) from error


def _frame_rate(path: Path) -> float:
    with _opened(path) as container:
        rate = container.streams.video[0].average_rate
        return float(rate) if rate else 0.0


def _prepared(frame: PillowImage.Image, preprocessing: image_pb2.ImagePreprocessing) -> PillowImage.Image:
    """Make a frame as small as the model wants it, where that is what the server would do with it: the same pixels."""
    if preprocessing.resize_mode != image_pb2.RESIZE_MODE_STRETCH:
        return frame
    gray = preprocessing.color_mode == image_pb2.COLOR_MODE_GRAY
    frame = frame.convert("L" if gray else "RGB")
    return frame.resize((preprocessing.width, preprocessing.height), _FILTERS[preprocessing.interpolation])


def sampling_words(sampling: video_pb2.FrameSampling) -> str:
    """Say which frames were read."""
    match sampling.WhichOneof("method"):
        case "every":
            return f"one in {sampling.every}"
        case "uniform":
            return f"{sampling.uniform} of equal distance"
        case _:
            return "all"
