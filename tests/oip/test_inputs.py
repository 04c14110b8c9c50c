"""From a request to a graph's inputs: what is taken, and what is refused in which words."""

import re
from typing import Any

import numpy as np
import pytest
from podium_server.elements import BY_OIP
from podium_server.errors import InvalidArgument, Unsupported
from podium_server.oip.inputs import InputReader
from podium_server.oip.messages import InferParameter, InferTensorContents, ModelInferRequest
from podium_server.signature import Signature, TensorSpec

FP32, INT64 = BY_OIP["FP32"], BY_OIP["INT64"]
A = TensorSpec("a", FP32, ("batch", 2))
B = TensorSpec("b:0", INT64, ("batch",))
OUTPUT = (TensorSpec("y", FP32, ("batch",)),)
READER = InputReader("m", Signature((A, B), OUTPUT, batched=True))

FLOATS = np.arange(4, dtype="<f4").reshape(2, 2)
INTEGERS = np.array([7, 8], "<i8")


def given(name: str, datatype: str, shape: tuple[int, ...], **fields: Any) -> ModelInferRequest.InferInputTensor:
    return ModelInferRequest.InferInputTensor(name=name, datatype=datatype, shape=shape, **fields)


def request(*inputs: ModelInferRequest.InferInputTensor, raw: tuple[bytes, ...] = ()) -> ModelInferRequest:
    return ModelInferRequest(model_name="m", inputs=inputs, raw_input_contents=raw)


def good(**changes: Any) -> ModelInferRequest:
    """A right request, of which a test spoils the first input or the raw contents."""
    raw = changes.pop("raw", (FLOATS.tobytes(), INTEGERS.tobytes()))
    first: dict[str, Any] = {"name": "a", "datatype": "FP32", "shape": (2, 2), **changes}
    return request(given(**first), given("b:0", "INT64", (2,)), raw=raw)


def test_inputs_are_matched_by_name_in_any_order() -> None:
    """Tensors come out in the signature's order, whatever the request's; raw contents follow the request's."""
    b, a = given("b:0", "INT64", (2,)), given("a", "FP32", (2, 2))
    tensors, typed = READER.read(request(b, a, raw=(INTEGERS.tobytes(), FLOATS.tobytes())))
    assert np.array_equal(tensors[0], FLOATS)
    assert np.array_equal(tensors[1], INTEGERS)
    assert not typed


def test_typed_inputs_are_read_and_remembered_as_typed() -> None:
    """The answer's form follows the request's."""
    tensors, typed = READER.read(
        request(
            given("a", "FP32", (2, 2), contents=InferTensorContents(fp32_contents=FLOATS.ravel())),
            given("b:0", "INT64", (2,), contents=InferTensorContents(int64_contents=INTEGERS)),
        )
    )
    assert np.array_equal(tensors[0], FLOATS)
    assert np.array_equal(tensors[1], INTEGERS)
    assert typed


def test_an_empty_typed_input_needs_no_contents() -> None:
    """A list without elements and no list are the same on the wire."""
    reader = InputReader("m", Signature((TensorSpec("x", FP32, (None, 2)),), OUTPUT, batched=False))
    (x,), _ = reader.read(request(given("x", "FP32", (0, 2))))
    assert x.shape == (0, 2)


def test_a_graph_without_inputs_is_asked_for_nothing() -> None:
    """A graph of constants runs on an empty request, and answers raw."""
    reader = InputReader("m", Signature((), OUTPUT, batched=False))
    assert reader.read(request()) == ((), False)


def test_parameters_of_inputs_are_passed_over() -> None:
    """KServe's client sends `binary_data_size` with each."""
    size = InferParameter(int64_param=16)
    assert len(READER.read(good(parameters={"binary_data_size": size})).tensors) == 2


def test_a_scalar_takes_what_the_runtime_takes() -> None:
    """ONNX Runtime shows scalars and tensors of unknown rank alike, so neither is refused here."""
    reader = InputReader("m", Signature((TensorSpec("x", FP32, ()),), OUTPUT, batched=False))
    for shape in ((), (1,), (2, 3)):
        data = bytes(4 * int(np.prod(shape)))
        assert reader.read(request(given("x", "FP32", shape), raw=(data,))).tensors[0].shape == shape


