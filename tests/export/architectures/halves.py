"""What the tests of encoders and decoders share."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from torch import Tensor, nn


def state_of(**parts: nn.Module) -> dict[str, Tensor]:
    """Name the tensors of several networks as those of one that holds them."""
    return {f"{part}.{key}": tensor for part, network in parts.items() for key, tensor in network.state_dict().items()}


def run_graph(folder: Path, name: str, **inputs: Tensor | NDArray[Any]) -> Mapping[str, NDArray[Any]]:
    """Run one graph of a package."""
    session = onnxruntime.InferenceSession(folder / f"{name}.onnx", providers=["CPUExecutionProvider"])
    outputs = session.run(None, {key: np.asarray(array) for key, array in inputs.items()})
    return {port.name: np.asarray(array) for port, array in zip(session.get_outputs(), outputs, strict=True)}
