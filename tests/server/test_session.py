"""One graph on one execution provider: what goes in, what comes out, what is refused and how."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper
from podium_server.elements import BY_OIP, ELEMENTS
from podium_server.errors import InvalidArgument, LoadFailed, RunFailed
from podium_server.runtime.session import Session, clean, shares_batch_axis
from podium_server.signature import Signature, TensorSpec, Uncarried

CPU = ("CPUExecutionProvider",)
SHARED_ONNX = Path(__file__).parents[3] / "shared" / "data" / "onnx"

Axes = Sequence[int | str | None] | None


def value(name: str, element_type: int, shape: Axes = None) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, element_type, shape)


def graph(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    weights: Sequence[onnx.TensorProto] = (),
) -> bytes:
    made = helper.make_graph(nodes, "g", inputs, outputs, list(weights))
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


def identity(element_type: int, shape: Axes = None) -> Session:
    nodes = [helper.make_node("Identity", ["x"], ["y"])]
    return load(graph(nodes, [value("x", element_type, shape)], [value("y", element_type, shape)]))


def load(model: bytes | Path) -> Session:
    return Session(model, providers=CPU, num_threads=1)


def test_signature_names_types_and_axes() -> None:
    """Fixed lengths are ints, named axes strs, unnamed ones None; the order is the graph's."""
    session = load(
        graph(
            [helper.make_node("Add", ["b:0", "a"], ["sum"]), helper.make_node("Shape", ["sum"], ["shape"])],
            [value("b:0", TensorProto.FLOAT, ["n", 3, None]), value("a", TensorProto.FLOAT, [])],
            [value("sum", TensorProto.FLOAT, ["n", 3, "?"]), value("shape", TensorProto.INT64, [3])],
        )
    )
    fp32, int64 = BY_OIP["FP32"], BY_OIP["INT64"]
    assert session.signature == Signature(
        inputs=(TensorSpec("b:0", fp32, ("n", 3, None)), TensorSpec("a", fp32, ())),
        outputs=(TensorSpec("sum", fp32, ("n", 3, "?")), TensorSpec("shape", int64, (3,))),
        batched=False,
    )
    assert session.provider == "CPUExecutionProvider"


def test_signature_lists_what_cannot_be_carried() -> None:
    """Sequences are named with ONNX Runtime's own word for their type, and the graph still loads."""
    nodes = [helper.make_node("SequenceConstruct", ["x"], ["s"])]
    outputs = [helper.make_tensor_sequence_value_info("s", TensorProto.INT64, None)]
    session = load(graph(nodes, [value("x", TensorProto.INT64, [2])], outputs))
    assert session.signature.uncarried == (Uncarried("s", "seq(tensor(int64))"),)


@pytest.mark.parametrize("element", [e for e in ELEMENTS if not e.is_string], ids=lambda e: e.oip)
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3)], ids=["scalar", "empty", "matrix"])
def test_every_number_goes_through_unchanged(element: Any, shape: tuple[int, ...]) -> None:
    """Identity gives back bits, dtype and shape, of read-only memory such as a request's too."""
    numbers = np.frombuffer(bytes(range(1, 49)), np.uint8)[: int(np.prod(shape)) * element.dtype.itemsize]
    x = (numbers % 2 if element.oip == "BOOL" else numbers).view(element.dtype).reshape(shape)
    x.flags.writeable = False
    onnx_type = helper.np_dtype_to_tensor_dtype(element.dtype)
    (y,) = identity(onnx_type, shape).run([x])
    assert y.dtype == element.dtype
    assert y.shape == shape
    assert y.tobytes() == x.tobytes()


