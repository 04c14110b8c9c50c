"""How far two answers differ, by plain arithmetic."""

import io
import math

import numpy as np
import pytest
from PIL import Image
from podium.v1 import (
    classification_service_pb2,
    decoding_pb2,
    image_service_pb2,
    response_metadata_pb2,
    tensor_pb2,
    text_service_pb2,
)
from podium_client.replay.comparison import Amount, compare, edit_distance
from podium_client.replay.messages import MODEL_INFER, message_classes


def classified(*logits: float, label: str = "cat", version: int = 1) -> classification_service_pb2.ClassifyResponse:
    """An answer with one result."""
    result = classification_service_pb2.ClassificationResult(
        logits=logits, classes=[classification_service_pb2.ClassScore(index=1, label=label, probability=0.5)]
    )
    made = response_metadata_pb2.ResponseMetadata(version=version)
    return classification_service_pb2.ClassifyResponse(metadata=made, results=[result])


def test_answer_is_the_same_whoever_gave_it_and_however_long_it_took() -> None:
    """Versions and times differ between machines as they should."""
    usage = [decoding_pb2.GenerationUsage(num_output_tokens=3, queue_ms=ms) for ms in (0.0, 7.0)]
    texts = [text_service_pb2.GenerateResponse(usage=each) for each in usage]
    assert compare(classified(1, 2, version=1), classified(1, 2, version=2)).within(0)
    assert compare(*texts).within(0)


def test_largest_difference_of_numbers_is_told_with_its_field() -> None:
    """Of single precision, exactly; within it, the answer counts as the same when that is asked."""
    found = compare(classified(1.0, 2.0, 3.0), classified(1.0, 2.5, 2.75))
    assert found.numbers == Amount(0.5, "results[0].logits")
    assert not found.within(0)
    assert found.within(0.5)
    assert not found.within(0.4)


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [("kitten", "sitting", 3), ("", "abc", 3), ("same", "same", 0), ("flaw", "lawn", 2), ("é", "e", 1)],
)
def test_texts_differ_by_the_characters_to_change(a: str, b: str, distance: int) -> None:
    """Levenshtein's distance; the examples are the textbooks'."""
    assert edit_distance(a, b) == edit_distance(b, a) == distance


def test_text_that_differs_is_told_with_its_field() -> None:
    """No tolerance of numbers covers it."""
    found = compare(classified(1, label="kitten"), classified(1, label="sitting"))
    assert found.texts == Amount(3, "results[0].classes[0].label")
    assert not found.within(100)


def test_other_count_is_no_matter_of_distance() -> None:
    """Ten logits and nine cannot be compared one by one."""
    assert compare(classified(1, 2, 3), classified(1, 2)).others == ["results[0].logits: 3 and 2 of them"]


def test_nan_is_as_nan_and_far_from_everything_else() -> None:
    """Two machines that both give NaN agree."""
    assert compare(classified(math.nan, 1), classified(math.nan, 1)).within(0)
    found = compare(classified(math.nan, 1), classified(2, 1)).numbers
    assert found is not None
    assert found.size == math.inf


def picture(level: int, mode: str = "L") -> bytes:
    """A PNG file of one level."""
    data = io.BytesIO()
    Image.new(mode, (4, 4), level).save(data, "PNG")
    return data.getvalue()


def test_pictures_differ_by_their_levels() -> None:
    """The same pixels written otherwise are told as such."""

    def answer(data: bytes) -> image_service_pb2.SampleResponse:
        return image_service_pb2.SampleResponse(pictures=[image_service_pb2.Picture(png=data)])

    found = compare(answer(picture(10)), answer(picture(13)))
    assert found.numbers == Amount(3, "pictures[0].png, levels of 255")
    data = io.BytesIO()
    Image.new("L", (4, 4), 10).save(data, "PNG", compress_level=0)
    assert compare(answer(picture(10)), answer(data.getvalue())).others == [
        "pictures[0].png: other bytes of the same picture"
    ]


@pytest.mark.parametrize(
    ("kind", "dtype", "a", "b", "apart"),
    [
        ("FLOAT32", "<f4", [1.0, 2.0], [1.0, 2.25], 0.25), ("FLOAT16", "<f2", [1.0], [1.5], 0.5),
        ("UINT8", "u1", [250], [5], 245), ("INT64", "<i8", [2**62], [2**62 + 1], 1),
        ("UINT64", "<u8", [2**63 + 1], [2**63], 1), ("INT64", "<i8", [-(2**62)], [2**62], 2**63),
        ("BOOL", "?", [1], [0], 1), ("BFLOAT16", "<u2", [0x3F80], [0x4000], 1.0),
    ],
)  # fmt: skip
def test_tensors_differ_by_their_elements(kind: str, dtype: str, a: list[int], b: list[int], apart: float) -> None:
    """Unsigned integers do not wrap, large ones keep their last bit, and 0x3F80 and 0x4000 are bfloat16's 1 and 2."""

    def answer(values: list[int]) -> image_service_pb2.SampleResponse:
        tensor = tensor_pb2.Tensor(
            element_type=f"ELEMENT_TYPE_{kind}",
            shape=[len(values)],
            data=np.array(values, dtype).tobytes(),
        )
        return image_service_pb2.SampleResponse(pictures=[image_service_pb2.Picture(tensor=tensor)])

    found = compare(answer(a), answer(b)).numbers
    assert found is not None
    assert found.size == apart


def test_raw_outputs_of_model_infer_are_compared_by_name() -> None:
    """The raw contents of the Open Inference Protocol, by the type that the output has."""
    _, answer_class = message_classes(MODEL_INFER)

    def answer(*values: float) -> object:
        made = answer_class()
        made.outputs.add(name="y", datatype="FP32", shape=[2])  # type: ignore[attr-defined]
        made.raw_output_contents.append(np.array(values, "<f4").tobytes())  # type: ignore[attr-defined]
        return made

    found = compare(answer(1, 2), answer(1, 4))  # type: ignore[arg-type]
    assert found.numbers == Amount(2, "output 'y'")
