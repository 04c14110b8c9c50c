"""A graph that computes something else than its network is never published."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from podium_export import exporting
from podium_export.architecture import GraphBlueprint, InputSpec, Tolerance
from podium_export.assembling import Published, Source
from podium_export.errors import ExportError, FrozenAxis, NetworkError, ParityFailure
from podium_export.exporting import export_network
from podium_export.golden import FILE
from podium_export.package import Destination
from podium_export.rules import difference_of, replay_tolerance
from podium_export.trace import TracedGraph, trace
from podium_export.trials import Answered, Trial
from torch import Tensor, nn

from tests.export.networks import affine_graph, batch_mixing, blueprint, frozen_time_graph, step_graph

SOURCE = Source("tests.networks:make")
EXACT = Tolerance(1e-5, 1e-4)


def _export(repository: Path, *graphs: GraphBlueprint) -> Published:
    return export_network(blueprint(*graphs), SOURCE, Destination(repository, "net"))


def _nothing_published(repository: Path) -> bool:
    return list(repository.iterdir()) == []


def test_every_size_and_kind_of_input_is_compared(repository: Path) -> None:
    """Three or more batch sizes, none the traced 37, each with random, zero and large inputs, and golden ones."""
    published = _export(repository, step_graph())
    assert all(comparison.agrees for comparison in published.comparisons)
    cases = published.manifest.parity.cases
    for output in ("logits", "next_h", "next_c"):
        for kind in ("random", "zeros", "large", "golden"):
            sizes = {case.axes["batch"] for case in cases if case.output == output and case.inputs == kind}
            assert len(sizes) >= 3
            assert 37 not in sizes
    assert published.manifest.parity.reference == "pytorch"


def test_golden_examples_are_the_networks_own_answers(repository: Path) -> None:
    """golden.npz holds, under the keys that the server reads, inputs and what PyTorch gives for them."""
    graph = step_graph()
    path = _export(repository, graph).path
    with np.load(path / FILE, allow_pickle=False) as arrays:
        stored = {key: arrays[key] for key in arrays.files}
    cases = {key.split("/")[0] for key in stored}
    assert cases == {"0", "1", "2"}
    assert len({stored[f"{case}/step/inputs/token"].shape for case in cases}) == 3
    for case in cases:
        inputs = [torch.from_numpy(stored[f"{case}/step/inputs/{name}"]) for name in ("token", "h", "c")]
        with torch.no_grad():
            expected = graph.module.eval()(*inputs)
        for name, tensor in zip(("logits", "next_h", "next_c"), expected, strict=True):
            np.testing.assert_array_equal(stored[f"{case}/step/outputs/{name}"], tensor.numpy())
    assert (path / FILE).stat().st_size < 2_000_000


def test_golden_examples_with_big_outputs_stay_few(repository: Path) -> None:
    """A network that makes much of little keeps one example, and the file stays well under 2 MB."""

    class Wide(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.repeat(1, 40_000)

    graph = GraphBlueprint(Wide(), (InputSpec("x", "float32", ("batch", 8)),), ("y",))
    file = _export(repository, graph).path / FILE
    with np.load(file) as arrays:
        assert {key.split("/")[0] for key in arrays.files} == {"0"}
    assert file.stat().st_size < 1_500_000


def _with_an_edited_weight(by: float) -> Callable[[GraphBlueprint], TracedGraph]:
    def tampered(graph: GraphBlueprint) -> TracedGraph:
        traced = trace(graph)
        model = onnx.ModelProto()
        model.CopyFrom(traced.model)
        largest = max(model.graph.initializer, key=lambda tensor: int(np.prod(tensor.dims)))
        values = numpy_helper.to_array(largest).copy()
        values.flat[0] += by
        largest.CopyFrom(numpy_helper.from_array(values, largest.name))
        return TracedGraph(model, traced.lengths)

    return tampered


def test_one_wrong_weight_is_enough_to_refuse(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report names output, size and largest difference; nothing is left in the repository."""
    monkeypatch.setattr(exporting, "trace", _with_an_edited_weight(0.01))
    with pytest.raises(
        ParityFailure, match=r'output "y" at batch \d, \w+ inputs: the largest difference from PyTorch is'
    ) as caught:
        _export(repository, affine_graph())
    assert any(not comparison.agrees for comparison in caught.value.comparisons)
    assert _nothing_published(repository)


def test_a_frozen_axis_is_refused_with_the_node_that_holds_it(repository: Path) -> None:
    """A graph that runs at the traced length alone is refused with output or size, node and constant."""
    with pytest.raises(
        FrozenAxis, match=r'time 5, random inputs(.|\n)*axis "time", traced at 41: node "\w+" \(Reshape\)'
    ):
        _export(repository, frozen_time_graph())
    assert _nothing_published(repository)


