"""The one place that runs graphs: ONNX Runtime, set up for a server.

Decisions, measured with ONNX Runtime 1.32 over 2,000 varied shapes of a five-layer convolution:

- memory patterns are off: with them memory grows with every shape seen (53 MB against 43), and no run is quicker;
- the arena stays on and is not shrunk after runs: what is given back is asked for again in pieces that fit worse,
  and the process grew to 750 MB;
- threads do not spin: a thread that waits by burning a core takes it from another model.
"""

import ctypes
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import ml_dtypes
import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from podium_server.elements import BY_ONNX
from podium_server.errors import InvalidArgument, LoadFailed, RunFailed
from podium_server.runtime.opening import open_session
from podium_server.signature import Signature, TensorSpec, Uncarried

Tensor: TypeAlias = NDArray[Any]

RUNTIME = f"onnxruntime {ort.__version__}"

_BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
_BFLOAT16_ONNX = 16  # onnx.TensorProto.BFLOAT16
_FATAL = 4  # of ONNX Runtime's log levels: what goes wrong is raised, and nothing is printed


class Session:
    """One graph on one execution provider; `run` may be called by several threads at a time.

    Attributes:
        signature: read from the graph; `batched` is False, since only the caller can know whether rows are
            independent: see `shares_batch_axis`.
        provider: the execution provider that runs what it can of the graph; the CPU runs the rest.

    Args:
        model: the ONNX file, or its bytes. A graph with weights in files beside it needs the file.
        providers: execution providers by preference, each with its options if it has any.
        num_threads: threads that one run uses, 1 or more.

    Raises:
        LoadFailed: ONNX Runtime refuses the graph, or runs without the first provider.
    """

    def __init__(
        self,
        model: bytes | Path,
        *,
        providers: Sequence[str | tuple[str, Mapping[str, str]]],
        num_threads: int,
    ) -> None:
        asked = [(p, {}) if isinstance(p, str) else (p[0], dict(p[1])) for p in providers]
        self._session = _open(model, asked, num_threads)
        self.provider: str = asked[0][0]
        self.signature = read_signature(self._session)
        self._input_names = [i.name for i in self._session.get_inputs()]
        self._output_names = [o.name for o in self._session.get_outputs()]
        self._strings_in = [i.name for i in self.signature.inputs if i.element.is_string]
        self._bfloat16_in = any(i.element.dtype == _BFLOAT16 for i in self.signature.inputs)
        self._bfloat16_out = any(o.element.dtype == _BFLOAT16 for o in self.signature.outputs)

    def run(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Run the graph once.

        Args:
            inputs: in the signature's order and of its element types; strings are arrays of `str` or UTF-8 `bytes`.

        Returns:
            The outputs in the signature's order; strings are arrays of `str`. Their memory is the caller's.

        Raises:
            RunFailed: the execution provider refused or failed; the message is its own.
            InvalidArgument: a string is not UTF-8, which ONNX's strings are.
        """
        feed = dict(zip(self._input_names, inputs, strict=True))
        for name in self._strings_in:
            feed[name] = _as_text(name, feed[name])
        try:
            if self._bfloat16_out:
                values = {name: _as_value(x) for name, x in feed.items()}
                return tuple(map(_from_value, self._session.run_with_ort_values(self._output_names, values)))
            if self._bfloat16_in:
                feed = {name: _as_value(x) if x.dtype == _BFLOAT16 else x for name, x in feed.items()}
            outputs: Sequence[Any] = self._session.run(self._output_names, feed)
            return tuple(outputs)
        except Exception as error:  # ONNX Runtime's errors have no other base
            raise RunFailed(f"the model failed on this input: {clean(str(error))}") from error


def shares_batch_axis(signature: Signature) -> bool:
    """Tell whether axis 0 of every input and output is dynamic and has the same name.

    Without it a graph cannot be batched; with it, rows must still be shown to be independent.
    """
    if not signature.inputs or not signature.outputs or signature.uncarried:
        return False
    axes = {spec.shape[0] if spec.shape else None for spec in (*signature.inputs, *signature.outputs)}
    return len(axes) == 1 and isinstance(axes.pop(), str)


def read_signature(session: ort.InferenceSession) -> Signature:
    """Read what goes in and out of a graph; `batched` is False."""
    uncarried: list[Uncarried] = []
    inputs = _read_specs(session.get_inputs(), uncarried)
    outputs = _read_specs(session.get_outputs(), uncarried)
    if any(i.element.is_string for i in inputs):
        # ONNX Runtime's Python interface takes strings by one way only, and gives bfloat16 by another.
        uncarried += [Uncarried(o.name, "tensor(bfloat16)") for o in outputs if o.element.dtype == _BFLOAT16]
    return Signature(inputs, outputs, batched=False, uncarried=tuple(uncarried))


def clean(message: str) -> str:
    """Take status codes, places in ONNX Runtime's source and line breaks out of its message."""
    message = re.sub(r"\[ONNXRuntimeError\] : \d+ : \w+ : (?:Load model from .*? failed:)?", "", message)
    message = re.sub(
        r"\S+\.(?:cc|cpp|cu|cuh|h|hpp):\d+ (?:[^()]*::[^()]*\(.*?\)(?: const)?(?:::<lambda\(.*?\)>)? )?", "", message
    )
    return " ".join(message.split())


def _open(model: bytes | Path, providers: list[tuple[str, dict[str, str]]], num_threads: int) -> ort.InferenceSession:
    """Create ONNX Runtime's session as a server wants it."""
    if providers[0][0] not in (available := ort.get_available_providers()):
        raise LoadFailed(f"this ONNX Runtime has no {providers[0][0]}; it has {', '.join(available)}")
    options = ort.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.enable_mem_pattern = False
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = _FATAL
    source = model if isinstance(model, bytes) else str(model)
    try:
        return open_session(source, providers, options)
    except Exception as error:  # ONNX Runtime's errors have no other base
        reason = str(error) if isinstance(model, bytes) else str(error).replace(str(model), model.name)
        raise LoadFailed(f"ONNX Runtime {ort.__version__} cannot load the graph: {clean(reason)}") from error


def _read_specs(values: Sequence[Any], uncarried: list[Uncarried]) -> tuple[TensorSpec, ...]:
    """Read the tensors that can be carried; append the rest to `uncarried`."""
    specs: list[TensorSpec] = []
    for value in values:
        match = re.fullmatch(r"tensor\((\w+)\)", value.type)
        element = BY_ONNX.get(match[1]) if match else None
        if element is None:
            uncarried.append(Uncarried(value.name, value.type))
        else:
            specs.append(TensorSpec(value.name, element, tuple(value.shape)))
    return tuple(specs)


def _as_text(name: str, x: Tensor) -> Tensor:
    """Decode elements that are bytes, of which ONNX Runtime would take Python's notation for the text."""
    flat = x.ravel().tolist()
    if not any(isinstance(element, bytes) for element in flat):
        return x
    text = np.empty(x.shape, np.object_)
    try:
        text.ravel()[:] = [e.decode() if isinstance(e, bytes) else e for e in flat]
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"input '{name}' must hold UTF-8 text: {error}", name) from error
    return text


def _as_value(x: Tensor) -> ort.OrtValue:
    """Wrap an array without copying it, which must outlive the value."""
    x = np.require(x, requirements="C")  # not ascontiguousarray, which makes scalars one-dimensional
    if x.dtype == _BFLOAT16:
        # numpy has no bfloat16 of its own that ONNX Runtime would know, so it gets the bits and the type's number.
        return ort.OrtValue.ortvalue_from_numpy_with_onnx_type(x.view(np.uint16), _BFLOAT16_ONNX)
    return ort.OrtValue.ortvalue_from_numpy(x)


def _from_value(value: ort.OrtValue) -> Tensor:
    """Copy an output out of ONNX Runtime's memory."""
    if value.element_type() != _BFLOAT16_ONNX:
        array: Tensor = value.numpy()
        return array
    if value.device_name() != "cpu":
        raise RuntimeError(f"a bfloat16 output stayed on {value.device_name()}")
    size = int(np.prod(value.shape())) * _BFLOAT16.itemsize
    data = ctypes.string_at(value.data_ptr(), size) if size else b""
    return np.frombuffer(data, _BFLOAT16).reshape(value.shape())
