"""Requests of clips, as a caller of any language would write them."""

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from podium.v1 import classification_service_pb2 as wire
from podium.v1 import image_pb2, tensor_pb2

_PIXELS = {"libx264rgb": "rgb24", "gif": "rgb8", "ffv1": "gray", "png": "rgb24", "mjpeg": "yuvj420p"}


def png(pixels: NDArray[np.uint8]) -> image_pb2.Image:
    """A frame as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return image_pb2.Image(encoded=file.getvalue())


def tensor(numbers: NDArray[Any]) -> image_pb2.Image:
    """A frame as a tensor of float32."""
    data = np.ascontiguousarray(numbers, np.float32)
    message = tensor_pb2.Tensor(element_type=tensor_pb2.ELEMENT_TYPE_FLOAT32, shape=data.shape, data=data.tobytes())
    return image_pb2.Image(tensor=message)


def clip(
    model: str, frames: Sequence[image_pb2.Image], a_message: int = 5, **options: Any
) -> Iterator[wire.ClassifyVideoRequest]:
    """A clip in messages of a few frames."""
    yield wire.ClassifyVideoRequest(options=wire.ClassifyVideoOptions(model=model, **options))
    for start in range(0, len(frames), a_message):
        yield wire.ClassifyVideoRequest(frames=frames[start : start + a_message])


def file(model: str, data: bytes, piece: int = 50_000, **options: Any) -> Iterator[wire.ClassifyVideoRequest]:
    """A file in pieces."""
    yield wire.ClassifyVideoRequest(options=wire.ClassifyVideoOptions(model=model, **options), file_piece=data[:piece])
    for start in range(piece, len(data), piece):
        yield wire.ClassifyVideoRequest(file_piece=data[start : start + piece])


def stream(model: str, frames: Iterable[image_pb2.Image], **options: Any) -> Iterator[wire.ClassifyFramesRequest]:
    """A stream of frames."""
    yield wire.ClassifyFramesRequest(options=wire.ClassifyFramesOptions(model=model, **options))
    for frame in frames:
        yield wire.ClassifyFramesRequest(frame=frame)


def video_file(
    frames: NDArray[np.uint8], kind: str = "mp4", codec: str = "libx264rgb", rate: int = 12, **options: str
) -> bytes:
    """Encode grey frames (T, H, W), without loss where the codec can; `options` are the container's."""
    target = io.BytesIO()
    with av.open(target, "w", format=kind, options=options) as container:
        lossless = {"qp": "0"} if codec == "libx264rgb" else {}
        encoder: Any = container.add_stream(codec, rate=rate, options=lossless)
        encoder.width, encoder.height = frames.shape[2], frames.shape[1]
        encoder.pix_fmt = _PIXELS.get(codec, "yuv420p")
        for pixels in frames:
            picture = av.VideoFrame.from_ndarray(np.repeat(pixels[..., None], 3, axis=2), format="rgb24")
            container.mux(encoder.encode(picture))
        container.mux(encoder.encode(None))
    return target.getvalue()
