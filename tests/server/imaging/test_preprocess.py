"""Preprocessing gives what training code gives, to 1e-5, on every kind of picture.

The reference is written here with Pillow and PyTorch, as torchvision defines `Resize`, `CenterCrop`, `ToTensor` and
`Normalize`.
"""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from podium.v1 import image_pb2 as pb
from podium_server.imaging.decode import ImageLimits, ImageRejected, decode
from podium_server.imaging.preprocess import Preprocessor

from tests.server.imaging.pictures import Picture, all_pictures, photo, png

LIMITS = ImageLimits(max_bytes=10_000_000, max_pixels=1_000_000)
PICTURES = all_pictures()
IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
FILTERS = {
    pb.INTERPOLATION_NEAREST: Image.Resampling.NEAREST,
    pb.INTERPOLATION_BILINEAR: Image.Resampling.BILINEAR,
    pb.INTERPOLATION_BICUBIC: Image.Resampling.BICUBIC,
    pb.INTERPOLATION_LANCZOS: Image.Resampling.LANCZOS,
}


def spec(**changes: object) -> pb.ImagePreprocessing:
    """Describe ImageNet's usual preprocessing, made small, with changes."""
    fields: dict[str, object] = {
        "height": 28,
        "width": 28,
        "color_mode": pb.COLOR_MODE_RGB,
        "resize_mode": pb.RESIZE_MODE_CENTER_CROP,
        "interpolation": pb.INTERPOLATION_BILINEAR,
        "shorter_side": 32,
        "rescale": 1 / 255,
        "mean": IMAGENET_MEAN,
        "std": IMAGENET_STD,
        "layout": pb.IMAGE_LAYOUT_NCHW,
    }
    return pb.ImagePreprocessing(**(fields | changes))  # type: ignore[arg-type]


def prepare(encoded: bytes, preprocessing: pb.ImagePreprocessing) -> NDArray[np.float32]:
    """Decode and prepare as the server does."""
    return Preprocessor(preprocessing, LIMITS.max_pixels)(decode(encoded, LIMITS))


def resize(image: Image.Image, shorter_side: int, resample: Image.Resampling) -> Image.Image:
    """Resize as torchvision's `Resize(int)`: the longer side is truncated."""
    w, h = image.size
    short, long = (w, h) if w <= h else (h, w)
    new_short, new_long = shorter_side, int(shorter_side * long / short)
    return image.resize((new_short, new_long) if w <= h else (new_long, new_short), resample)


def center_crop(image: Image.Image, height: int, width: int) -> Image.Image:
    """Crop as torchvision's `CenterCrop`: Python's rounding."""
    top, left = round((image.height - height) / 2.0), round((image.width - width) / 2.0)
    return image.crop((left, top, left + width, top + height))


def to_tensor(image: Image.Image) -> torch.Tensor:
    """Convert as torchvision's `ToTensor`."""
    pixels = np.array(image)
    pixels = pixels if pixels.ndim == 3 else pixels[..., None]
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy()).to(torch.float32).div(255)


