"""Which file format bytes are, by their first few: the three that are accepted, and those sent by mistake."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

ACCEPTED = "PNG, JPEG or WebP"

# Format by the bytes at the start.
_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"\x00\x00\x01\x00", "ICO"),
    (b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (b"\xff\x0a", "JPEG XL"),
    (b"8BPS", "Photoshop"),
    (b"%PDF", "PDF"),
    (b"PK\x03\x04", "ZIP"),
    (b"\x1f\x8b", "gzip"),
    (b"\x93NUMPY", "numpy's .npy"),
    (b"\x8aMNG", "MNG"),
    (b"P5", "PNM"),
    (b"P6", "PNM"),
)
# The same for the brand of an ISO media file, at byte 8.
_BRANDS: tuple[tuple[bytes, str], ...] = (
    (b"avif", "AVIF"),
    (b"avis", "AVIF"),
    (b"heic", "HEIC"),
    (b"heix", "HEIC"),
    (b"mif1", "HEIF"),
    (b"msf1", "HEIF"),
)
# Texts, in lower case, after white space.
_TEXTS: tuple[tuple[bytes, str], ...] = (
    (b"<!doctype html", "HTML"),
    (b"<html", "HTML"),
    (b"<svg", "SVG"),
    (b"<?xml", "XML"),
    (b"{", "JSON"),
)
# How base64 text of the accepted formats begins.
_BASE64 = (b"data:", b"iVBORw0KGgo", b"/9j/", b"UklGR")


def sniff(encoded: bytes) -> str:
    """Return the format's name: "PNG", "JPEG", "WebP", another that is known, or "" for none."""
    head = encoded[:32]
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    for start, name in _STARTS:
        if head.startswith(start):
            return name
    if head[4:8] == b"ftyp":
        return next((name for brand, name in _BRANDS if head[8:12] == brand), "a video")
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return next((name for start, name in _TEXTS if text.startswith(start)), "")


def describe(encoded: bytes, name: str) -> str:
    """Say why bytes are not accepted.

    Args:
        encoded: the bytes, of no accepted format.
        name: what `sniff` made of them.
    """
    if not encoded:
        return f"is empty: send a whole {ACCEPTED} file"
    if encoded.lstrip().startswith(_BASE64):
        return "looks like base64 text: send the bytes of the file themselves"
    if name:
        return f"is {name}, which is not accepted: send {ACCEPTED}"
    return f"begins with {encoded[:8]!r}, which is no image format that is known here: send {ACCEPTED}"


def header_size(encoded: bytes, name: str) -> tuple[int, int] | None:
    """Read width and height from a file's header without decoding; None if it cannot be read.

    Args:
        encoded: the file.
        name: its format, as `sniff` names it.
    """
    reader = _SIZES.get(name)
    return reader(encoded) if reader is not None else None


def _png_size(encoded: bytes) -> tuple[int, int] | None:
    """Source: PNG, third edition, section 11.2.1: IHDR is the first chunk."""
    if len(encoded) < 24 or encoded[12:16] != b"IHDR":
        return None
    return int.from_bytes(encoded[16:20], "big"), int.from_bytes(encoded[20:24], "big")


def _jpeg_size(encoded: bytes) -> tuple[int, int] | None:
    """Source: ITU-T T.81, annex B: segments of marker and length, up to the start of a frame."""
    at = 2
    while at + 9 <= len(encoded) and encoded[at] == 0xFF:
        marker = encoded[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(encoded[at + 7 : at + 9], "big"), int.from_bytes(encoded[at + 5 : at + 7], "big")
        else:
            at += 2 + int.from_bytes(encoded[at + 2 : at + 4], "big")
    return None


def _webp_size(encoded: bytes) -> tuple[int, int] | None:
    """Source: RFC 9649, sections 2.5 to 2.7 and 3.4; RFC 6386, section 9.1."""
    head = encoded[:30]
    if len(head) < 30:
        return None
    if head[12:16] == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if head[12:16] == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF


_SIZES: Mapping[str, Callable[[bytes], tuple[int, int] | None]] = MappingProxyType(
    {"PNG": _png_size, "JPEG": _jpeg_size, "WebP": _webp_size}
)
