"""A request of the Open Inference Protocol as bytes.

The client has no generated code of that protocol: any other package that registers its name in protobuf's common
pool, as tritonclient and KServe's do, would collide with it. A request with raw contents is five fields, written
here by hand; the numbers are those of `proto/inference/open_inference.proto`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

PATH = "/inference.GRPCInferenceService/ModelInfer"

_MODEL_NAME, _MODEL_VERSION, _INPUTS, _RAW_INPUT_CONTENTS = 1, 2, 5, 7  # of ModelInferRequest
_NAME, _DATATYPE, _SHAPE = 1, 2, 3  # of InferInputTensor
_LENGTH_DELIMITED = 2


@dataclass(frozen=True, slots=True)
class RawInput:
    """One input tensor.

    Attributes:
        name: its name in the graph.
        datatype: the protocol's name of its element type, such as "FP32".
        shape: the length of every axis.
        data: its elements as the protocol carries them raw.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: bytes


def infer_request(model: str, version: int | None, inputs: Sequence[RawInput]) -> bytes:
    """Write a ModelInferRequest with raw contents.

    Args:
        model: the model's name.
        version: the version asked for; None: the server chooses.
        inputs: every input of the graph.
    """
    out = _field(_MODEL_NAME, model.encode())
    if version is not None:
        out += _field(_MODEL_VERSION, str(version).encode())
    for tensor in inputs:
        shape = b"".join(_varint(length) for length in tensor.shape)
        spec = _field(_NAME, tensor.name.encode()) + _field(_DATATYPE, tensor.datatype.encode())
        out += _field(_INPUTS, spec + (_field(_SHAPE, shape) if shape else b""))
    return out + b"".join(_field(_RAW_INPUT_CONTENTS, tensor.data) for tensor in inputs)


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | _LENGTH_DELIMITED) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
