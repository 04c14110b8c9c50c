"""Pictures of folders."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from podium_export.encoding.picture_folder import open_picture, pictures_of
from podium_export.errors import OptionError, PictureError
from podium_server.imaging.decode import ImageLimits, decode

NOISE = np.random.default_rng(0).integers(0, 256, (6, 4, 4), np.uint8)


def oriented() -> bytes:
    """Make a JPEG that a camera held upright marked as turned."""
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = BytesIO()
    Image.fromarray(NOISE[..., :3]).save(stream, "JPEG", exif=exif)
    return stream.getvalue()


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """Write a picture."""
    stream = BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    "make",
    [
        lambda: saved(Image.fromarray(NOISE[..., 0]), "PNG"),
        lambda: saved(Image.fromarray(NOISE[..., :3]), "WEBP", lossless=True),
        lambda: saved(Image.fromarray(NOISE), "PNG"),
        lambda: saved(Image.fromarray(NOISE[..., 0].astype(np.uint16) * 257), "PNG"),
        lambda: saved(Image.fromarray(NOISE[..., :3]).quantize(8), "PNG"),
        lambda: saved(Image.fromarray(NOISE[..., :3]).quantize(8), "PNG", transparency=0),
        lambda: saved(Image.fromarray(NOISE[..., 0]).convert("1"), "PNG"),
        lambda: saved(Image.fromarray(NOISE[..., :2], "LA"), "PNG"),
        lambda: saved(Image.fromarray(NOISE, "CMYK"), "JPEG"),
        oriented,
    ],
    ids=["grey", "webp", "alpha", "16-bit", "palette", "transparent", "bits", "grey-alpha", "cmyk", "turned"],
)
@pytest.mark.filterwarnings("ignore:'mode' parameter is deprecated")
def test_a_picture_is_what_the_server_decodes(make: Callable[[], bytes], tmp_path: Path) -> None:
    """Of every kind that people have: the same mode, the same pixels, the right way up."""
    encoded = make()
    path = tmp_path / "picture.png"
    path.write_bytes(encoded)
    mine, servers = open_picture(path), decode(encoded, ImageLimits(2**20, 2**20))
    assert mine.mode == servers.mode
    np.testing.assert_array_equal(np.asarray(mine), np.asarray(servers))


def test_an_animation_is_refused(tmp_path: Path) -> None:
    """Which of its pictures would count?"""
    frames = [Image.fromarray(frame) for frame in (NOISE[..., 0], NOISE[..., 1])]
    frames[0].save(tmp_path / "moving.png", save_all=True, append_images=frames[1:])
    with pytest.raises(PictureError, match=r"moving\.png: is animated"):
        open_picture(tmp_path / "moving.png")


@pytest.mark.parametrize(
    "content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n", saved(Image.new("L", (9, 9)), "PNG")[:-25]]
)
def test_what_is_no_picture_is_named(tmp_path: Path, content: bytes) -> None:
    """Empty, text, and cut short."""
    (tmp_path / "broken.png").write_bytes(content)
    with pytest.raises(PictureError, match=r"broken\.png: cannot be read"):
        open_picture(tmp_path / "broken.png")


def test_pictures_are_listed_by_name_and_from_folders_within(tmp_path: Path) -> None:
    """Texts and hidden files are passed over."""
    for name in ("b.png", "a.JPG", "deep/er/c.webp", ".hidden.png", ".cache/d.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in pictures_of(tmp_path, "--positive")]
    assert found == ["a.JPG", "b.png", "deep/er/c.webp"]


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    """So is one that is not there."""
    with pytest.raises(OptionError, match=r"--kl .*: holds no picture"):
        pictures_of(tmp_path, "--kl")
    with pytest.raises(OptionError, match=r"--kl .*nowhere: there is no such folder"):
        pictures_of(tmp_path / "nowhere", "--kl")
