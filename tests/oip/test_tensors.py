"""One tensor between the wire and an array: what is written can be read, and what is wrong is refused."""

import struct
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from podium_server.elements import BY_OIP, ELEMENTS, Element
from podium_server.oip.messages import InferTensorContents
from podium_server.oip.tensors import TYPED_FIELDS, TensorError, from_raw, from_typed, to_raw, to_typed

NUMBERS = [element for element in ELEMENTS if not element.is_string]
TYPED_NUMBERS = [element for element in NUMBERS if element.oip in TYPED_FIELDS]
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)
# ONNX's strings are UTF-8, which has no lone surrogates.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@st.composite
def tensors(draw: st.DrawFn, elements: list[Element]) -> tuple[Element, Any]:
    """A tensor of any bits: infinities, NaNs and negative zeros too."""
    element = draw(st.sampled_from(elements))
    shape = draw(SHAPES)
    size = int(np.prod(shape)) * element.dtype.itemsize
    bits = np.frombuffer(draw(st.binary(min_size=size, max_size=size)), np.uint8)
    bits = bits % 2 if element.oip == "BOOL" else bits
    return element, bits.view(element.dtype).reshape(shape)


@given(tensors(NUMBERS))
def test_raw_numbers_come_back_bit_for_bit(tensor: tuple[Element, Any]) -> None:
    """Reading what was written gives the same type, shape and bits."""
    element, x = tensor
    y = from_raw(element, x.shape, to_raw(element, x))
    assert isinstance(y, np.ndarray)
    assert (y.dtype, y.shape, y.tobytes()) == (x.dtype, x.shape, x.tobytes())


@given(tensors([element for element in TYPED_NUMBERS if element.dtype.kind != "f"]))
def test_typed_integers_come_back(tensor: tuple[Element, Any]) -> None:
    """Every integer and truth value has its list."""
    element, x = tensor
    y = from_typed(element, x.shape, to_typed(element, x))
    assert y.dtype == x.dtype
    assert np.array_equal(x, y)


@given(tensors([element for element in TYPED_NUMBERS if element.dtype.kind == "f"]))
def test_typed_floats_come_back(tensor: tuple[Element, Any]) -> None:
    """A NaN stays a NaN, whichever."""
    element, x = tensor
    y = from_typed(element, x.shape, to_typed(element, x))
    assert y.dtype == x.dtype
    assert np.array_equal(x, y, equal_nan=True)


@given(hnp.arrays(np.object_, SHAPES, elements=TEXTS))
def test_strings_come_back_in_both_forms(x: Any) -> None:
    """Empty strings, zeros inside strings and every script survive."""
    element = BY_OIP["BYTES"]
    for y in (from_raw(element, x.shape, to_raw(element, x)), from_typed(element, x.shape, to_typed(element, x))):
        assert y.dtype == np.object_
        assert y.shape == x.shape
        assert y.tolist() == x.tolist()


@given(st.sampled_from(ELEMENTS), SHAPES, st.binary(max_size=64))
def test_any_bytes_are_a_tensor_or_an_error(element: Element, shape: tuple[int, ...], data: bytes) -> None:
    """Nothing but TensorError comes out of a caller's bytes, and what is taken has the shape that was said."""
    try:
        x = from_raw(element, shape, data)
    except TensorError:
        return
    assert x.shape == shape
    assert element.is_string or x.nbytes == len(data)


def test_raw_layouts_are_the_protocols() -> None:
    """Little-endian numbers; a bfloat16 is the high half of a float32; a string has its length before it."""
    assert to_raw(BY_OIP["INT32"], np.array([1, -2], "<i4")) == struct.pack("<ii", 1, -2)
    half = np.array([1.5], ml_dtypes.bfloat16)
    assert to_raw(BY_OIP["BF16"], half) == struct.pack("<f", 1.5)[2:]
    assert to_raw(BY_OIP["BYTES"], np.array(["é", ""], object)) == b"\x02\x00\x00\x00\xc3\xa9\x00\x00\x00\x00"
    assert to_raw(BY_OIP["BYTES"], np.array([], object)) == b""


def test_raw_is_row_major_for_any_layout_in_memory() -> None:
    """A transposed view is written as it reads."""
    x = np.arange(6, dtype="<i4").reshape(2, 3).T
    assert to_raw(BY_OIP["INT32"], x) == struct.pack("<6i", 0, 3, 1, 4, 2, 5)


def test_raw_numbers_are_not_copied() -> None:
    """A tensor is a view of the request's bytes."""
    data = bytes(4096)
    assert np.shares_memory(from_raw(BY_OIP["FP32"], (1024,), data), np.frombuffer(data, np.uint8))