def test_bfloat16_and_other_types_share_a_graph() -> None:
    """An output next to a bfloat16 one, and an input next to one, keep their own types."""
    nodes = [
        helper.make_node("Cast", ["b"], ["f"], to=TensorProto.FLOAT),
        helper.make_node("Add", ["f", "x"], ["sum"]),
        helper.make_node("Cast", ["sum"], ["y"], to=TensorProto.BFLOAT16),
    ]
    inputs = [value("b", TensorProto.BFLOAT16, ["n"]), value("x", TensorProto.FLOAT, ["n"])]
    outputs = [value("sum", TensorProto.FLOAT, ["n"]), value("y", TensorProto.BFLOAT16, ["n"])]
    bits = np.array([1.5, -2], ml_dtypes.bfloat16)
    total, rounded = load(graph(nodes, inputs, outputs)).run([bits, np.array([1, 1], np.float32)])
    assert total.tolist() == [2.5, -1]
    assert rounded.dtype == ml_dtypes.bfloat16
    assert rounded.tolist() == [2.5, -1]


def test_arrays_that_are_not_contiguous_keep_their_order() -> None:
    """A transposed view is read as what it shows."""
    x = np.arange(6, dtype=np.float32).reshape(2, 3).T
    b = x.astype(ml_dtypes.bfloat16)
    assert np.array_equal(identity(TensorProto.FLOAT).run([x])[0], x)
    assert np.array_equal(identity(TensorProto.BFLOAT16).run([b])[0], b)


@pytest.mark.parametrize("shape", [(), (2, 2), (0,)], ids=["scalar", "matrix", "empty"])
def test_strings_go_in_as_text_or_bytes_and_come_out_as_text(shape: tuple[int, ...]) -> None:
    """Bytes are decoded as UTF-8; zeros inside a string and at its end are kept."""
    words = np.array(["a\0b\0", "ü", "", "日本"], np.object_)[: int(np.prod(shape))].reshape(shape)
    encoded = np.empty(shape, np.object_)
    encoded.ravel()[:] = [word.encode() for word in words.ravel()]
    session = identity(TensorProto.STRING)
    for x in (words, encoded):
        (y,) = session.run([x])
        assert y.dtype == np.object_
        assert y.shape == shape
        assert y.tolist() == words.tolist()


def test_bytes_that_are_not_utf8_are_the_callers_error() -> None:
    """ONNX's strings are UTF-8: the message names the input."""
    x = np.array([b"fine", b"\xff\xd8"], np.object_)
    with pytest.raises(InvalidArgument, match=r"input 'x' must hold UTF-8 text.*0xff"):
        identity(TensorProto.STRING).run([x])


def test_strings_in_and_bfloat16_out_cannot_be_carried_together() -> None:
    """ONNX Runtime's Python interface has no call for it, so the signature says so."""
    nodes = [helper.make_node("Identity", ["s"], ["t"]), helper.make_node("Identity", ["b"], ["c"])]
    inputs = [value("s", TensorProto.STRING), value("b", TensorProto.BFLOAT16)]
    outputs = [value("t", TensorProto.STRING), value("c", TensorProto.BFLOAT16)]
    assert load(graph(nodes, inputs, outputs)).signature.uncarried == (Uncarried("c", "tensor(bfloat16)"),)


def test_failing_run_says_what_the_runtime_said_and_no_paths() -> None:
    """The reason is ONNX Runtime's; places in its source are not the caller's business."""
    weights = [helper.make_tensor("w", TensorProto.FLOAT, [3], [1, 2, 3])]
    inputs, outputs = [value("shape", TensorProto.INT64, ["n"])], [value("y", TensorProto.FLOAT)]
    session = load(graph([helper.make_node("Reshape", ["w", "shape"], ["y"])], inputs, outputs, weights))
    with pytest.raises(RunFailed, match=r"running Reshape node.*\{3\}, requested shape:\{7\}") as failure:
        session.run([np.array([7])])
    assert "/" not in failure.value.message
    assert "\n" not in failure.value.message


