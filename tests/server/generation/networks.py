"""Small real step graphs with random weights, written with onnx.helper, and what a manifest says of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper
from podium.v1 import model_manifest_pb2 as pb
from podium.v1 import tensor_pb2

Shape = tuple[int | str, ...]

V = 11
H = 8
S = 3


@dataclass(frozen=True, slots=True)
class Network:
    """One step graph: its file, its weights, and the manifest of a package that has it.

    Attributes:
        onnx: the file.
        weights: by name.
        manifest: with graphs and generation.
    """

    onnx: bytes
    weights: dict[str, NDArray[Any]]
    manifest: pb.ModelManifest


class Builder:
    """Puts nodes, weights and tensors of a graph together."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self.nodes: list[onnx.NodeProto] = []
        self.weights: dict[str, NDArray[Any]] = {}

    def weight(self, name: str, *shape: int, scale: float = 1.0) -> str:
        """A random weight."""
        self.weights[name] = (self._random.standard_normal(shape) * scale).astype(np.float32)
        return name

    def constant(self, name: str, *values: int) -> str:
        """A list of whole numbers."""
        self.weights[name] = np.array(values, np.int64)
        return name

    def node(self, kind: str, inputs: Sequence[str], *outputs: str, **attributes: Any) -> str:
        """Append a node; its first output's name."""
        self.nodes.append(helper.make_node(kind, inputs, outputs, **attributes))
        return next(name for name in outputs if name)

    def file(self, inputs: Sequence[tuple[str, int, Shape]], outputs: Sequence[tuple[str, Shape]]) -> bytes:
        """The ONNX file."""
        graph = helper.make_graph(
            self.nodes,
            "step",
            [helper.make_tensor_value_info(*each) for each in inputs],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs],
            [onnx.numpy_helper.from_array(array, name) for name, array in self.weights.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())


def spec(name: str, shape: Shape, element: int = tensor_pb2.ELEMENT_TYPE_FLOAT32) -> tensor_pb2.TensorSpec:
    """What a manifest says of a tensor."""
    axes = [tensor_pb2.Dimension(size=n) if isinstance(n, int) else tensor_pb2.Dimension(axis=n) for n in shape]
    return tensor_pb2.TensorSpec(name=name, element_type=element, shape=axes)  # type: ignore[arg-type]


def step_manifest(
    states: Sequence[tuple[str, Shape]],
    contexts: Sequence[tuple[str, Shape]] = (),
    *,
    vocabulary: int = V,
    end_ids: Sequence[int] = (),
    suppressed_ids: Sequence[int] = (),
) -> pb.ModelManifest:
    """A manifest with the graph "step", and an encoder where there are contexts."""
    token = spec("token", ("batch", "time"), tensor_pb2.ELEMENT_TYPE_INT64)
    step = pb.Graph(
        name="step",
        file="step.onnx",
        batch_axis="batch",
        inputs=[token, *(spec(*each) for each in (*states, *contexts))],
        outputs=[spec("logits", ("batch", vocabulary)), *(spec(f"next_{name}", shape) for name, shape in states)],
    )
    graphs = [step]
    if contexts:
        outputs = [spec(f"encoded_{name}", shape) for name, shape in contexts]
        source = spec("source", ("batch", "source_time"), tensor_pb2.ELEMENT_TYPE_INT64)
        graphs.append(
            pb.Graph(name="encoder", file="encoder.onnx", batch_axis="batch", inputs=[source], outputs=outputs)
        )
    return pb.ModelManifest(
        task=pb.TASK_TEXT_GENERATION,
        graphs=graphs,
        generation=pb.Generation(
            states=[pb.StepState(input=name, output=f"next_{name}") for name, _ in states],
            contexts=[pb.StepContext(input=name, encoder_output=f"encoded_{name}") for name, _ in contexts],
            end_ids=end_ids,
            suppressed_ids=suppressed_ids,
        ),
    )