def test_any_raw_byte_but_zero_is_true() -> None:
    """Clients may send any byte for true; numpy's truth is 0 or 1."""
    x = from_raw(BY_OIP["BOOL"], (4,), b"\x00\x01\x02\xff")
    assert x.view(np.uint8).tolist() == [0, 1, 1, 1]


@pytest.mark.parametrize(
    ("datatype", "shape", "data", "message"),
    [
        ("FP32", (2, 3), bytes(20), "Expected 24, got 20"),
        ("FP32", (2, 3), bytes(28), "Expected 24, got 28"),
        ("FP32", (), b"", "Expected 4, got 0"),
        ("FP32", (2**31, 2**31, 2**31), b"", f"Expected {2**95}, got 0"),
        ("FP32", (0, 2**62), b"", "beyond what an array can have"),
        ("INT8", (1,) * 65, b"\0", "beyond what an array can have"),
        ("BYTES", (2,), b"\1\0\0\0a", "Expected 2 elements, got 1"),
        ("BYTES", (1,), b"\1\0\0\0a\1\0\0\0b", "Expected 1 elements, got 2"),
        ("BYTES", (1,), b"\5\0\0\0ab", "element 0 is 5 bytes long by its length, and 2 are left"),
        ("BYTES", (1,), b"\1\0\0\0a\1\0", "element 1 has 2 of the 4 bytes of its length"),
        ("BYTES", (2,), b"\1\0\0\0a\1\0\0\0\xff", "element 1 is not UTF-8"),
        ("BYTES", (2**40, 2**40), b"", f"Expected {2**80} elements, got 0"),
        ("BYTES", (0, 2**62), b"", "beyond what an array can have"),
    ],
)
def test_raw_bytes_that_do_not_fit_are_refused(
    datatype: str, shape: tuple[int, ...], data: bytes, message: str
) -> None:
    """The message says what was expected and what came; absurd shapes take no memory."""
    with pytest.raises(TensorError, match=message):
        from_raw(BY_OIP[datatype], shape, data)


@pytest.mark.parametrize(
    ("datatype", "shape", "contents", "message"),
    [
        ("FP32", (2,), InferTensorContents(fp64_contents=[1, 2]), "Expected fp32_contents alone.*got fp64_contents"),
        (
            "INT64",
            (1,),
            InferTensorContents(int_contents=[1], int64_contents=[1]),
            "Expected int64_contents alone.*got int_contents, int64_contents",
        ),
        ("FP32", (2, 2), InferTensorContents(fp32_contents=[1, 2]), "Expected 4 elements in fp32_contents, got 2"),
        ("FP32", (2,), InferTensorContents(), "Expected 2 elements in fp32_contents, got 0"),
        ("INT8", (2,), InferTensorContents(int_contents=[1, 128]), "128 is out of the range of INT8, -128 to 127"),
        ("INT8", (2,), InferTensorContents(int_contents=[-129, 1]), "-129 is out of the range"),
        ("INT16", (1,), InferTensorContents(int_contents=[40000]), "40000 is out of the range of INT16"),
        ("UINT8", (1,), InferTensorContents(uint_contents=[256]), "256 is out of the range of UINT8, 0 to 255"),
        ("UINT16", (1,), InferTensorContents(uint_contents=[65536]), "65536 is out of the range of UINT16"),
        ("FP16", (1,), InferTensorContents(fp32_contents=[1]), "FP16 has no typed contents; send it in raw"),
        ("BF16", (1,), InferTensorContents(), "BF16 has no typed contents"),
        ("BYTES", (2,), InferTensorContents(bytes_contents=[b"a", b"\xff"]), "element 1 is not UTF-8"),
        ("INT32", (0, 2**62), InferTensorContents(), "beyond what an array can have"),
    ],
)
def test_typed_contents_that_do_not_fit_are_refused(
    datatype: str, shape: tuple[int, ...], contents: InferTensorContents, message: str
) -> None:
    """Nothing is cut or cast in silence."""
    with pytest.raises(TensorError, match=message):
        from_typed(BY_OIP[datatype], shape, contents)


@pytest.mark.parametrize("datatype", ["INT8", "INT16", "UINT8", "UINT16"])
def test_small_integers_take_the_ends_of_their_range(datatype: str) -> None:
    """The smallest and the largest value go through."""
    element = BY_OIP[datatype]
    limits = np.iinfo(element.dtype.name)
    x = np.array([limits.min, limits.max], element.dtype)
    assert np.array_equal(from_typed(element, (2,), to_typed(element, x)), x)