def test_rows_that_mix_are_refused(repository: Path) -> None:
    """An answer that depends on its batch-mates breaks the promise of the same bytes."""
    with pytest.raises(ParityFailure, match=r'output "y": row 0 of batch 3.*from the same row run alone'):
        _export(repository, affine_graph(batch_mixing))
    assert _nothing_published(repository)


def test_a_diverged_network_is_refused(repository: Path) -> None:
    """NaN on ordinary inputs is the network's own fault, and is said to be."""

    def diverged(x: Tensor, y: Tensor) -> Tensor:
        return torch.log(y - 1e6)

    with pytest.raises(NetworkError, match="gives NaN or infinity on ordinary inputs"):
        _export(repository, affine_graph(diverged))
    assert _nothing_published(repository)


def test_rounding_at_large_inputs_is_told_from_error(repository: Path) -> None:
    """A softmax over logits of thousands turns rounding into other probabilities; double precision arbitrates."""

    class Sharp(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.layers = nn.Sequential(
                nn.Linear(64, 256), nn.Tanh(), nn.Linear(256, 256), nn.Tanh(), nn.Linear(256, 9)
            )

        def forward(self, x: Tensor) -> Tensor:
            return torch.softmax(self.layers(x) * 50, -1)

    graph = GraphBlueprint(Sharp(), (InputSpec("x", "float32", ("batch", 64)),), ("y",))
    assert _export(repository, graph).path.is_dir()


def test_weights_beyond_protobufs_limit_lie_beside_the_graph(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the limit brought down to nothing the graph still computes, from two files that the manifest lists."""
    monkeypatch.setattr(exporting, "EXTERNAL_DATA_BYTES", 0)
    published = _export(repository, step_graph())
    names = {entry.name for entry in published.manifest.files}
    assert names == {"step.onnx", "step.onnx.data", "golden.npz"}
    assert all(comparison.agrees for comparison in published.comparisons)


def test_several_graphs_make_one_package(repository: Path) -> None:
    """Each graph has its file, its golden examples and its comparisons."""
    published = _export(repository, affine_graph(name="encoder"), affine_graph(name="decoder"))
    assert {path.name for path in published.path.iterdir()} == {
        "encoder.onnx",
        "decoder.onnx",
        "golden.npz",
        "model.json",
    }
    assert {case.graph for case in published.manifest.parity.cases} == {"encoder", "decoder"}


@pytest.mark.parametrize(
    ("actual", "expected", "agrees"),
    [
        ([1.0, 2.0], [1.0, 2.0], True),
        ([1.00001], [1.0], True),
        ([1.001], [1.0], False),
        ([1e6 + 50.0], [1e6], True),
        ([0.001, 1000.0], [0.0, 1000.0], True),
        ([0.1, 1000.0], [0.0, 1000.0], False),
        ([np.inf, np.nan, -np.inf], [np.inf, np.nan, -np.inf], True),
        ([np.inf], [-np.inf], False),
        ([np.nan], [1.0], False),
        ([1.0], [np.inf], False),
    ],
)
def test_the_rule_is_absolute_by_magnitude_plus_relative(
    actual: list[float], expected: list[float], agrees: bool
) -> None:
    """|a − b| <= 1e-5 · max(1, m) + 1e-4 · |b|; what is not finite must be the same."""
    assert difference_of(np.array(actual), np.array(expected), EXACT)[1] is agrees


def test_integers_and_booleans_must_be_equal() -> None:
    """No tolerance applies to what is counted."""
    assert difference_of(np.array([3, 4]), np.array([3, 4]), EXACT) == (0.0, True)
    assert difference_of(np.array([3, 4]), np.array([3, 5]), EXACT) == (1.0, False)
    assert difference_of(np.array([True]), np.array([False]), EXACT)[1] is False


def test_the_manifest_holds_the_tolerance_by_magnitude() -> None:
    """The server knows no magnitude: it gets the absolute tolerance times the largest golden output."""
    golden = Answered(Trial("golden", {}, ()), (np.array([0.5, -200.0], np.float32),))
    large = Answered(Trial("large", {}, ()), (np.array([1e9], np.float32),))
    assert replay_tolerance(EXACT, [golden, large]) == Tolerance(1e-5 * 200, 1e-4)


def test_every_refusal_is_one_kind_of_error() -> None:
    """Whoever calls the export from Python catches one class."""
    assert all(issubclass(kind, ExportError) for kind in (FrozenAxis, NetworkError, ParityFailure))
