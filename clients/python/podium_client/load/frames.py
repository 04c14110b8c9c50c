"""Frames of HTTP/2 (RFC 9113): the few kinds that a unary call needs."""

from struct import Struct

HEADER = Struct(">HBBBI")  # length (high, low), type, flags, stream
HEADER_BYTES = 9

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITY = 0x1, 0x1, 0x4, 0x8, 0x20
HEADER_TABLE_SIZE, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE = 1, 4, 5

LARGEST_WINDOW = 2**31 - 1
DEFAULT_WINDOW = 65_535
DEFAULT_FRAME = 16_384
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def header(kind: int, flags: int, stream: int, num_bytes: int) -> bytes:
    """Write what stands before a payload."""
    return HEADER.pack(num_bytes >> 8, num_bytes & 255, kind, flags, stream)


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Write a whole frame."""
    return header(kind, flags, stream, len(payload)) + payload


def grant(num_bytes: int) -> bytes:
    """Let the other side send so much more on the connection."""
    return frame(WINDOW_UPDATE, 0, 0, num_bytes.to_bytes(4, "big"))


def block(flags: int, payload: bytes) -> bytes:
    """Strip what a HEADERS frame may carry around its header block."""
    start, end = 0, len(payload)
    if flags & PADDED:
        start, end = 1, end - payload[0]
    return payload[start + (5 if flags & PRIORITY else 0) : end]
