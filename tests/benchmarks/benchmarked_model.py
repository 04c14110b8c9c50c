"""A model to measure: its graph, and one request for it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from podium_client.load.infer_request import RawInput, infer_request
from podium_server.oip.messages import ModelInferResponse

VERSION = 1


@dataclass(frozen=True, slots=True)
class BenchmarkedModel:
    """A model of float inputs whose first axis is the batch.

    Attributes:
        name: its folder in the repository.
        onnx_path: its graph.
        request: a ModelInferRequest of one random row.
        answer_bytes: the size of a ModelInferResponse to it.
    """

    name: str
    onnx_path: Path
    request: bytes
    answer_bytes: int


def read_model(repository: Path, name: str) -> BenchmarkedModel:
    """Read version 1 of a model, and run it once to know the size of its answer."""
    path = repository / name / str(VERSION) / "model.onnx"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    feed = {x.name: random.standard_normal((1, *x.shape[1:]), dtype=np.float32) for x in session.get_inputs()}
    inputs = [RawInput(key, "FP32", array.shape, array.tobytes()) for key, array in feed.items()]
    answer = ModelInferResponse(model_name=name, model_version=str(VERSION))
    for spec, output in zip(session.get_outputs(), session.run(None, feed), strict=True):
        assert isinstance(output, np.ndarray)
        answer.outputs.add(name=spec.name, datatype="FP32", shape=output.shape)
        answer.raw_output_contents.append(output.tobytes())
    return BenchmarkedModel(name, path, infer_request(name, None, inputs), answer.ByteSize())
