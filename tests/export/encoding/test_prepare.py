"""Pictures are prepared as the server prepares them."""

import itertools

import numpy as np
import pytest
from PIL import Image
from podium.v1 import image_pb2 as pb
from podium_export.encoding.prepare import prepare
from podium_export.errors import PictureError
from podium_server.imaging.preprocess import Preprocessor

SIZES = ((28, 28), (64, 64), (97, 41), (41, 97), (300, 17), (5, 3))
MODES = ("L", "RGB", "RGBA")


def picture(mode: str, size: tuple[int, int]) -> Image.Image:
    """Draw noise."""
    channels = len(mode) if mode != "L" else 1
    noise = np.random.default_rng(sum(size)).integers(0, 256, (size[1], size[0], channels), np.uint8)
    return Image.fromarray(noise if channels > 1 else noise[..., 0])


@pytest.mark.parametrize("layout", [pb.IMAGE_LAYOUT_NCHW, pb.IMAGE_LAYOUT_NHWC])
@pytest.mark.parametrize("color", [pb.COLOR_MODE_GRAY, pb.COLOR_MODE_RGB, pb.COLOR_MODE_BGR])
@pytest.mark.parametrize(
    "resize",
    [
        pb.ImagePreprocessing(resize_mode=pb.RESIZE_MODE_STRETCH),
        pb.ImagePreprocessing(resize_mode=pb.RESIZE_MODE_CENTER_CROP, shorter_side=37),
        pb.ImagePreprocessing(resize_mode=pb.RESIZE_MODE_CROP_THEN_RESIZE, crop_fraction=0.875),
        pb.ImagePreprocessing(resize_mode=pb.RESIZE_MODE_CROP_THEN_RESIZE, crop_fraction=1.0),
    ],
    ids=["stretch", "center-crop", "crop-then-resize", "crop-all"],
)
def test_every_manifest_gives_the_servers_row(
    resize: pb.ImagePreprocessing, color: "pb.ColorMode", layout: "pb.ImageLayout"
) -> None:
    """Whatever the size and mode of the picture, with each filter."""
    filters = (pb.INTERPOLATION_NEAREST, pb.INTERPOLATION_BILINEAR, pb.INTERPOLATION_BICUBIC, pb.INTERPOLATION_LANCZOS)
    channels = 1 if color == pb.COLOR_MODE_GRAY else 3
    for number, (size, mode) in enumerate(itertools.product(SIZES, MODES)):
        spec = pb.ImagePreprocessing(
            height=28,
            width=32,
            color_mode=color,
            interpolation=filters[number % 4],
            rescale=1 / 255,
            mean=[0.5, 0.4, 0.3][:channels],
            std=[0.2, 0.3, 0.4][:channels],
            layout=layout,
            alpha_background=[10, 20, 30] if number % 2 else [],
        )
        spec.MergeFrom(resize)
        image = picture(mode, size)
        np.testing.assert_allclose(prepare(image, spec), Preprocessor(spec, 2**24)(image), atol=2e-6)


def test_a_picture_of_another_size_is_refused_where_one_is_taken() -> None:
    """Both sizes are named."""
    spec = pb.ImagePreprocessing(
        height=28,
        width=32,
        color_mode=pb.COLOR_MODE_GRAY,
        resize_mode=pb.RESIZE_MODE_EXACT,
        rescale=1 / 255,
        layout=pb.IMAGE_LAYOUT_NCHW,
    )
    image = picture("L", (32, 28))
    np.testing.assert_allclose(prepare(image, spec), Preprocessor(spec, 2**24)(image), atol=2e-6)
    with pytest.raises(PictureError, match=r"is 28×28 pixels .*takes exactly 32×28"):
        prepare(picture("L", (28, 28)), spec)