def lstm(
    *,
    vocabulary: int = V,
    hidden: int = H,
    layers: int = 2,
    end_ids: Sequence[int] = (),
    suppressed_ids: Sequence[int] = (),
    sharpness: float = 3.0,
) -> Network:
    """A character LSTM: one state a layer and kind, the batch on axis 0."""
    b = Builder(1)
    b.constant("first", 0)
    b.constant("second", 1)
    b.node("Transpose", ["token"], "token_TB", perm=[1, 0])
    x = b.node("Gather", [b.weight("embedding", vocabulary, hidden), "token_TB"], "x0")
    states: list[tuple[str, Shape]] = []
    for i in range(layers):
        for kind in "hc":
            states.append((f"{kind}{i}", ("batch", hidden)))
            b.node("Unsqueeze", [f"{kind}{i}", "first"], f"{kind}{i}_1BH")
        scale = hidden**-0.5
        w = b.weight(f"w{i}", 1, 4 * hidden, hidden, scale=scale)
        r = b.weight(f"r{i}", 1, 4 * hidden, hidden, scale=scale)
        inputs = [x, w, r, b.weight(f"b{i}", 1, 8 * hidden, scale=scale), "", f"h{i}_1BH", f"c{i}_1BH"]
        b.node("LSTM", inputs, f"y{i}", f"after_h{i}", f"after_c{i}", hidden_size=hidden)
        x = b.node("Squeeze", [f"y{i}", "second"], f"x{i + 1}")
        for kind in "hc":
            b.node("Squeeze", [f"after_{kind}{i}", "first"], f"next_{kind}{i}")
    b.weight("out", hidden, vocabulary, scale=sharpness * hidden**-0.5)
    b.node("MatMul", [f"next_h{layers - 1}", "out"], "logits")
    inputs_: list[tuple[str, int, Shape]] = [("token", TensorProto.INT64, ("batch", "time"))]
    inputs_ += [(name, TensorProto.FLOAT, shape) for name, shape in states]
    file = b.file(inputs_, [("logits", ("batch", vocabulary)), *((f"next_{name}", shape) for name, shape in states)])
    manifest = step_manifest(states, vocabulary=vocabulary, end_ids=end_ids, suppressed_ids=suppressed_ids)
    return Network(file, b.weights, manifest)


def attentive_gru(*, end_ids: Sequence[int] = ()) -> Network:
    """A GRU whose state is (layer, batch, hidden), and that looks at a memory of any length: the batch on axis 1."""
    b = Builder(2)
    b.constant("first", 0)
    b.constant("second", 1)
    b.constant("last", 2)
    b.node("Transpose", ["token"], "token_TB", perm=[1, 0])
    x = b.node("Gather", [b.weight("embedding", V, H), "token_TB"], "x")
    b.node("GRU", [x, b.weight("w", 1, 3 * H, H), b.weight("r", 1, 3 * H, H), b.weight("b", 1, 6 * H), "", "h"],
           "y", "next_h", hidden_size=H, linear_before_reset=1)  # fmt: skip
    b.node("Squeeze", ["next_h", "first"], "h_BH")
    b.node("Unsqueeze", ["h_BH", "last"], "h_BH1")
    b.node("MatMul", ["memory", "h_BH1"], "energy_BS1")
    b.node("Softmax", ["energy_BS1"], "weight_BS1", axis=1)
    b.node("Mul", ["memory", "weight_BS1"], "weighted_BSH")
    b.node("ReduceSum", ["weighted_BSH", "second"], "seen_BH", keepdims=0)
    b.node("Concat", ["h_BH", "seen_BH"], "both", axis=1)
    b.node("MatMul", ["both", b.weight("out", 2 * H, V)], "logits")
    states: list[tuple[str, Shape]] = [("h", (1, "batch", H))]
    contexts: list[tuple[str, Shape]] = [("memory", ("batch", "source_time", H))]
    inputs: list[tuple[str, int, Shape]] = [("token", TensorProto.INT64, ("batch", "time"))]
    inputs += [(name, TensorProto.FLOAT, shape) for name, shape in (*states, *contexts)]
    file = b.file(inputs, [("logits", ("batch", V)), ("next_h", (1, "batch", H))])
    return Network(file, b.weights, step_manifest(states, contexts, end_ids=end_ids))
