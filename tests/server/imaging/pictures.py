"""Picture files of every kind, with the pixels that a reader must find in them.

Lossless ones are written here, byte by byte where Pillow cannot write them, so that what is expected does not come
from the reader that is tested.
"""

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

HEIGHT, WIDTH = 37, 53


@dataclass(frozen=True, slots=True)
class Picture:
    """One file.

    Attributes:
        name: the kind, for people.
        encoded: the file.
        rgb: what it shows on white, shape (height, width, 3).
    """

    name: str
    encoded: bytes
    rgb: Pixels


def save(image: Image.Image, form: str, **options: Any) -> bytes:
    """Encode a picture."""
    buffer = BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """Write one chunk of a PNG file (PNG, third edition, section 5.3)."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(samples: NDArray[Any], depth: int, color: int, *extra: bytes) -> bytes:
    """Write a PNG file whose rows are not filtered.

    Args:
        samples: shape (height, width) or (height, width, channels); 8 or 16 bits a sample, or packed bits.
        depth: bits a sample.
        color: the colour type: 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha.
        extra: chunks between header and data.
    """
    height, width = samples.shape[:2]
    if depth == 1:
        rows = [np.packbits(row).tobytes() for row in samples]
    else:
        rows = [row.astype(">u2" if depth == 16 else np.uint8).tobytes() for row in samples]
    data = zlib.compress(b"".join(b"\0" + row for row in rows))
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    chunks = [chunk(b"IHDR", header), *extra, chunk(b"IDAT", data), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def photo() -> Pixels:
    """Make something like a photograph: smooth colours with edges and noise."""
    noise = np.random.default_rng(7)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    waves = np.stack([np.sin(x / 9) + np.cos(y / 5), np.cos(x / 4 - y / 7), np.sin((x + y) / 6)], axis=-1)
    colors: NDArray[np.float64] = 128 + 50 * waves + 60 * ((x // 12 + y // 10) % 2)[..., None] - 30
    noisy: NDArray[np.float64] = np.clip(colors + noise.normal(0, 6, colors.shape), 0, 255)
    return noisy.astype(np.uint8)


def on_white(rgb: NDArray[Any], alpha: NDArray[Any]) -> Pixels:
    """Put white behind a picture: c·a + 255·(1 − a), rounded to the nearest."""
    a = alpha[..., None].astype(np.float64) / 255
    composed: NDArray[np.float64] = np.floor(rgb * a + 255 * (1 - a) + 0.5)
    return composed.astype(np.uint8)


def gray(values: Pixels) -> Pixels:
    """Repeat one channel three times."""
    return np.repeat(values[..., None], 3, axis=-1)


def lossless() -> list[Picture]:
    """Make files whose pixels are known without decoding them."""
    rgb = photo()
    luma, alpha = rgb[..., 1], rgb[::-1, :, 2]
    wide = np.random.default_rng(8).integers(0, 65536, (HEIGHT, WIDTH, 4))
    upper = (wide >> 8).astype(np.uint8)
    bits = luma > 120
    palette = np.random.default_rng(9).integers(0, 256, (16, 3), np.uint8)
    indexes = luma // 16
    opacity = np.array([0, 40, 128, 200], np.uint8)
    opaque = np.concatenate([opacity, np.full(12, 255, np.uint8)])
    keyed = np.where((rgb == rgb[0, 0]).all(axis=-1), 0, 255)
    key = struct.pack(">HHH", *rgb[0, 0].tolist())
    plte, trns = chunk(b"PLTE", palette.tobytes()), chunk(b"tRNS", opacity.tobytes())
    rgba = np.dstack([rgb, alpha])
    return [
        Picture("PNG RGB", png(rgb, 8, 2), rgb),
        Picture("PNG grey", png(luma, 8, 0), gray(luma)),
        Picture("PNG 1 bit", png(bits, 1, 0), gray((bits * 255).astype(np.uint8))),
        Picture("PNG RGBA", png(rgba, 8, 6), on_white(rgb, alpha)),
        Picture("PNG grey and alpha", png(np.dstack([luma, alpha]), 8, 4), on_white(gray(luma), alpha)),
        Picture("PNG palette", png(indexes, 8, 3, plte), palette[indexes]),
        Picture(
            "PNG palette, transparent", png(indexes, 8, 3, plte, trns), on_white(palette[indexes], opaque[indexes])
        ),
        Picture("PNG RGB, one colour transparent", png(rgb, 8, 2, chunk(b"tRNS", key)), on_white(rgb, keyed)),
        Picture("PNG 16-bit grey", png(wide[..., 0], 16, 0), gray(upper[..., 0])),
        Picture("PNG 16-bit RGB", png(wide[..., :3], 16, 2), upper[..., :3]),
        Picture("PNG 16-bit RGBA", png(wide, 16, 6), on_white(upper[..., :3], upper[..., 3])),
        Picture("WebP lossless", save(Image.fromarray(rgb), "WEBP", lossless=True), rgb),
        Picture(
            "WebP lossless, RGBA",
            save(Image.fromarray(rgba), "WEBP", lossless=True, exact=True),
            on_white(rgb, alpha),
        ),
    ]


def lossy() -> list[Picture]:
    """Make files whose pixels are those that training code gets: Pillow's `convert("RGB")`."""
    image = Image.fromarray(photo())
    files = {
        "JPEG": save(image, "JPEG", quality=90),
        "JPEG progressive": save(image, "JPEG", progressive=True),
        "JPEG grey": save(image.convert("L"), "JPEG"),
        "JPEG CMYK": save(image.convert("CMYK"), "JPEG"),
        "JPEG of several pictures": save(image, "MPO", save_all=True, append_images=[image.rotate(180)]),
        "WebP": save(image, "WEBP", quality=80),
    }
    return [
        Picture(name, encoded, np.asarray(Image.open(BytesIO(encoded)).convert("RGB")))
        for name, encoded in files.items()
    ]


def all_pictures() -> list[Picture]:
    """Every kind of file that is accepted."""
    return [*lossless(), *lossy()]
