"""ONNX Runtime as the export uses it: one session, on CPU, with its signature in numpy's words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import onnxruntime as ort

from podium_export.errors import GraphError
from podium_export.trials import Array


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of a session.

    Attributes:
        name: its name in the graph.
        type: its type as ONNX Runtime prints it, such as "tensor(float)".
        shape: its axes: an int is a fixed length, a str names a dynamic axis, None is one without a name.
    """

    name: str
    type: str
    shape: tuple[int | str | None, ...]


class Session:
    """A loaded ONNX file."""

    def __init__(self, path: Path, *, optimized: bool = True) -> None:
        """Load it.

        Raises:
            GraphError: ONNX Runtime does not load the file.
        """
        options = ort.SessionOptions()
        options.log_severity_level = 4
        if not optimized:
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            self._session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise GraphError(
                f"{path.name}: ONNX Runtime {ort.__version__} does not load it: {clean(str(error))}"
            ) from error
        self.inputs = tuple(_port(port) for port in self._session.get_inputs())
        self.outputs = tuple(_port(port) for port in self._session.get_outputs())

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Run it on inputs in the graph's order; whatever ONNX Runtime raises comes through."""
        feed = {port.name: array for port, array in zip(self.inputs, inputs, strict=True)}
        return cast("list[Array]", self._session.run(None, feed))


def clean(message: str) -> str:
    """Take the status code and the places in ONNX Runtime's own source out of its message, and its line breaks."""
    message = re.sub(r"\[ONNXRuntimeError\] : \d+ : \w+ : ", "", message)
    message = re.sub(r"/\S+\.(?:cc|h):\d+ (?:\S.*?::.*?\)(?:::<lambda\(\)>)? )?", "", message)
    return " ".join(message.split())


def _port(port: Any) -> Port:
    shape = tuple(axis if isinstance(axis, int | str) else None for axis in port.shape or ())
    return Port(port.name, port.type, shape)
