"""From numbers to pixels, to PNG files and grids; read back by Pillow."""

import io
import math

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from podium.v1 import image_pb2
from podium.v1 import model_manifest_pb2 as pb
from podium_server.pictures.grid import LINE, grid, grid_pixels, square_columns
from podium_server.pictures.input_map import InputMap
from podium_server.pictures.pixel_map import PixelMap
from podium_server.pictures.png import encode_png

from tests.server.imaging.pictures import photo
from tests.server.pictures.models import EXACT, GRAY_OUTPUT

NCHW, NHWC = image_pb2.IMAGE_LAYOUT_NCHW, image_pb2.IMAGE_LAYOUT_NHWC
GRAY, RGB, BGR = image_pb2.COLOR_MODE_GRAY, image_pb2.COLOR_MODE_RGB, image_pb2.COLOR_MODE_BGR


def read(png: bytes) -> NDArray[np.uint8]:
    """Read a PNG file with Pillow."""
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def test_values_become_pixels_by_the_manifests_formula() -> None:
    """255 · (v - low) / (high - low), rounded half to even, clamped."""
    pixel_map = PixelMap(pb.ImageOutput(low=-1.0, high=1.0, color_mode=GRAY, layout=NCHW))
    values = np.array([-7.0, -1.0, 0.0, 0.5, 1.0, 1e30], np.float32)
    pixels = pixel_map.pixels(values.reshape(1, 1, 1, 6))
    assert pixels.ravel().tolist() == [0, 0, 128, 191, 255, 255]
    assert pixels.shape == (1, 1, 6, 1)


@pytest.mark.parametrize("half", [np.float16, np.float32, np.float64])
def test_every_pixel_survives_the_way_out_and_back(half: type) -> None:
    """All 256 levels, in every precision that an output may have."""
    levels = np.arange(256, dtype=np.uint8)
    pixels = PixelMap(GRAY_OUTPUT).pixels((levels / 255).astype(half).reshape(1, 1, 16, 16))
    np.testing.assert_array_equal(pixels.ravel(), levels)


def test_layouts_and_channel_orders_come_out_red_first() -> None:
    """A network may keep channels first, or blue first."""
    photograph = photo()
    values = photograph.astype(np.float32) / 255
    first = PixelMap(pb.ImageOutput(high=1.0, color_mode=RGB, layout=NCHW)).pixels(values.transpose(2, 0, 1)[None])
    blue = PixelMap(pb.ImageOutput(high=1.0, color_mode=BGR, layout=NHWC)).pixels(values[None, ..., ::-1])
    np.testing.assert_array_equal(first[0], photograph)
    np.testing.assert_array_equal(blue[0], photograph)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 3), (28, 28, 1), (7, 13, 3), (64, 5, 1)])
def test_png_files_are_what_was_encoded(shape: tuple[int, int, int]) -> None:
    """Lossless, at every size, grey and in colour."""
    pixels = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    np.testing.assert_array_equal(read(encode_png(pixels)).reshape(shape), pixels)


def test_a_photograph_is_compressed() -> None:
    """The filter finds what neighbouring lines have in common: less than no filter leaves."""
    photograph = photo()
    np.testing.assert_array_equal(read(encode_png(photograph)), photograph)
    assert len(encode_png(photograph)) < photograph.size


def test_a_grid_has_its_pictures_row_by_row() -> None:
    """Lines of two black pixels between and around; what is left over is black."""
    pictures = np.arange(1, 6, dtype=np.uint8)[:, None, None, None] * np.ones((1, 3, 4, 1), np.uint8)
    sheet = grid(pictures, 2)
    assert sheet.shape == (3 * (3 + LINE) + LINE, 2 * (4 + LINE) + LINE, 1)
    corners = [(LINE + row * (3 + LINE), LINE + column * (4 + LINE)) for row in range(3) for column in range(2)]
    places = [sheet[y : y + 3, x : x + 4] for y, x in corners]
    assert [set(np.unique(place)) for place in places] == [{1}, {2}, {3}, {4}, {5}, {0}]
    assert int(sheet.sum()) == (1 + 2 + 3 + 4 + 5) * 12  # nothing outside those places
    assert sheet.size == grid_pixels(5, 3, 4, 2)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 9, 10, 64, 100])
def test_the_usual_grid_is_as_square_as_can_be(count: int) -> None:
    """The smallest square that holds them."""
    assert square_columns(count) == math.ceil(math.sqrt(count))


def test_errors_are_compared_in_the_decoders_numbers() -> None:
    """An encoder that reads (p/255 - 0.5)/0.25 beside a decoder that writes -1 … 1: pixels that agree differ by 0."""
    spec = image_pb2.ImagePreprocessing()
    spec.CopyFrom(EXACT)
    spec.mean.append(0.5)
    spec.std.append(0.25)
    output = PixelMap(pb.ImageOutput(low=-1.0, high=1.0, color_mode=GRAY, layout=NCHW))
    level = np.array([[0.0, 0.2, 0.6, 1.0], [0.5, 0.5, 0.5, 0.5]]).reshape(2, 1, 2, 2)  # pixels / 255
    read_as = ((level - 0.5) / 0.25).astype(np.float32)
    drawn = (2 * level - 1).astype(np.float32)
    drawn[1] += 0.5
    np.testing.assert_allclose(InputMap(spec, output).mean_squared_errors(read_as, drawn), [0, 0.25], atol=1e-7)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"low": 1.0}, "low and high are 1.0 and 1.0"),
        ({"high": float("nan")}, "low and high are"),
        ({"color_mode": image_pb2.COLOR_MODE_UNSPECIFIED}, "color_mode must be"),
        ({"layout": image_pb2.IMAGE_LAYOUT_UNSPECIFIED}, "layout must be"),
    ],
)
def test_a_wrong_image_output_is_refused_by_field(changes: dict[str, float | int], message: str) -> None:
    """Whoever made the package learns which field is wrong."""
    fields: dict[str, float | int] = {"low": 0.0, "high": 1.0, "color_mode": GRAY, "layout": NCHW}
    with pytest.raises(ValueError, match=message):
        PixelMap(pb.ImageOutput(**(fields | changes)))  # type: ignore[arg-type]
