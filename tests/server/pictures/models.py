"""Small real picture models, whose answers follow from a formula: a latent's numbers are the picture's.

All take or give pictures of 2×2 grey pixels, 0 … 1, and latents of four dimensions, unless they say otherwise.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper
from podium.v1 import image_pb2, tensor_pb2
from podium.v1 import model_manifest_pb2 as pb

from tests.server.packages import seal

Axes = Sequence[int | str]
Tensors = Mapping[str, tuple[Axes, int]]  # shape and element type by name

F32, I64 = TensorProto.FLOAT, TensorProto.INT64
_TYPES: Mapping[int, tensor_pb2.ElementType] = {
    F32: tensor_pb2.ELEMENT_TYPE_FLOAT32,
    I64: tensor_pb2.ELEMENT_TYPE_INT64,
    TensorProto.BOOL: tensor_pb2.ELEMENT_TYPE_BOOL,
}
PICTURE: Tensors = {"image": (("batch", 1, 2, 2), F32)}
LATENT: Tensors = {"latent": (("batch", 4), F32)}

ROWS = np.array([[0.0, 0.25, 0.5, 1.0], [1.0, 0.0, 0.75, 0.125], [0.5, 0.5, 0.0, 0.25]], np.float32)
GRAY_OUTPUT = pb.ImageOutput(
    low=0.0, high=1.0, color_mode=image_pb2.COLOR_MODE_GRAY, layout=image_pb2.IMAGE_LAYOUT_NCHW
)
EXACT = image_pb2.ImagePreprocessing(
    height=2,
    width=2,
    color_mode=image_pb2.COLOR_MODE_GRAY,
    resize_mode=image_pb2.RESIZE_MODE_EXACT,
    rescale=1 / 255,
    layout=image_pb2.IMAGE_LAYOUT_NCHW,
)
DIGITS = ("zero", "one", "two", "three")


def normal(size: int) -> pb.LatentPart:
    """Dimensions with a normal prior."""
    return pb.LatentPart(size=size, normal=pb.NormalPrior())


def uniform(size: int, low: float, high: float) -> pb.LatentPart:
    """Dimensions with a uniform prior."""
    return pb.LatentPart(size=size, uniform=pb.UniformPrior(low=low, high=high))


def one_hot(size: int) -> pb.LatentPart:
    """A one-hot part."""
    return pb.LatentPart(size=size, one_hot=pb.OneHotPrior())


class Graph:
    """An ONNX graph with examples of what it gives."""

    def __init__(
        self,
        nodes: Sequence[onnx.NodeProto],
        inputs: Tensors,
        outputs: Tensors,
        golden: Mapping[str, NDArray[Any]],
        weights: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        self.inputs, self.outputs, self.golden = inputs, outputs, golden
        graph = helper.make_graph(
            list(nodes),
            "graph",
            [helper.make_tensor_value_info(name, kind, list(axes)) for name, (axes, kind) in inputs.items()],
            [helper.make_tensor_value_info(name, kind, list(axes)) for name, (axes, kind) in outputs.items()],
            [onnx.numpy_helper.from_array(array, name) for name, array in (weights or {}).items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        onnx.checker.check_model(model)
        self.bytes = bytes(model.SerializeToString())

    def entry(self, name: str) -> pb.Graph:
        """What a manifest says of it."""
        return pb.Graph(
            name=name,
            file=f"{name}.onnx",
            inputs=[_spec(*item) for item in self.inputs.items()],
            outputs=[_spec(*item) for item in self.outputs.items()],
            batch_axis="batch",
        )


def _spec(name: str, of: tuple[Axes, int]) -> tensor_pb2.TensorSpec:
    axes, kind = of
    shape = [tensor_pb2.Dimension(size=n) if isinstance(n, int) else tensor_pb2.Dimension(axis=n) for n in axes]
    return tensor_pb2.TensorSpec(name=name, element_type=_TYPES[kind], shape=shape)


def write_model(folder: Path, graphs: Mapping[str, Graph], **manifest: Any) -> None:
    """Write a version folder."""
    folder.mkdir(parents=True)
    golden: dict[str, NDArray[Any]] = {}
    for name, graph in graphs.items():
        (folder / f"{name}.onnx").write_bytes(graph.bytes)
        for tensor, values in graph.golden.items():
            side = "inputs" if tensor in graph.inputs else "outputs"
            golden[f"0/{name}/{side}/{tensor}"] = values
    np.savez_compressed(folder / "golden.npz", allow_pickle=False, **golden)
    fields: dict[str, Any] = {
        "task": pb.TASK_IMAGE_GENERATION,
        "graphs": [graph.entry(name) for name, graph in graphs.items()],
        "image_output": GRAY_OUTPUT,
    }
    seal(folder, **(fields | manifest))


def plain_decoder() -> Graph:
    """image = latent."""
    nodes = [helper.make_node("Reshape", ["latent", "shape"], ["image"])]
    golden = {"latent": ROWS, "image": ROWS.reshape(-1, 1, 2, 2)}
    return Graph(nodes, LATENT, PICTURE, golden, {"shape": np.array([-1, 1, 2, 2])})


def label_decoder() -> Graph:
    """image = latent + label / 8."""
    nodes = [
        helper.make_node("Cast", ["label"], ["a"], to=F32),
        helper.make_node("Mul", ["a", "eighth"], ["b"]),
        helper.make_node("Unsqueeze", ["b", "one"], ["c"]),
        helper.make_node("Add", ["latent", "c"], ["d"]),
        helper.make_node("Reshape", ["d", "shape"], ["image"]),
    ]
    weights = {"shape": np.array([-1, 1, 2, 2]), "one": np.array([1]), "eighth": np.array(0.125, np.float32)}
    label = np.array([0, 1, 3])
    image = (ROWS + label[:, None].astype(np.float32) / 8).reshape(-1, 1, 2, 2)
    golden = {"latent": ROWS, "label": label, "image": image}
    return Graph(nodes, {**LATENT, "label": (("batch",), I64)}, PICTURE, golden, weights)


def encoder(*, variational: bool = True) -> Graph:
    """mean = image, log_variance = image / 2 - 1."""
    nodes = [
        helper.make_node("Reshape", ["image", "shape"], ["mean"]),
        helper.make_node("Mul", ["mean", "half"], ["a"]),
        helper.make_node("Sub", ["a", "one"], ["log_variance"]),
    ]
    weights: dict[str, NDArray[Any]] = {"shape": np.array([-1, 4])}
    golden: dict[str, NDArray[Any]] = {"image": ROWS.reshape(-1, 1, 2, 2), "mean": ROWS}
    outputs: Tensors = {"mean": (("batch", 4), F32)}
    if variational:
        weights |= {"half": np.array(0.5, np.float32), "one": np.array(1.0, np.float32)}
        golden["log_variance"] = ROWS / 2 - 1
        outputs = {**outputs, "log_variance": (("batch", 4), F32)}
    return Graph(nodes if variational else nodes[:1], PICTURE, outputs, golden, weights)


def halving() -> Graph:
    """picture = image / 2, in one graph."""
    nodes = [helper.make_node("Mul", ["image", "half"], ["picture"])]
    image = ROWS.reshape(-1, 1, 2, 2)
    outputs: Tensors = {"picture": PICTURE["image"]}
    return Graph(nodes, PICTURE, outputs, {"image": image, "picture": image / 2}, {"half": np.array(0.5, np.float32)})


def painter(size: int = 16, side: int = 28, channels: int = 1) -> Graph:
    """image = sigmoid(W2 tanh(W1 latent)), of random weights: varied pictures of any size."""
    random = np.random.default_rng(7)
    w1 = random.standard_normal((size, 64)).astype(np.float32) / 4
    w2 = random.standard_normal((64, channels * side * side)).astype(np.float32) / 4
    nodes = [
        helper.make_node("MatMul", ["latent", "w1"], ["a"]),
        helper.make_node("Tanh", ["a"], ["b"]),
        helper.make_node("MatMul", ["b", "w2"], ["c"]),
        helper.make_node("Sigmoid", ["c"], ["d"]),
        helper.make_node("Reshape", ["d", "shape"], ["image"]),
    ]
    latent = random.standard_normal((3, size)).astype(np.float32)
    image = 1 / (1 + np.exp(-(np.tanh(latent @ w1) @ w2))).reshape(-1, channels, side, side)
    return Graph(
        nodes,
        {"latent": (("batch", size), F32)},
        {"image": (("batch", channels, side, side), F32)},
        {"latent": latent, "image": image},
        {"w1": w1, "w2": w2, "shape": np.array([-1, channels, side, side])},
    )