@pytest.mark.parametrize(
    ("bad", "message", "path"),
    [
        (
            good(datatype="INT32"),
            "inference input 'a' data-type is 'INT32', but model 'm' expects 'FP32'",
            "inputs[0].datatype",
        ),
        (
            good(shape=(2, 3)),
            "unexpected shape for input 'a' for model 'm'. Expected [-1,2], got [2,3]; -1 stands for any length",
            "inputs[0].shape",
        ),
        (good(shape=(4,)), "unexpected shape for input 'a' for model 'm'. Expected [-1,2], got [4]", "inputs[0].shape"),
        (
            good(shape=(-2, 2)),
            "unexpected shape for input 'a' for model 'm'. Expected [-1,2], got [-2,2]",
            "inputs[0].shape",
        ),
        (good(shape=(1,) * 99), "got [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,…]", "inputs[0].shape"),
        (
            good(raw=(FLOATS.tobytes()[:-1], INTEGERS.tobytes())),
            "input byte size mismatch for input 'a' for model 'm'. Expected 16, got 15",
            "raw_input_contents[0]",
        ),
        (
            good(shape=(2**62, 2)),
            f"input byte size mismatch for input 'a' for model 'm'. Expected {2**65}, got 16",
            "raw_input_contents[0]",
        ),
        (
            good(contents=InferTensorContents(fp32_contents=[1])),
            "contents field must not be specified when using raw_input_contents for 'a' for model 'm'",
            "inputs[0].contents",
        ),
        (
            good(contents=InferTensorContents(fp32_contents=FLOATS.ravel()), raw=(INTEGERS.tobytes(),)),
            "contents field must not be specified when using raw_input_contents for 'a' for model 'm'",
            "inputs[0].contents",
        ),
        (good(raw=()), "unable to find data for input tensor 'a' for model 'm'", "inputs[0].contents"),
        (
            good(raw=(FLOATS.tobytes(),)),
            "unable to find data for input tensor 'b:0' for model 'm': raw_input_contents has 1 entries",
            "raw_input_contents",
        ),
        (
            good(raw=(b"", b"", b"")),
            "raw_input_contents has 3 entries for model 'm', and there are 2",
            "raw_input_contents",
        ),
        (
            good(contents=InferTensorContents(fp64_contents=[1, 2, 3, 4]), raw=()),
            "unexpected explicit tensor data for input tensor 'a' for model 'm'. Expected fp32_contents alone",
            "inputs[0].contents",
        ),
        (
            request(given("a", "FP32", (2, 2)), raw=(FLOATS.tobytes(),)),
            "expected 2 inputs but got 1 inputs for model 'm'. Got input(s) ['a'], but missing required input(s) "
            "['b:0']. Please provide all required input(s)",
            "inputs",
        ),
        (
            good(name="A"),
            "missing required input(s) ['a']. Please provide all required input(s), unexpected inference "
            "input ['A'] for model 'm'",
            "inputs",
        ),
        (
            good(name="b:0", shape=(2,), datatype="INT64", raw=(INTEGERS.tobytes(),) * 2),
            "given more than once: ['b:0']",
            "inputs",
        ),
        (
            good(shape=(0, 2), raw=(b"", INTEGERS.tobytes())),
            "inference request batch-size must be >= 1 for 'm'",
            "inputs[0].shape",
        ),
        (
            good(shape=(1, 2), raw=(FLOATS.tobytes()[:8], INTEGERS.tobytes())),
            "input 'b:0' batch size does not match other inputs for 'm': it has 2 rows on axis 0, and 'a' has 1",
            "inputs",
        ),
    ],
)
def test_what_the_graph_does_not_take_is_refused(bad: ModelInferRequest, message: str, path: str) -> None:
    """The words are Triton's where it has some, and the field is named for programs."""
    with pytest.raises(InvalidArgument, match=re.escape(message)) as refusal:
        READER.read(bad)
    assert refusal.value.field_path == path


@pytest.mark.parametrize("raw", [(), (INTEGERS.tobytes(),)])
def test_shared_memory_is_refused_by_name(raw: tuple[bytes, ...]) -> None:
    """An input in shared memory has no contents: the reason is the memory, not the missing contents."""
    region = {"shared_memory_region": InferParameter(string_param="r")}
    with pytest.raises(Unsupported, match="'a' is in shared memory"):
        READER.read(good(parameters=region, raw=raw))


def test_without_batch_every_input_has_its_own_first_axis() -> None:
    """Only a batched graph's inputs must agree on their rows, and only it needs any."""
    reader = InputReader("m", Signature((A, B), OUTPUT, batched=False))
    tensors, _ = reader.read(good(shape=(0, 2), raw=(b"", INTEGERS.tobytes())))
    assert [x.shape for x in tensors] == [(0, 2), (2,)]
