"""From a graph's outputs to an answer: which, in which form, and the classification extension."""

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from podium_server.elements import BY_OIP
from podium_server.errors import InvalidArgument, Unsupported
from podium_server.oip.messages import InferParameter, ModelInferRequest
from podium_server.oip.outputs import OutputWriter
from podium_server.oip.ranking import rank
from podium_server.signature import Signature, TensorSpec

Requested = ModelInferRequest.InferRequestedOutputTensor
SCORES = TensorSpec("scores", BY_OIP["FP32"], ("n", 3))
WORDS = TensorSpec("words", BY_OIP["BYTES"], ("n",))
HALVES = TensorSpec("halves", BY_OIP["BF16"], ("n",))
LABELS = ("cat", "dog", "cow")
OUTPUTS = (
    np.array([[0.25, 0.5, 0.125]], np.float32),
    np.array(["é"], np.object_),
    np.array([1.5], ml_dtypes.bfloat16),
)


@pytest.fixture
def writer() -> OutputWriter:
    """Three outputs: numbers, text, and a type without typed contents."""
    return OutputWriter("m", 3, Signature((), (SCORES, WORDS, HALVES), batched=True), LABELS)


def test_every_output_is_written_when_none_is_named(writer: OutputWriter) -> None:
    """In the model's order, one raw entry each, with the id and the version that answered."""
    response = writer.write("q1", OUTPUTS, writer.select([]), typed=False)
    assert (response.model_name, response.model_version, response.id) == ("m", "3", "q1")
    assert [(o.name, o.datatype, list(o.shape)) for o in response.outputs] == [
        ("scores", "FP32", [1, 3]),
        ("words", "BYTES", [1]),
        ("halves", "BF16", [1]),
    ]
    assert list(response.raw_output_contents) == [OUTPUTS[0].tobytes(), b"\2\0\0\0\xc3\xa9", b"\xc0\x3f"]


def test_named_outputs_come_alone_and_in_the_callers_order(writer: OutputWriter) -> None:
    """What was not asked for is not sent."""
    wanted = writer.select([Requested(name="words"), Requested(name="scores")])
    response = writer.write("", OUTPUTS, wanted, typed=False)
    assert [output.name for output in response.outputs] == ["words", "scores"]
    assert len(response.raw_output_contents) == 2


def test_typed_requests_are_answered_typed(writer: OutputWriter) -> None:
    """Numbers and text in their lists, and nothing raw."""
    wanted = writer.select([Requested(name="scores"), Requested(name="words")])
    response = writer.write("", OUTPUTS, wanted, typed=True)
    assert list(response.outputs[0].contents.fp32_contents) == [0.25, 0.5, 0.125]
    assert list(response.outputs[1].contents.bytes_contents) == ["é".encode()]
    assert not response.raw_output_contents


def test_an_output_without_typed_form_makes_the_answer_raw(writer: OutputWriter) -> None:
    """Both forms never mix in one answer."""
    response = writer.write("", OUTPUTS, writer.select([]), typed=True)
    assert len(response.raw_output_contents) == 3
    assert not any(output.HasField("contents") for output in response.outputs)


def test_unknown_outputs_are_refused_with_those_that_exist(writer: OutputWriter) -> None:
    """The message names what could be asked for."""
    with pytest.raises(InvalidArgument, match=r"unexpected inference output 'nope' for model 'm'.*'scores'") as refusal:
        writer.select([Requested(name="scores"), Requested(name="nope")])
    assert refusal.value.field_path == "outputs[1].name"


def test_an_output_is_asked_for_once(writer: OutputWriter) -> None:
    """A small request must not make an answer of any size."""
    with pytest.raises(InvalidArgument, match="output 'scores' is requested more than once") as refusal:
        writer.select([Requested(name="scores"), Requested(name="scores")])
    assert refusal.value.field_path == "outputs[1].name"


