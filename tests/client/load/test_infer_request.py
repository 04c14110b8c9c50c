"""Requests written by hand, read by protobuf."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from podium_client.load.infer_request import RawInput, infer_request
from podium_server.oip.messages import ModelInferRequest

inputs = st.builds(
    RawInput,
    name=st.text(max_size=200),
    datatype=st.sampled_from(["FP32", "BYTES"]),
    shape=st.lists(st.integers(0, 2**62), max_size=5).map(tuple),
    data=st.binary(max_size=300),
)


@given(model=st.text(min_size=1), version=st.none() | st.integers(1, 2**31), tensors=st.lists(inputs, max_size=3))
def test_protobuf_reads_what_was_written(model: str, version: int | None, tensors: list[RawInput]) -> None:
    """Every field arrives, whatever its length, and nothing else does."""
    request = ModelInferRequest.FromString(infer_request(model, version, tensors))
    expected = ModelInferRequest(
        model_name=model,
        model_version=str(version) if version else "",
        raw_input_contents=[tensor.data for tensor in tensors],
    )
    for tensor in tensors:
        expected.inputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
    assert request == expected


def test_a_photo_costs_little_beside_its_pixels() -> None:
    """What surrounds the raw contents of a photo is under 100 bytes."""
    pixels = np.zeros((1, 3, 224, 224), np.float32).tobytes()
    request = infer_request("efficientnet-lite0", 1, [RawInput("images", "FP32", (1, 3, 224, 224), pixels)])
    assert len(request) < len(pixels) + 100