def normalize(x: torch.Tensor, mean: list[float], std: list[float]) -> torch.Tensor:
    """Normalize as torchvision's `Normalize`."""
    return x.sub(torch.tensor(mean)[:, None, None]).div(torch.tensor(std)[:, None, None])


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
@pytest.mark.parametrize("interpolation", list(FILTERS), ids=lambda value: FILTERS[value].name)
def test_imagenets_preprocessing_equals_training_code(picture: Picture, interpolation: pb.Interpolation) -> None:
    """Resize the shorter side, cut the centre, scale, normalize: on every kind of picture, with every filter."""
    opened = decode(picture.encoded, LIMITS)
    image = Image.fromarray(picture.rgb)
    if opened.mode == "RGBA":  # blending may round one way or the other
        np.testing.assert_allclose(
            np.asarray(Image.alpha_composite(Image.new("RGBA", image.size, "white"), opened).convert("RGB"), int),
            picture.rgb.astype(int),
            atol=1,
        )
    expected = normalize(
        to_tensor(center_crop(resize(image, 32, FILTERS[interpolation]), 28, 28)), IMAGENET_MEAN, IMAGENET_STD
    )
    row = prepare(picture.encoded, spec(interpolation=interpolation))
    assert row.dtype == np.float32
    np.testing.assert_allclose(row, expected.numpy(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_grey_networks_see_the_luma_of_every_picture(picture: Picture) -> None:
    """Pillow's `convert("L")`, then stretched to 32×32, in 0 … 1: LeNet-5's input."""
    image = Image.fromarray(picture.rgb).convert("L").resize((32, 32), Image.Resampling.BILINEAR)
    row = prepare(
        picture.encoded,
        spec(
            height=32,
            width=32,
            color_mode=pb.COLOR_MODE_GRAY,
            resize_mode=pb.RESIZE_MODE_STRETCH,
            mean=[],
            std=[],
        ),
    )
    np.testing.assert_allclose(row, to_tensor(image).numpy(), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("height", "width"), [(31, 50), (50, 31), (40, 40), (29, 29), (100, 33)])
@pytest.mark.parametrize(("out_height", "out_width"), [(28, 28), (20, 32), (32, 20)])
def test_cutting_after_resizing_rounds_as_torchvision(height: int, width: int, out_height: int, out_width: int) -> None:
    """Odd and even margins, wide and tall pictures and networks."""
    rgb = np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)
    image = center_crop(resize(Image.fromarray(rgb), 33, Image.Resampling.BICUBIC), out_height, out_width)
    row = prepare(
        png(rgb, 8, 2),
        spec(height=out_height, width=out_width, shorter_side=33, interpolation=pb.INTERPOLATION_BICUBIC),
    )
    np.testing.assert_allclose(row, normalize(to_tensor(image), IMAGENET_MEAN, IMAGENET_STD).numpy(), atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(37, 53), (53, 37), (224, 224), (101, 100), (9, 200)])
def test_cutting_before_resizing_is_efficientnets(height: int, width: int) -> None:
    """TensorFlow's EfficientNet cuts int(224/(224+32)·min(h, w)) at ((h − side) + 1)//2, then resizes bicubically."""
    rgb = np.random.default_rng(4).integers(0, 256, (height, width, 3), np.uint8)
    side = int(224 / (224 + 32) * min(height, width))
    top, left = (height - side + 1) // 2, (width - side + 1) // 2
    cut = Image.fromarray(rgb).crop((left, top, left + side, top + side)).resize((64, 64), Image.Resampling.BICUBIC)
    expected = (np.asarray(cut, np.float64).transpose(2, 0, 1) - 127) / 128
    row = prepare(
        png(rgb, 8, 2),
        spec(
            height=64,
            width=64,
            resize_mode=pb.RESIZE_MODE_CROP_THEN_RESIZE,
            interpolation=pb.INTERPOLATION_BICUBIC,
            crop_fraction=0.875,
            rescale=1.0,
            mean=[127.0] * 3,
            std=[128.0] * 3,
        ),
    )
    np.testing.assert_allclose(row, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("size", "window"),
    [
        ((40, 60), (0, 20, 40, 40)),
        ((60, 40), (0, 5, 60, 35)),
        ((50, 10), (15, 0, 35, 10)),
        ((41, 20), (1, 0, 41, 20)),
    ],
)
def test_the_window_has_the_networks_aspect_ratio(size: tuple[int, int], window: tuple[int, int, int, int]) -> None:
    """The largest window of 2:1 in pictures of (width, height): (left, top, right, bottom), by hand."""
    rgb = np.random.default_rng(5).integers(0, 256, (*size[::-1], 3), np.uint8)
    cut = Image.fromarray(rgb).crop(window)
    expected = to_tensor(cut.resize((32, 16), Image.Resampling.BILINEAR)).numpy()
    changes = {"height": 16, "width": 32, "resize_mode": pb.RESIZE_MODE_CROP_THEN_RESIZE, "crop_fraction": 1.0}
    row = prepare(png(rgb, 8, 2), spec(mean=[], std=[], **changes))
    np.testing.assert_allclose(row, expected, atol=1e-5, rtol=0)


def test_exact_networks_take_one_size_and_change_no_pixel() -> None:
    """Of the right size, pixels are only scaled; the error of another size has both."""
    rgb = photo()
    height, width = rgb.shape[:2]
    exact = spec(height=height, width=width, resize_mode=pb.RESIZE_MODE_EXACT, interpolation=0, mean=[], std=[])
    np.testing.assert_allclose(prepare(png(rgb, 8, 2), exact), rgb.transpose(2, 0, 1) / 255, atol=1e-6)
    with pytest.raises(ImageRejected, match=r"is 36×53 pixels .* exactly 53×37"):
        prepare(png(np.ascontiguousarray(rgb[:, :36].repeat(2, 0)[:53]), 8, 2), exact)


