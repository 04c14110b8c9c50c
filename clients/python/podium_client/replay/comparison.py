"""How far two answers of one method differ: numbers by their largest difference, texts by their edit distance."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from numpy.typing import NDArray
from PIL import Image
from podium.v1 import tensor_pb2

# Little-endian, by podium's element types and by the names of the Open Inference Protocol.
_DTYPES = {
    "BOOL": "?", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "i1", "INT16": "<i2",
    "INT32": "<i4", "INT64": "<i8", "FLOAT16": "<f2", "FLOAT32": "<f4", "FLOAT64": "<f8", "FP16": "<f2", "FP32": "<f4",
    "FP64": "<f8",
}  # fmt: skip
_TIMES = ("_ms",)
# Who answered and where its time went differs between machines as it should.
_METADATA = "podium.v1.ResponseMetadata"
_NAMES = frozenset({"inference.ModelInferResponse.model_name", "inference.ModelInferResponse.model_version"})
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Amount:
    """The largest of the differences of one kind, and the field where it is."""

    size: float
    field: str


@dataclass(slots=True)
class Comparison:
    """How far an answer is from another one.

    Attributes:
        numbers: the largest difference of two numbers; None when all are equal, bit for bit.
        texts: the largest edit distance of two texts, in characters; None when all are equal.
        others: fields that differ in kind or length, so that there is no saying how far.
    """

    numbers: Amount | None = None
    texts: Amount | None = None
    others: list[str] = field(default_factory=list)

    def within(self, tolerance: float) -> bool:
        """Whether nothing differs but numbers, by no more than that; 0: whether nothing differs."""
        return self.texts is None and not self.others and (self.numbers is None or self.numbers.size <= tolerance)


def compare(expected: Message, actual: Message) -> Comparison:
    """Compare two answers, of the same type; times and who answered are passed over."""
    found = Comparison()
    _compare_messages(expected, actual, "", found)
    return found


def edit_distance(a: str, b: str) -> int:
    """Count the characters to insert, delete or replace that make one text the other (Levenshtein)."""
    before = list(range(len(b) + 1))
    for i, char in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            row.append(min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (char != other)))
        before = row
    return before[-1]


def _compare_messages(a: Message, b: Message, path: str, found: Comparison) -> None:
    if isinstance(a, tensor_pb2.Tensor) and isinstance(b, tensor_pb2.Tensor):
        kinds = [tensor_pb2.ElementType.Name(x.element_type).removeprefix("ELEMENT_TYPE_") for x in (a, b)]
        _compare_tensors((kinds[0], a.shape, a.data), (kinds[1], b.shape, b.data), path, found)
        return
    names = {name for message in (a, b) for name in _set_fields(message)}
    fields = cast("list[FieldDescriptor]", a.DESCRIPTOR.fields)  # the hints know two classes of one
    for described in fields:
        if described.name not in names or described.name.endswith(_TIMES) or described.full_name in _NAMES:
            continue
        if described.message_type is not None and described.message_type.full_name == _METADATA:
            continue
        here = f"{path}.{described.name}" if path else described.name
        ours, theirs = getattr(a, described.name), getattr(b, described.name)
        if described.name == "raw_output_contents":
            _compare_raw(a, b, found)
        elif described.is_repeated:
            _compare_lists(described, list(ours), list(theirs), here, found)
        elif described.has_presence and a.HasField(described.name) != b.HasField(described.name):
            found.others.append(here)
        else:
            _compare_values(described, ours, theirs, here, found)


def _set_fields(message: Message) -> Iterator[str]:
    return (described.name for described, _ in message.ListFields())


def _compare_lists(described: FieldDescriptor, a: list[Any], b: list[Any], path: str, found: Comparison) -> None:
    if len(a) != len(b):
        found.others.append(f"{path}: {len(a)} and {len(b)} of them")
    elif described.cpp_type in (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE):
        _compare_numbers(np.array(a, np.float64), np.array(b, np.float64), path, found)
    else:
        for i, (ours, theirs) in enumerate(zip(a, b, strict=True)):
            _compare_values(described, ours, theirs, f"{path}[{i}]", found)


def _compare_values(described: FieldDescriptor, a: Any, b: Any, path: str, found: Comparison) -> None:
    if isinstance(a, Message):
        _compare_messages(a, b, path, found)
    elif isinstance(a, str):
        if a != b:
            found.texts = _larger(found.texts, edit_distance(a, b), path)
    elif isinstance(a, bytes):
        _compare_bytes(a, b, path, found)
    elif described.enum_type is not None or isinstance(a, bool):
        if a != b:
            found.others.append(path)
    else:
        pair = np.array([[a], [b]])  # in one, so that both have the type of the larger
        _compare_numbers(pair[0], pair[1], path, found)


def _compare_bytes(a: bytes, b: bytes, path: str, found: Comparison) -> None:
    """Compare bytes: pictures by their pixels, anything else as a whole."""
    if a == b:
        return
    if not (a.startswith(_PNG) and b.startswith(_PNG)):
        found.others.append(path)
        return
    ours, theirs = (np.asarray(Image.open(io.BytesIO(data))) for data in (a, b))
    if ours.shape != theirs.shape:
        found.others.append(f"{path}: pictures of {ours.shape} and {theirs.shape}")
    elif np.array_equal(ours, theirs):
        found.others.append(f"{path}: other bytes of the same picture")
    else:
        _compare_numbers(ours, theirs, f"{path}, levels of 255", found)


def _compare_raw(a: Any, b: Any, found: Comparison) -> None:
    """Compare the raw tensors of two ModelInferResponses."""
    if len(a.raw_output_contents) != len(b.raw_output_contents) or len(a.outputs) != len(b.outputs):
        found.others.append("outputs: not as many")
        return
    pairs = zip(a.outputs, a.raw_output_contents, b.outputs, b.raw_output_contents, strict=False)
    for ours, our_data, theirs, their_data in pairs:
        path = f"output '{ours.name}'"
        _compare_tensors(
            (ours.datatype, ours.shape, our_data), (theirs.datatype, theirs.shape, their_data), path, found
        )


_Carried = tuple[str, Sequence[int], bytes]


def _compare_tensors(a: _Carried, b: _Carried, path: str, found: Comparison) -> None:
    """Compare tensors as (element type, shape, data)."""
    if a[0] != b[0] or list(a[1]) != list(b[1]):
        found.others.append(f"{path}: {a[0]} {list(a[1])} and {b[0]} {list(b[1])}")
    elif a[2] != b[2]:
        ours, theirs = (_array(kind, data) for kind, _, data in (a, b))
        if ours is None or theirs is None or ours.shape != theirs.shape:
            found.others.append(path)
        else:
            _compare_numbers(ours, theirs, path, found)


def _array(kind: str, data: bytes) -> NDArray[Any] | None:
    if kind in ("BFLOAT16", "BF16"):  # the upper half of a float32
        return (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    return np.frombuffer(data, _DTYPES[kind]) if kind in _DTYPES else None


def _compare_numbers(a: NDArray[Any], b: NDArray[Any], path: str, found: Comparison) -> None:
    """Find the largest difference; NaN is as NaN, and infinitely far from all else."""
    if np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
        return
    apart = _floats_apart(a, b) if a.dtype.kind == "f" else _integers_apart(a, b)
    found.numbers = _larger(found.numbers, float(apart.max()), path)


def _floats_apart(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    with np.errstate(invalid="ignore"):
        apart = np.abs(a.astype(np.float64) - b.astype(np.float64))
    apart[np.isnan(apart)] = np.inf
    apart[(a == b) | (np.isnan(a) & np.isnan(b))] = 0
    return apart


def _integers_apart(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Subtract modulo 2^64, which is exact for the larger less the smaller."""
    a, b = (x.astype(np.uint8) if x.dtype.kind == "b" else x for x in (a, b))
    return np.maximum(a, b).astype(np.uint64) - np.minimum(a, b).astype(np.uint64)


def _larger(known: Amount | None, size: float, path: str) -> Amount:
    return Amount(size, path) if known is None or size > known.size else known
