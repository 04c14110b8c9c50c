"""A model whose run takes longer than callers to come, and gives what was asked."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
from onnx import helper
from podium_server.oip.messages import ModelInferRequest

from tests.server.packages import onnx_bytes, write_onnx

NAME, SIZE = "slow", 256


def write_slow(repository: Path, depth: int = 60) -> None:
    """Write y = x times the identity, so many times over, without a batch."""
    names = ["x", *(f"h{i}" for i in range(depth - 1)), "y"]
    nodes = [helper.make_node("MatMul", [a, "eye"], [b]) for a, b in itertools.pairwise(names)]
    axes = (SIZE, SIZE)
    model = onnx_bytes(nodes, {"x": axes}, {"y": axes}, {"eye": np.eye(SIZE, dtype=np.float32)})
    write_onnx(repository / NAME / "1", model)


def slow_request(number: int) -> Any:
    """A call with a number of its own, which is all that its answer holds."""
    tensor = ModelInferRequest.InferInputTensor(name="x", datatype="FP32", shape=[SIZE, SIZE])
    raw = np.full((SIZE, SIZE), number, "<f4").tobytes()
    return ModelInferRequest(model_name=NAME, inputs=[tensor], raw_input_contents=[raw])