def test_layout_and_channel_order_are_the_manifests() -> None:
    """The same numbers, axes and channels in another order; mean and std go with the channels."""
    encoded = png(photo(), 8, 2)
    nchw = prepare(encoded, spec())
    nhwc = prepare(encoded, spec(layout=pb.IMAGE_LAYOUT_NHWC))
    bgr = prepare(encoded, spec(color_mode=pb.COLOR_MODE_BGR, mean=IMAGENET_MEAN[::-1], std=IMAGENET_STD[::-1]))
    np.testing.assert_array_equal(nhwc.transpose(2, 0, 1), nchw)
    np.testing.assert_array_equal(bgr[::-1], nchw)


def test_transparent_pixels_show_the_manifests_background() -> None:
    """A network trained on black, or on the average colour, sees that."""
    rgba = np.zeros((4, 4, 4), np.uint8)
    exact = {"height": 4, "width": 4, "resize_mode": pb.RESIZE_MODE_EXACT, "mean": [], "std": [], "rescale": 1.0}
    row = prepare(png(rgba, 8, 6), spec(alpha_background=[10, 20, 30], **exact))
    np.testing.assert_array_equal(row[:, 0, 0], [10, 20, 30])
    np.testing.assert_array_equal(prepare(png(rgba, 8, 6), spec(**exact))[:, 0, 0], [255, 255, 255])


def test_rows_are_written_where_they_are_wanted() -> None:
    """A batch is filled row by row, without another copy."""
    preprocessor = Preprocessor(spec(), LIMITS.max_pixels)
    batch = np.zeros((2, *preprocessor.shape), np.float32)
    image = decode(png(photo(), 8, 2), LIMITS)
    preprocessor(image, batch[1])
    np.testing.assert_array_equal(batch[1], preprocessor(image))
    assert not batch[0].any()


def test_a_picture_so_narrow_that_resizing_it_explodes_is_refused() -> None:
    """One pixel by 2,000, with 256 on the shorter side, would have 131 million pixels."""
    line = np.zeros((2000, 1), np.uint8)
    with pytest.raises(ImageRejected, match=r"is 1×2000 pixels, so narrow .* it would have 131072000; at most"):
        prepare(png(line, 8, 0), spec(shorter_side=256))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"height": 0}, "height is 0; it must be 1 … 16384"),
        ({"width": 20000}, "width is 20000; it must be 1 … 16384"),
        ({"color_mode": pb.COLOR_MODE_UNSPECIFIED}, "color_mode must be GRAY, RGB or BGR"),
        ({"layout": pb.IMAGE_LAYOUT_UNSPECIFIED}, "layout must be NCHW or NHWC"),
        ({"resize_mode": pb.RESIZE_MODE_UNSPECIFIED}, "resize_mode must be STRETCH, CENTER_CROP"),
        ({"interpolation": pb.INTERPOLATION_UNSPECIFIED}, "interpolation must be NEAREST, BILINEAR"),
        ({"shorter_side": 27}, "shorter_side is 27; it must be at least height and width"),
        ({"resize_mode": pb.RESIZE_MODE_CROP_THEN_RESIZE}, "crop_fraction is 0.0; it must be above 0 and at most 1"),
        ({"rescale": 0.0}, "rescale is 0.0; it must be above 0"),
        ({"rescale": float("nan")}, "rescale is nan; it must be above 0"),
        ({"mean": [0.5]}, r"mean is \[0.5\]; it must be one number a channel, 3, or none"),
        ({"std": [1.0, 1.0, 0.0]}, r"std is \[1.0, 1.0, 0.0\]; each must be above 0"),
        ({"alpha_background": [1, 2]}, r"alpha_background is \[1, 2\]; it must be red, green and blue"),
        ({"alpha_background": [1, 2, 256]}, r"alpha_background is \[1, 2, 256\]; it must be red, green and blue"),
    ],
)
def test_a_wrong_manifest_is_refused_by_field(changes: dict[str, object], error: str) -> None:
    """When the model is compiled, not when a picture comes."""
    with pytest.raises(ValueError, match=error):
        Preprocessor(spec(**changes), LIMITS.max_pixels)