def test_wrong_number_of_inputs_is_a_bug_and_not_a_run() -> None:
    """Callers pair inputs with the signature; one too few never reaches the provider."""
    with pytest.raises(ValueError, match="shorter"):
        identity(TensorProto.FLOAT).run([])


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (b"not a protobuf at all", "protobuf parsing failed"),
        (b"", "No graph was found"),
        (Path("/nowhere/model.onnx"), r"model\.onnx.*File doesn't exist"),
    ],
    ids=["junk", "empty", "absent"],
)
def test_what_cannot_be_loaded_says_why(model: bytes | Path, reason: str) -> None:
    """The message has ONNX Runtime's reason, and no folder of this machine."""
    with pytest.raises(LoadFailed, match=reason) as failure:
        load(model)
    assert "/nowhere" not in failure.value.message


def test_provider_that_is_not_there_is_not_replaced() -> None:
    """No silent downgrade: what was asked for runs, or the load fails."""
    model = graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        [value("x", TensorProto.FLOAT)],
        [value("y", TensorProto.FLOAT)],
    )
    absent = next(p for p in ort.get_all_providers() if p not in ort.get_available_providers())
    with pytest.raises(LoadFailed, match=absent):
        Session(model, providers=[absent, "CPUExecutionProvider"], num_threads=1)


def test_threads_may_run_one_session_at_a_time() -> None:
    """Each of many concurrent callers gets the answer to its own input."""
    session = identity(TensorProto.FLOAT, ["n"])

    def answer(i: int) -> bool:
        x: NDArray[np.float32] = np.full(i % 7 + 1, i, np.float32)
        return np.array_equal(session.run([x])[0], x)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(answer, range(400)))


def test_batch_axis_is_shared_only_under_one_name() -> None:
    """Axis 0 must be dynamic and of one name everywhere; scalars, fixed lengths and missing names are none."""
    fp32 = BY_OIP["FP32"]

    def shares(*shapes: tuple[int | str | None, ...]) -> bool:
        first, *rest = (TensorSpec(f"t{i}", fp32, shape) for i, shape in enumerate(shapes))
        return shares_batch_axis(Signature((first,), tuple(rest), batched=False))

    assert shares(("n", 3), ("n",), ("n", "m"))
    assert not shares(("n", 3), ("m",))
    assert not shares((1, 3), (1, 3))
    assert not shares((None, 3), (None, 3))
    assert not shares((), ())
    assert not shares(("n",), ())
    assert not shares(("n",))


def test_uncarried_values_share_no_batch() -> None:
    """What is never run is never batched."""
    spec = TensorSpec("x", BY_OIP["FP32"], ("n",))
    assert not shares_batch_axis(Signature((spec,), (spec,), batched=False, uncarried=(Uncarried("m", "map()"),)))


@pytest.mark.parametrize(
    ("message", "cleaned"),
    [
        (
            "[ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Got invalid dimensions for input: x\n index: 0 Got: 4\n",
            "Got invalid dimensions for input: x index: 0 Got: 4",
        ),
        (
            "Name:'/conv1/Conv' Message: /src/core/op.h:5 void ns::Init(ptrdiff_t, int) axis was false.",
            "Name:'/conv1/Conv' Message: axis was false.",
        ),
        ("/src/x.cc:7 ns::F(const string&)::<lambda()> No locale", "No locale"),
        ("/src/x.cc:7 no function (here) is named", "no function (here) is named"),
    ],
)
def test_clean_keeps_the_words_and_names_of_nodes(message: str, cleaned: str) -> None:
    """Names of nodes may look like paths, and stay."""
    assert clean(message) == cleaned


def test_every_published_graph_loads_or_says_why() -> None:
    """Other makers' files load but for one, whose reason (a locale that is not installed) is told."""
    if not SHARED_ONNX.is_dir():
        pytest.skip("needs ../shared/data/onnx")
    refused = {}
    for path in sorted(SHARED_ONNX.glob("*.onnx")):
        try:
            load(path)
        except LoadFailed as error:
            refused[path.name] = error.message
    assert set(refused) <= {"strnorm.onnx"}
    assert all("en_US.UTF-8" in reason for reason in refused.values())
