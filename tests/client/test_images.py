"""Pictures of every kind arrive as the pixels that they are."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from podium.v1 import image_pb2, tensor_pb2
from podium_client import InvalidArgumentError, Tensor
from podium_client.images import ImageLike, encode_image

COLOURS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def pixels(message: image_pb2.Image) -> np.ndarray:
    """Decode what was sent."""
    with Image.open(io.BytesIO(message.encoded)) as image:
        assert image.format == "PNG"
        return np.asarray(image)


@pytest.mark.parametrize(
    "array",
    [COLOURS, COLOURS[..., 0], COLOURS[..., :1], np.dstack([COLOURS, COLOURS[..., :1]]), COLOURS[::-1, ::2]],
    ids=["RGB", "grey", "grey with an axis", "RGBA", "a view with strides"],
)
def test_a_uint8_array_is_a_picture_without_loss(array: np.ndarray) -> None:
    """Every pixel comes out as it went in."""
    sent = pixels(encode_image(array, "images[0]"))

    np.testing.assert_array_equal(sent, array[..., 0] if array.shape[-1] == 1 else array)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_a_pillow_image_keeps_its_mode(mode: str) -> None:
    """What PNG can hold is sent without a conversion."""
    image = Image.fromarray(COLOURS).convert(mode)

    with Image.open(io.BytesIO(encode_image(image, "images[0]").encoded)) as sent:
        assert sent.mode == mode
        assert sent.convert("RGBA").tobytes() == image.convert("RGBA").tobytes()


def test_a_16_bit_image_keeps_its_bits() -> None:
    """Values above 255 arrive."""
    depth = np.array([[0, 300], [65535, 7]], dtype=np.uint16)

    sent = pixels(encode_image(Image.fromarray(depth), "images[0]"))

    np.testing.assert_array_equal(sent, depth)


def test_a_cmyk_image_is_sent_as_rgb() -> None:
    """PNG has no CMYK; Pillow's conversion is the server's too."""
    image = Image.fromarray(COLOURS).convert("CMYK")

    np.testing.assert_array_equal(pixels(encode_image(image, "images[0]")), np.asarray(image.convert("RGB")))


def test_an_image_lying_on_its_side_is_sent_upright() -> None:
    """Orientation 6 means: turn clockwise by a quarter. A file and the image opened from it are the same picture."""
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(COLOURS).save(file, "PNG", exif=exif)

    with Image.open(file) as image:
        sent = pixels(encode_image(image, "images[0]"))

    np.testing.assert_array_equal(sent, np.rot90(COLOURS, k=-1))


def test_a_file_and_bytes_are_sent_untouched(tmp_path: Path) -> None:
    """The server decodes them: not a byte is changed."""
    (tmp_path / "a.jpg").write_bytes(b"whatever is inside")

    for given in (tmp_path / "a.jpg", str(tmp_path / "a.jpg"), b"whatever is inside"):
        assert encode_image(given, "images[0]").encoded == b"whatever is inside"


def test_a_float_array_is_the_networks_own_input() -> None:
    """It travels as a tensor, float64 as float32."""
    array = np.linspace(-1, 1, 6).reshape(1, 2, 3)

    sent = encode_image(array, "images[0]").tensor

    assert sent.element_type == tensor_pb2.ELEMENT_TYPE_FLOAT32
    assert list(sent.shape) == [1, 2, 3]
    np.testing.assert_array_equal(np.frombuffer(sent.data, "<f4"), array.astype("<f4").ravel())


@pytest.mark.parametrize("dtype", ["bool", "u1", "<u2", ">u2", "<i8", "<f2", "<f8"])
def test_a_tensor_is_sent_as_it_is(dtype: str) -> None:
    """Row-major and little-endian, whatever the array's own order."""
    array = np.array([[0, 1, 1], [1, 0, 1]], dtype=dtype).T

    sent = encode_image(Tensor(array), "images[0]").tensor

    assert list(sent.shape) == [3, 2]
    little = np.frombuffer(sent.data, array.dtype.newbyteorder("<")).reshape(3, 2)
    np.testing.assert_array_equal(little, array)


@pytest.mark.parametrize(
    ("image", "advice"),
    [
        (np.zeros((2, 28, 28, 3), np.uint8), r"list\(batch\)"),
        (np.zeros((3, 28, 28), np.uint8), r"transpose\(1, 2, 0\)"),
        (np.zeros((0, 28), np.uint8), "height, width"),
        (np.zeros((28, 28), np.int32), r"Tensor\(array\)"),
        (Image.new("F", (2, 2)), "no agreed range"),
        (Tensor(np.array(["a"])), "float32"),
        (7, "a path, the bytes of a file"),
    ],
)
def test_what_is_no_picture_is_refused_with_advice(image: ImageLike, advice: str) -> None:
    """The message names the field and says what would be right."""
    with pytest.raises(InvalidArgumentError, match=advice) as caught:
        encode_image(image, "images[3]")

    assert caught.value.field == "images[3]"
    assert str(caught.value).startswith("images[3]: ")


def test_a_missing_file_is_the_systems_own_error(tmp_path: Path) -> None:
    """FileNotFoundError with the path, as Python programmers expect."""
    with pytest.raises(FileNotFoundError, match="nowhere"):
        encode_image(tmp_path / "nowhere.png", "images[0]")
