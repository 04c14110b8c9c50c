"""Every kind of PNG, JPEG and WebP gives its pixels; everything else an error that says what to send."""

import base64
from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from podium_server.imaging.decode import MODES, ImageLimits, ImageRejected, decode
from podium_server.imaging.formats import header_size, sniff

from tests.server.imaging.pictures import HEIGHT, WIDTH, Picture, Pixels, all_pictures, chunk, photo, png, save

LIMITS = ImageLimits(max_bytes=1_000_000, max_pixels=100_000)
PICTURES = all_pictures()
RGB = photo()

# What a viewer does for each orientation: EXIF 2.32, section 4.6.5, tag 274.
UPRIGHT: dict[int, Callable[[Pixels], Pixels]] = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, 1),
}


def shown(encoded: bytes) -> Pixels:
    """Return what an opaque picture shows, as RGB."""
    return np.asarray(decode(encoded, LIMITS).convert("RGB"))


def reason(encoded: bytes, limits: ImageLimits = LIMITS) -> str:
    """Return why bytes are rejected."""
    with pytest.raises(ImageRejected) as raised:
        decode(encoded, limits)
    return str(raised.value)


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_every_kind_of_picture_gives_its_pixels(picture: Picture) -> None:
    """What a file shows on white is what it holds."""
    image = decode(picture.encoded, LIMITS)
    assert image.mode in MODES
    white = Image.new("RGBA", image.size, "white")
    composed = Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    np.testing.assert_allclose(np.asarray(composed, int), picture.rgb.astype(int), atol=1, rtol=0)


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_the_header_tells_the_size(picture: Picture) -> None:
    """Without decoding, for every kind."""
    assert header_size(picture.encoded, sniff(picture.encoded)) == (WIDTH, HEIGHT)


@pytest.mark.parametrize(
    ("ink", "color"),
    [
        ((0, 0, 0, 0), (255, 255, 255)),
        ((255, 0, 0, 0), (0, 255, 255)),
        ((0, 255, 255, 0), (255, 0, 0)),
        ((0, 0, 0, 255), (0, 0, 0)),
        ((0, 0, 0, 155), (100, 100, 100)),
    ],
)
def test_the_inverted_inks_of_adobes_jpegs_give_their_colours(
    ink: tuple[int, int, int, int], color: tuple[int, int, int]
) -> None:
    """Red is (1 − cyan)(1 − black), and so on; Adobe's files hold the inks inverted."""
    encoded = save(Image.new("CMYK", (16, 16), ink), "JPEG", quality=95)
    np.testing.assert_allclose(shown(encoded)[8, 8].astype(int), color, atol=3)


def test_ycck_is_told_apart_from_cmyk() -> None:
    """Adobe's marker with transform 2 says that the first three channels are luma and chroma.

    Stored (255 − 200, 128, 128, 255) is then the luma 55 without chroma, which is ink 255 − 55, stored inverted: a
    grey of 200.
    """
    encoded = save(Image.new("CMYK", (16, 16), (200, 127, 127, 0)), "JPEG", quality=95)
    at = encoded.index(b"Adobe") + len(b"Adobe") + 6
    patched = encoded[:at] + b"\x02" + encoded[at + 1 :]
    np.testing.assert_allclose(shown(patched)[8, 8].astype(int), (200, 200, 200), atol=3)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("orientation", list(UPRIGHT))