def test_shared_memory_is_refused(writer: OutputWriter) -> None:
    """There is none, and an answer in the message is not what was asked for."""
    region = {"shared_memory_region": InferParameter(string_param="r")}
    with pytest.raises(Unsupported, match="shared memory"):
        writer.select([Requested(name="scores", parameters=region)])


def test_other_parameters_of_outputs_are_passed_over(writer: OutputWriter) -> None:
    """`binary_data` belongs to the REST form of the protocol."""
    wanted = writer.select([Requested(name="scores", parameters={"binary_data": InferParameter(bool_param=True)})])
    assert wanted[0].num_classes == 0


def test_classification_names_the_best_classes(writer: OutputWriter) -> None:
    """`score:index:label`, best first, a row of them for each row of the batch; text even to a typed request."""
    two = {"classification": InferParameter(int64_param=2)}
    wanted = writer.select([Requested(name="scores", parameters=two)])
    response = writer.write("", OUTPUTS, wanted, typed=True)
    assert (response.outputs[0].datatype, list(response.outputs[0].shape)) == ("BYTES", [1, 2])
    assert list(response.outputs[0].contents.bytes_contents) == [b"0.500000:1:dog", b"0.250000:0:cat"]


@pytest.mark.parametrize(
    ("name", "parameter", "message"),
    [
        ("scores", InferParameter(int64_param=0), "1 to 1000, got 0"),
        ("scores", InferParameter(string_param="2"), "1 to 1000"),
        ("scores", InferParameter(int64_param=1001), "1 to 1000, got 1001"),
        ("words", InferParameter(int64_param=1), "'words' is BYTES: only numbers can be ranked"),
    ],
)
def test_classification_of_nothing_is_refused(
    writer: OutputWriter, name: str, parameter: InferParameter, message: str
) -> None:
    """A number of classes has limits, and text has no order."""
    with pytest.raises(InvalidArgument, match=message):
        writer.select([Requested(name=name, parameters={"classification": parameter})])


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        (np.array([[1, 3, 2]], np.uint8), [["3:1", "2:2"]]),
        (np.array([[-(2**63), 2**63 - 1]], np.int64), [[f"{2**63 - 1}:1", f"{-(2**63)}:0"]]),
        (np.array([[0, 2**64 - 1]], np.uint64), [[f"{2**64 - 1}:1", "0:0"]]),
        (np.array([[1, 1, 1]], np.float32), [["1.000000:0", "1.000000:1"]]),
        (np.array([[np.nan, -np.inf, np.inf]], np.float64), [["inf:2", "-inf:1"]]),
        (np.array([[0.5], [0.25]], np.float16), [["0.500000:0"], ["0.250000:0"]]),
        (np.array([[[1, 2], [4, 3]]], ml_dtypes.bfloat16), [["4.000000:2", "3.000000:3"]]),
    ],
    ids=["small", "signed ends", "unsigned ends", "ties", "not finite", "fewer than asked", "more axes"],
)
def test_ranking_orders_every_number_type(scores: Any, expected: list[list[str]]) -> None:
    """Ends of ranges do not overflow, ties keep the order of indices, NaN comes last."""
    assert rank(scores, 2, (), batched=True).tolist() == expected


def test_ranking_without_batch_has_one_row() -> None:
    """All elements together are the classes."""
    assert rank(np.array([[1, 2], [4, 3]]), 1, ("a", "b", "c", "d"), batched=False).tolist() == ["4:2:c"]


def test_labels_of_another_number_are_left_out() -> None:
    """A wrong name is worse than none."""
    assert rank(np.array([[1, 2]]), 1, ("a", "b", "c"), batched=True).tolist() == [["2:1"]]


@given(st.lists(st.integers(-128, 127), min_size=1, max_size=20), st.integers(1, 25))
def test_ranking_is_sorting(values: list[int], num_classes: int) -> None:
    """The same as Python's stable sort by descending value."""
    order = sorted(range(len(values)), key=lambda index: -values[index])[:num_classes]
    ranked = rank(np.array([values], np.int8), num_classes, (), batched=True)
    assert ranked.tolist() == [[f"{values[index]}:{index}" for index in order]]
