"""Packages with a step graph as they lie on disk."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, helper
from podium.v1 import model_manifest_pb2 as pb
from podium_server.runtime.session import Session

from tests.server.generation.networks import Builder, H, Network, V, step_manifest
from tests.server.packages import digest, seal


def run(file: bytes, *inputs: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Run a graph by itself."""
    return Session(file, providers=["CPUExecutionProvider"], num_threads=1).run(inputs)


def memory_encoder() -> bytes:
    """An encoder: the memory of a source is its tokens' embeddings."""
    b = Builder(3)
    b.node("Gather", [b.weight("embedding", V, H), "source"], "encoded_memory")
    source = ("source", TensorProto.INT64, ("batch", "source_time"))
    return b.file([source], [("encoded_memory", ("batch", "source_time", H))])


def mixing() -> Network:
    """A network whose rows feel one another: the state is less its mean over the batch."""
    b = Builder(4)
    b.weights["axis"] = np.array([0], np.int64)
    b.constant("time", 1)
    b.node("Gather", [b.weight("embedding", V, V), "token"], "x_BTV")
    b.node("ReduceSum", ["x_BTV", "time"], "x_BV", keepdims=0)
    b.node("Add", ["x_BV", "h"], "sum")
    b.node("ReduceMean", ["sum", "axis"], "mean", keepdims=1)
    b.node("Sub", ["sum", "mean"], "next_h")
    b.nodes.append(helper.make_node("Identity", ["next_h"], ["logits"]))
    token = ("token", TensorProto.INT64, ("batch", "time"))
    file = b.file([token, ("h", TensorProto.FLOAT, ("batch", V))], [("logits", ("batch", V)), ("next_h", ("batch", V))])
    return Network(file, b.weights, step_manifest([("h", ("batch", V))]))


def write_step_package(folder: Path, network: Network, *, spoil_golden: bool = False, **changes: Any) -> Path:
    """Write a version folder with a step graph, and an encoder where the manifest has one."""
    folder.mkdir(parents=True)
    (folder / "step.onnx").write_bytes(network.onnx)
    graphs = {graph.name: graph for graph in network.manifest.graphs}
    random = np.random.default_rng(6)
    step = graphs["step"]
    inputs: list[NDArray[Any]] = [random.integers(0, V, (2, 3))]
    for spec in step.inputs[1:]:
        shape = [axis.size or {"batch": 2}.get(axis.axis, 4) for axis in spec.shape]
        inputs.append(random.standard_normal(shape).astype(np.float32))
    golden = _case("step", step, inputs, run(network.onnx, *inputs))
    if "encoder" in graphs:
        (folder / "encoder.onnx").write_bytes(memory_encoder())
        source = [random.integers(0, V, (2, 4))]
        golden |= _case("encoder", graphs["encoder"], source, run(memory_encoder(), *source))
    if spoil_golden:
        golden["0/step/outputs/logits"] = golden["0/step/outputs/logits"] + 1
    np.savez_compressed(folder / "golden.npz", allow_pickle=False, **golden)
    fields: dict[str, Any] = {
        "graphs": network.manifest.graphs,
        "generation": network.manifest.generation,
        "files": [digest(path) for path in sorted(folder.iterdir())],
    }
    seal(folder, **(fields | changes))
    return folder


def _case(
    name: str, graph: pb.Graph, inputs: "list[NDArray[Any]]", outputs: "tuple[NDArray[Any], ...]"
) -> dict[str, NDArray[Any]]:
    fed = {f"0/{name}/inputs/{spec.name}": x for spec, x in zip(graph.inputs, inputs, strict=True)}
    return fed | {f"0/{name}/outputs/{spec.name}": x for spec, x in zip(graph.outputs, outputs, strict=True)}