def test_orientation_is_applied(form: str, orientation: int) -> None:
    """Phones store pictures as the sensor lies, and say how to turn them."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = shown(save(Image.fromarray(RGB), form))
    turned = shown(save(Image.fromarray(RGB), form, exif=exif))
    np.testing.assert_array_equal(turned, UPRIGHT[orientation](stored))


@pytest.mark.parametrize("exif", [b"Exif\x00\x00", b"Exif\x00\x00garbage", b"Exif\x00\x00II*\x00\xff\xff\xff\xff"])
def test_broken_metadata_of_a_sound_picture_is_ignored(exif: bytes) -> None:
    """Cameras write what they like; the picture is good."""
    image = Image.fromarray(RGB)
    np.testing.assert_array_equal(shown(save(image, "PNG", exif=exif)), RGB)


@pytest.mark.parametrize(("form", "name"), [("PNG", "PNG"), ("WEBP", "WebP")])
def test_an_animation_is_refused_and_one_frame_is_not(form: str, name: str) -> None:
    """Which frame is meant, only the sender knows."""
    image = Image.fromarray(RGB)
    animated = save(image, form, save_all=True, append_images=[image.rotate(180)], duration=100, lossless=True)
    assert reason(animated) == f"is an animated {name}: send one frame, as PNG, JPEG or WebP"
    np.testing.assert_array_equal(shown(save(image, form, save_all=True, lossless=True)), RGB)


@pytest.mark.parametrize("kind", ["PNG RGB", "JPEG", "JPEG progressive", "WebP", "WebP lossless, RGBA"])
@pytest.mark.parametrize("kept", [0.1, 0.3, 0.9])
def test_a_file_that_is_cut_short_is_refused(kind: str, kept: float) -> None:
    """Half a picture is not classified as if it were whole."""
    encoded = next(picture.encoded for picture in PICTURES if picture.name == kind)
    assert "cut short or corrupt" in reason(encoded[: int(len(encoded) * kept)])


@pytest.mark.parametrize("encoded", [b"\x89PNG\r\n\x1a\n" + b"x" * 100, b"\xff\xd8\xff" + b"x" * 100])
def test_a_file_that_only_begins_right_is_refused(encoded: bytes) -> None:
    """Its first bytes promise a format, and no size can be read from what follows."""
    assert "header is cut short or corrupt" in reason(encoded)


@pytest.mark.parametrize(
    ("encoded", "why"),
    [
        (b"", "is empty: send a whole PNG, JPEG or WebP file"),
        (save(Image.fromarray(RGB), "GIF"), "is GIF, which is not accepted: send PNG, JPEG or WebP"),
        (save(Image.fromarray(RGB), "BMP"), "is BMP, which is not accepted: send PNG, JPEG or WebP"),
        (save(Image.fromarray(RGB), "TIFF"), "is TIFF, which is not accepted: send PNG, JPEG or WebP"),
        (b"\x00\x00\x00\x1cftypheic", "is HEIC, which is not accepted: send PNG, JPEG or WebP"),
        (b"\x00\x00\x00\x1cftypavif", "is AVIF, which is not accepted: send PNG, JPEG or WebP"),
        (b"\x00\x00\x00\x1cftypisom", "is a video, which is not accepted: send PNG, JPEG or WebP"),
        (b"\n <!DOCTYPE html><html>", "is HTML, which is not accepted: send PNG, JPEG or WebP"),
        (b'<svg xmlns="">', "is SVG, which is not accepted: send PNG, JPEG or WebP"),
        (b'{"error": 404}', "is JSON, which is not accepted: send PNG, JPEG or WebP"),
        (b"hello", "begins with b'hello', which is no image format that is known here: send PNG, JPEG or WebP"),
    ],
)
def test_what_is_no_picture_is_named(encoded: bytes, why: str) -> None:
    """The error says what was sent and what to send."""
    assert reason(encoded) == why


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("prefix", [b"", b"data:image/png;base64,"])
def test_base64_text_is_recognized(form: str, prefix: bytes) -> None:
    """People send the text that they would put into JSON."""
    text = prefix + base64.b64encode(save(Image.fromarray(RGB), form))
    assert reason(text) == "looks like base64 text: send the bytes of the file themselves"


def test_a_file_that_is_too_long_is_refused() -> None:
    """The limit is named beside the length."""
    encoded = png(RGB, 8, 2)
    limits = ImageLimits(max_bytes=len(encoded) - 1, max_pixels=100_000)
    assert reason(encoded, limits) == f"is {len(encoded)} bytes long; at most {len(encoded) - 1} are taken"


def huge_jpeg() -> bytes:
    """Write a JPEG whose header says 40,000 × 50,000 and whose data is of a small picture."""
    encoded = save(Image.fromarray(RGB), "JPEG")
    at = encoded.index(b"\xff\xc0") + 5
    return encoded[:at] + (50_000).to_bytes(2, "big") + (40_000).to_bytes(2, "big") + encoded[at + 4 :]


def huge_png() -> bytes:
    """Write a PNG whose header says 40,000 × 50,000 and which ends there."""
    header = (40_000).to_bytes(4, "big") + (50_000).to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    return png(RGB, 8, 2)[:8] + chunk(b"IHDR", header) + chunk(b"IDAT", b"")


def huge_webp(kind: bytes) -> bytes:
    """Write the first bytes of a WebP of 16,000 × 15,000 in each of its three forms."""
    if kind == b"VP8X":
        sizes = b"\x00" * 4 + (15_999).to_bytes(3, "little") + (14_999).to_bytes(3, "little")
    elif kind == b"VP8L":
        sizes = b"\x2f" + (15_999 | 14_999 << 14).to_bytes(4, "little") + b"\x00" * 5
    else:
        sizes = b"\x00\x00\x00\x9d\x01\x2a" + (16_000).to_bytes(2, "little") + (15_000).to_bytes(2, "little")
    return b"RIFF\xff\x00\x00\x00WEBP" + kind + b"\x0a\x00\x00\x00" + sizes


@pytest.mark.parametrize(
    ("encoded", "size"),
    [
        (huge_png(), "40000×50000"),
        (huge_jpeg(), "40000×50000"),
        (huge_webp(b"VP8X"), "16000×15000"),
        (huge_webp(b"VP8L"), "16000×15000"),
        (huge_webp(b"VP8 "), "16000×15000"),
    ],
    ids=["PNG", "JPEG", "WebP extended", "WebP lossless", "WebP lossy"],
)
def test_too_many_pixels_are_refused_from_the_header(encoded: bytes, size: str) -> None:
    """These files have no pixels behind their headers: whoever decoded first would call them corrupt."""
    assert reason(encoded).startswith(f"is {size} pixels, ")
    assert reason(encoded).endswith("; at most 100000 are taken")


def test_our_limit_is_the_only_one() -> None:
    """Pillow would warn of 90 million pixels and refuse 180 million, whatever the operator allows."""
    assert Image.MAX_IMAGE_PIXELS is None


@settings(max_examples=300, database=None)
@given(st.sampled_from(PICTURES), st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=8))
def test_no_bytes_whatever_raise_anything_but_a_rejection(picture: Picture, changes: list[tuple[int, int]]) -> None:
    """Decoders fail in many ways; callers see one."""
    damaged = bytearray(picture.encoded)
    for at, value in changes:
        damaged[at % len(damaged)] = value
    try:
        image = decode(bytes(damaged), LIMITS)
    except ImageRejected:
        return
    assert image.mode in MODES


def test_a_decoded_picture_needs_its_file_no_more() -> None:
    """All pixels are read before `decode` returns, so that errors surface there."""
    buffer = BytesIO(png(RGB, 8, 2))
    image = decode(buffer.getvalue(), LIMITS)
    np.testing.assert_array_equal(np.asarray(image), RGB)
