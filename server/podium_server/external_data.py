"""Which files an ONNX file takes weights from, read from its bytes: a server has no onnx, and ONNX Runtime asks nobody.

Only what leads to a tensor is followed; everything else, weights above all, is passed over by its length.
Source: protobuf's wire format, and the numbers of onnx.proto3.
"""

from collections.abc import Iterator, Mapping
from io import SEEK_CUR
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

# By message and field number, the message that is in it.
_INSIDE: Mapping[tuple[str, int], str] = MappingProxyType(
    {
        ("Model", 7): "Graph",
        ("Model", 20): "Training",
        ("Model", 25): "Function",
        ("Training", 1): "Graph",
        ("Training", 2): "Graph",
        ("Function", 7): "Node",
        ("Function", 11): "Attribute",
        ("Graph", 1): "Node",
        ("Graph", 5): "Tensor",
        ("Graph", 15): "Sparse",
        ("Node", 5): "Attribute",
        ("Attribute", 5): "Tensor",
        ("Attribute", 6): "Graph",
        ("Attribute", 10): "Tensor",
        ("Attribute", 11): "Graph",
        ("Attribute", 22): "Sparse",
        ("Attribute", 23): "Sparse",
        ("Sparse", 1): "Tensor",
        ("Sparse", 2): "Tensor",
        ("Tensor", 13): "Entry",
    }
)
_KEY, _VALUE = 1, 2
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
# Graphs within graphs, as branches and loops have them; nobody nests a hundred.
_DEEPEST = 100


def external_files(path: Path) -> frozenset[str]:
    """Read the locations of weights outside of an ONNX file, as they are written in it.

    Raises:
        ValueError: it is no ONNX file; the message completes "the file …".
        OSError: it cannot be read.
    """
    # Not mapped into memory: a file that shrinks meanwhile, as one that is copied again, would end the process.
    with path.open("rb") as file:
        size = path.stat().st_size
        if not size:
            raise ValueError("is empty")
        return frozenset(_locations(file, size, "Model", 0))


def _locations(file: BinaryIO, end: int, message: str, depth: int) -> Iterator[str]:
    """Walk one message."""
    if depth > _DEEPEST:
        raise ValueError("has graphs that are nested too deeply")
    for field, stop in _fields(file, end):
        inside = _INSIDE.get((message, field))
        if inside == "Entry":
            yield from _location(file, stop)
        elif inside is not None:
            yield from _locations(file, stop, inside, depth + 1)


def _location(file: BinaryIO, end: int) -> Iterator[str]:
    """Read an entry of external data; gives its value where its key is "location"."""
    entry = {field: file.read(stop - file.tell()) for field, stop in _fields(file, end)}
    if entry.get(_KEY) == b"location":
        yield entry.get(_VALUE, b"").decode(errors="replace")


def _fields(file: BinaryIO, end: int) -> Iterator[tuple[int, int]]:
    """The fields of a message that have a length: number, and end; the file stands where each begins."""
    at = file.tell()
    while at < end:
        tag = _varint(file)
        kind = tag & 7
        if kind == _BYTES:
            length = _varint(file)
            at = file.tell() + length
            if at > end:
                raise ValueError("is cut short")
            yield tag >> 3, at
            file.seek(at)
        elif kind == _VARINT:
            _varint(file)
            at = file.tell()
        elif kind in (_FIXED32, _FIXED64):
            at = file.seek(4 if kind == _FIXED32 else 8, SEEK_CUR)
        else:
            raise ValueError("is no ONNX file")
    if at > end:
        raise ValueError("is cut short")


def _varint(file: BinaryIO) -> int:
    """Read a number of seven bits a byte."""
    value = 0
    for shift in range(0, 70, 7):
        byte = file.read(1)
        if not byte:
            raise ValueError("is cut short")
        value |= (byte[0] & 0x7F) << shift
        if byte[0] < 0x80:
            return value
    raise ValueError("is no ONNX file")
