"""Small real packages: ONNX files of a node or two, with manifests and golden examples as an export writes them."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf import json_format
from numpy.typing import NDArray
from onnx import TensorProto, helper
from podium.v1 import model_manifest_pb2 as pb
from podium.v1 import tensor_pb2

Axes = Sequence[int | str | None]

GOLDEN_X = np.arange(9, dtype=np.float32).reshape(3, 3)


def onnx_bytes(
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Axes],
    outputs: Mapping[str, Axes],
    weights: Mapping[str, NDArray[Any]] | None = None,
    element_type: int = TensorProto.FLOAT,
) -> bytes:
    """Make an ONNX file whose inputs and outputs are all of one element type."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, element_type, axes) for name, axes in inputs.items()],
        [helper.make_tensor_value_info(name, element_type, axes) for name, axes in outputs.items()],
        [onnx.numpy_helper.from_array(array, name) for name, array in (weights or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def scaled(factor: float = 2.0, axes: Axes = ("batch", 3)) -> bytes:
    """y = factor · x."""
    nodes = [helper.make_node("Mul", ["x", "factor"], ["y"])]
    return onnx_bytes(nodes, {"x": axes}, {"y": axes}, {"factor": np.array(factor, np.float32)})


def centred() -> bytes:
    """y = x minus the mean over the batch: rows that feel their batch-mates."""
    nodes = [
        helper.make_node("ReduceMean", ["x", "axis"], ["mean"], keepdims=1),
        helper.make_node("Sub", ["x", "mean"], ["y"]),
    ]
    axes = ("batch", 3)
    return onnx_bytes(nodes, {"x": axes}, {"y": axes}, {"axis": np.array([0])})


def small_lenet() -> bytes:
    """A LeNet-like classifier of (batch, 1, 12, 12) into ten classes, with random weights."""
    random = np.random.default_rng(5)
    shapes = {"conv1": (6, 1, 5, 5), "conv2": (16, 6, 3, 3), "linear1": (16, 32), "linear2": (32, 10)}
    weights: dict[str, NDArray[Any]] = {
        name: random.standard_normal(shape).astype(np.float32) / 4 for name, shape in shapes.items()
    }
    nodes = [
        helper.make_node("Conv", ["x", "conv1"], ["a"]),
        helper.make_node("Tanh", ["a"], ["b"]),
        helper.make_node("AveragePool", ["b"], ["c"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["c", "conv2"], ["d"]),
        helper.make_node("Tanh", ["d"], ["e"]),
        helper.make_node("AveragePool", ["e"], ["f"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["f"], ["g"]),
        helper.make_node("Gemm", ["g", "linear1"], ["h"]),
        helper.make_node("Tanh", ["h"], ["i"]),
        helper.make_node("Gemm", ["i", "linear2"], ["y"]),
    ]
    return onnx_bytes(nodes, {"x": ("batch", 1, 12, 12)}, {"y": ("batch", 10)}, weights)


def write_onnx(folder: Path, model: bytes) -> Path:
    """Write a version folder that is one ONNX file alone."""
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(model)
    return folder


def write_package(
    folder: Path,
    model: bytes | None = None,
    *,
    golden: Mapping[str, NDArray[Any]] | None = None,
    manifest: Mapping[str, Any] | None = None,
) -> Path:
    """Write a version folder with a manifest.

    Args:
        folder: the version's folder.
        model: the ONNX file; None for y = 2x.
        golden: the golden examples by key; None for one of three rows that agrees with y = 2x.
        manifest: fields of the manifest that are to be otherwise.
    """
    write_onnx(folder, scaled() if model is None else model)
    if golden is None:
        golden = {"0/model/inputs/x": GOLDEN_X, "0/model/outputs/y": 2 * GOLDEN_X}
    np.savez_compressed(folder / "golden.npz", allow_pickle=False, **golden)
    seal(folder, **(manifest or {}))
    return folder


def seal(folder: Path, **changes: Any) -> None:
    """Write the manifest for the files as they lie there now."""
    fields: dict[str, Any] = {
        "format": 1,
        "task": pb.TASK_TENSOR,
        "graphs": [graph()],
        "parity": pb.Parity(reference="pytorch", absolute_tolerance=1e-5, relative_tolerance=1e-5),
        "files": [digest(path) for path in sorted(folder.iterdir()) if path.name != "model.json"],
    }
    manifest = pb.ModelManifest(**(fields | changes))
    (folder / "model.json").write_text(json_format.MessageToJson(manifest))


def graph(
    name: str = "model", file: str = "model.onnx", batch_axis: str = "batch", axes: Axes = ("batch", 3)
) -> pb.Graph:
    """A graph x -> y of one shape."""
    shape = [tensor_pb2.Dimension(size=n) if isinstance(n, int) else tensor_pb2.Dimension(axis=n or "?") for n in axes]
    fp32 = tensor_pb2.ELEMENT_TYPE_FLOAT32
    return pb.Graph(
        name=name,
        file=file,
        inputs=[tensor_pb2.TensorSpec(name="x", element_type=fp32, shape=shape)],
        outputs=[tensor_pb2.TensorSpec(name="y", element_type=fp32, shape=shape)],
        batch_axis=batch_axis,
    )


def digest(path: Path) -> pb.FileDigest:
    """What a manifest says of a file."""
    data = path.read_bytes()
    return pb.FileDigest(name=path.name, size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
