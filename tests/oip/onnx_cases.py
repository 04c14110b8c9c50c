"""ONNX's own cases for its operators, through the server and in ONNX Runtime alone."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime as ort
from grpc import RpcError, insecure_channel
from numpy.typing import NDArray
from onnx import TensorProto, numpy_helper
from podium_server.elements import BY_OIP
from podium_server.oip import messages as oip
from podium_server.oip.tensors import from_raw, to_raw

Tensor = NDArray[Any]
SERVICE = "/inference.GRPCInferenceService/"


def collect() -> list[Any]:
    """Every node case of the installed onnx."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the cases provoke numpy's warnings while their answers are computed
        from onnx.backend.test.case.node import collect_testcases

        cases: list[Any] = list(collect_testcases())
    for case in cases:
        case.data_sets = [tuple([_as_array(x) for x in side] for side in data_set) for data_set in case.data_sets]
    return cases


class Caller:
    """Calls the Open Inference Protocol of a server."""

    def __init__(self, address: str) -> None:
        self._channel = insecure_channel(address)

    def close(self) -> None:
        """End the connection."""
        self._channel.close()

    def call(self, method: str, request: Any) -> Any:
        """Call a method by its name."""
        answer_class: Any = getattr(oip, f"{method}Response")
        rpc: Any = self._channel.unary_unary(
            SERVICE + method,
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer_class.FromString,
        )
        return rpc(request, timeout=60)

    def load(self, name: str) -> str:
        """Load a model; the reason why it does not load, empty when it does."""
        try:
            self.call("RepositoryModelLoad", oip.RepositoryModelLoadRequest(model_name=name))
        except RpcError as error:
            return str(error)
        return ""

    def unload(self, name: str) -> None:
        """Unload a model."""
        self.call("RepositoryModelUnload", oip.RepositoryModelUnloadRequest(model_name=name))

    def infer(self, name: str, metadata: oip.ModelMetadataResponse, inputs: Sequence[Any]) -> list[Tensor]:
        """Run a model on raw inputs."""
        request = oip.ModelInferRequest(model_name=name)
        for spec, given in zip(metadata.inputs, inputs, strict=True):
            x = as_text(given) if spec.datatype == "BYTES" else np.asarray(given)
            request.inputs.add(name=spec.name, datatype=spec.datatype, shape=x.shape)
            request.raw_input_contents.append(to_raw(BY_OIP[spec.datatype], x))
        response: oip.ModelInferResponse = self.call("ModelInfer", request)
        return [
            from_raw(BY_OIP[output.datatype], tuple(output.shape), raw)
            for output, raw in zip(response.outputs, response.raw_output_contents, strict=True)
        ]


def run_alone(model: bytes, inputs: Sequence[Any]) -> list[Tensor]:
    """Run a model in ONNX Runtime without podium, with its usual settings but for one thread."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feed = {spec.name: np.asarray(x) for spec, x in zip(session.get_inputs(), inputs, strict=True)}
    outputs: list[Any] = list(session.run(None, feed))
    return outputs


def loads_alone(model: bytes) -> bool:
    """Whether ONNX Runtime without podium loads a model."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    try:
        ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception:  # noqa: BLE001 - its errors have no other base
        return False
    return True


def _as_array(x: Any) -> Any:
    """Some cases hold messages in place of arrays."""
    return numpy_helper.to_array(x) if isinstance(x, TensorProto) else x


def as_text(x: Any) -> Tensor:
    """Strings of a case, which are text or bytes, as text."""
    array = np.asarray(x, np.object_)
    text = np.empty(array.shape, np.object_)
    text.ravel()[:] = [e.decode() if isinstance(e, bytes) else str(e) for e in array.ravel()]
    return text


def difference(answers: Sequence[Tensor], expected: Sequence[Any], rtol: float, atol: float) -> str:
    """What is wrong with the answers to a case; empty when nothing is."""
    for answer, wanted in zip(answers, expected, strict=True):
        reference = np.asarray(wanted)
        if answer.dtype == np.object_:
            if answer.shape != reference.shape or answer.tolist() != as_text(reference).tolist():
                return f"{answer.tolist()} in place of {reference.tolist()}"
            continue
        if answer.dtype != reference.dtype:
            return f"{answer.dtype} in place of {reference.dtype}"
        try:
            np.testing.assert_allclose(_wide(answer), _wide(reference), rtol=rtol, atol=atol)
        except AssertionError as error:
            return str(error)
    return ""


def _wide(x: Tensor) -> Tensor:
    """A bfloat16 as float32, which numpy can compare."""
    return x.astype(np.float32) if x.dtype.name == "bfloat16" else x
