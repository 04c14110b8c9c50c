"""A version folder becomes something that answers, or a reason why not: with real files on the real runtime."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper
from podium.v1 import tensor_pb2
from podium_server.package import PackageError
from podium_server.plan import Layout, Plan
from podium_server.runtime.devices import CPU_PROVIDER

from tests.server.conftest import MakeLoader
from tests.server.packages import (
    GOLDEN_X,
    centred,
    graph,
    onnx_bytes,
    scaled,
    seal,
    small_lenet,
    write_onnx,
    write_package,
)


async def test_package_answers_when_loaded(tmp_path: Path, make_loader: MakeLoader) -> None:
    """Name, version, provider and signature are told, and its batcher runs."""
    servable = await make_loader().load("double", 7, write_package(tmp_path / "7"))
    run = await servable.batchers["model"].run((GOLDEN_X,))
    await servable.close()
    assert (servable.name, servable.version, servable.provider) == ("double", 7, CPU_PROVIDER)
    assert servable.batchers["model"].signature.batched
    assert np.array_equal(run.outputs[0], 2 * GOLDEN_X)
    assert [axis.axis or axis.size for axis in servable.manifest.graphs[0].inputs[0].shape] == ["batch", 3]


async def test_manifest_of_an_onnx_file_alone_has_its_signature(tmp_path: Path, make_loader: MakeLoader) -> None:
    """Callers learn names, types and axes from the graph itself."""
    servable = await make_loader().load("lenet", 1, write_onnx(tmp_path / "1", small_lenet()))
    await servable.close()
    (served,) = servable.manifest.graphs
    (x,) = served.inputs
    assert (x.name, x.element_type) == ("x", tensor_pb2.ELEMENT_TYPE_FLOAT32)
    assert [axis.axis or axis.size for axis in x.shape] == ["batch", 1, 12, 12]
    assert served.batch_axis == "batch"


async def test_graph_of_several_is_each_run_by_its_own_batcher(tmp_path: Path, make_loader: MakeLoader) -> None:
    """Encoder and decoder have different plans, queues and files."""
    folder = write_package(tmp_path / "1")
    (folder / "decoder.onnx").write_bytes(scaled(3))
    golden = {
        f"0/{name}/{side}/{tensor}": factor * GOLDEN_X
        for name, factor in (("encoder", 2), ("decoder", 3))
        for side, tensor, factor in (("inputs", "x", 1), ("outputs", "y", factor))
    }
    np.savez(folder / "golden.npz", allow_pickle=False, **golden)
    seal(folder, graphs=[graph("encoder"), graph("decoder", "decoder.onnx")])
    servable = await make_loader().load("pair", 1, folder)
    runs = await asyncio.gather(*(batcher.run((GOLDEN_X,)) for batcher in servable.batchers.values()))
    await servable.close()
    assert list(servable.batchers) == ["encoder", "decoder"]
    assert [run.outputs[0][0, 1] for run in runs] == [2, 3]


async def test_rows_that_mix_are_not_batched(tmp_path: Path, make_loader: MakeLoader) -> None:
    """A mean over the batch is each request's own, however many ask at a time and whatever the operator set."""
    servable = await make_loader(max_batch_rows=64).load("centred", 1, write_onnx(tmp_path / "1", centred()))
    batcher = servable.batchers["model"]
    xs = [GOLDEN_X * factor for factor in range(20)]
    runs = await asyncio.gather(*(batcher.run((x,)) for x in xs))
    await servable.close()
    for x, run in zip(xs, runs, strict=True):
        assert np.array_equal(run.outputs[0], x - x.mean(axis=0))
    assert servable.plans["model"].max_batch_rows == 1
    assert not servable.manifest.graphs[0].batch_axis
    assert servable.usage.execution_count == 20


async def test_same_bytes_alone_and_among_64_others(tmp_path: Path, make_loader: MakeLoader) -> None:
    """How a request was batched does not show in its answer, on one session or on two."""
    path = write_onnx(tmp_path / "1", small_lenet())
    pictures = np.random.default_rng(3).standard_normal((65, 1, 1, 12, 12)).astype(np.float32)
    answers: list[list[bytes]] = []
    for layout, rows in ((Layout(1, 1), 1), (Layout(1, 1), 64), (Layout(2, 1), 16), (Layout(1, 2), 64)):
        servable = await make_loader(layout=layout, max_batch_rows=rows).load("lenet", 1, path)
        batcher = servable.batchers["model"]
        alone = [(await batcher.run((x,))).outputs[0].tobytes() for x in pictures]
        runs_alone = servable.usage.execution_count
        together = await asyncio.gather(*(batcher.run((x,)) for x in pictures))
        at_once = await batcher.run((pictures[:, 0],))
        await servable.close()
        assert rows == 1 or servable.usage.execution_count - runs_alone < 65
        answers += [alone, [run.outputs[0].tobytes() for run in together], [y.tobytes() for y in at_once.outputs[0]]]
    assert all(answer == answers[0] for answer in answers)


async def test_what_was_measured_is_remembered(tmp_path: Path, make_loader: MakeLoader) -> None:
    """The second load takes the first one's plan, also in another process's memory of the same folder."""
    path = write_package(tmp_path / "1")
    plans: list[Plan] = []
    for _ in range(2):
        servable = await make_loader(layout=None, max_batch_rows=None, num_cores=2).load("double", 1, path)
        await servable.close()
        plans.append(servable.plans["model"])
    first, second = plans
    assert (first.source, second.source) == ("measured", "remembered")
    assert (first.layout, first.max_batch_rows) == (second.layout, second.max_batch_rows)
    assert first.rows_per_second == second.rows_per_second > 0


async def test_what_is_remembered_is_measured_again_when_told_to(tmp_path: Path, make_loader: MakeLoader) -> None:
    """The way out for an operator whose plans were measured while the machine was busy."""
    path = write_package(tmp_path / "1")
    sources: list[str] = []
    for again in (False, True, False):
        loader = make_loader(layout=None, max_batch_rows=None, num_cores=2, remeasure=again)
        servable = await loader.load("double", 1, path)
        await servable.close()
        sources.append(servable.plans["model"].source)
    assert sources == ["measured", "measured", "remembered"]


async def test_another_file_is_measured_anew(tmp_path: Path, make_loader: MakeLoader) -> None:
    """Plans are remembered by the digest of the graph, not by the model's name."""
    loader = make_loader(max_batch_rows=None)
    for number, model in enumerate((scaled(2), scaled(3)), 1):
        servable = await loader.load("double", 1, write_onnx(tmp_path / str(number), model))
        await servable.close()
        assert servable.plans["model"].source == "measured"


async def test_operators_wish_is_shown_as_configured(tmp_path: Path, make_loader: MakeLoader) -> None:
    """Batch size and layout are what was set."""
    servable = await make_loader(layout=Layout(3, 1), max_batch_rows=7).load("double", 1, write_package(tmp_path / "1"))
    await servable.close()
    plan = servable.plans["model"]
    assert (plan.layout, plan.max_batch_rows, plan.source) == (Layout(3, 1), 7, "configured")


def disagree(folder: Path) -> None:
    np.savez(folder / "golden.npz", allow_pickle=False, **{"0/model/inputs/x": GOLDEN_X, "0/model/outputs/y": GOLDEN_X})
    seal(folder)


def golden_of_another_shape(folder: Path) -> None:
    wide = np.ones((2, 4), np.float32)
    np.savez(folder / "golden.npz", allow_pickle=False, **{"0/model/inputs/x": wide, "0/model/outputs/y": 2 * wide})
    seal(folder)


def golden_of_another_type(folder: Path) -> None:
    wide = GOLDEN_X.astype(np.float64)
    np.savez(folder / "golden.npz", allow_pickle=False, **{"0/model/inputs/x": wide, "0/model/outputs/y": 2 * wide})
    seal(folder)


def no_golden_of_the_graph(folder: Path) -> None:
    np.savez(folder / "golden.npz", allow_pickle=False)
    seal(folder)


def not_onnx(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"not a protobuf at all")
    seal(folder)


def other_signature(folder: Path) -> None:
    seal(folder, graphs=[graph(axes=("batch", 3, 1))])


def other_batch_axis(folder: Path) -> None:
    seal(folder, graphs=[graph(batch_axis="n")])


def operator_of_tomorrow(folder: Path) -> None:
    model = onnx.load_model_from_string(scaled())
    model.graph.node[0].op_type = "Teleport"
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    seal(folder)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (disagree, r"golden example 0, graph 'model', output 'y': the largest difference is 8"),
        (golden_of_another_shape, r"x"),
        (golden_of_another_type, r"x"),
        (no_golden_of_the_graph, r"golden\.npz has no example of graph 'model'"),
        (not_onnx, r"'model\.onnx' is no ONNX file"),
        (other_signature, r"model\.json: graph 'model' has the inputs"),
        (other_batch_axis, r"model\.json: graph 'model' is batched along 'n'"),
        (operator_of_tomorrow, r"Teleport"),
    ],
)
async def test_package_that_does_not_do_what_it_says_is_refused(
    tmp_path: Path, make_loader: MakeLoader, spoil: Callable[[Path], None], reason: str
) -> None:
    """Nothing unchecked is served: the reason is one PackageError, without folders of this machine."""
    folder = write_package(tmp_path / "1")
    spoil(folder)
    with pytest.raises(PackageError, match=reason) as failure:
        await make_loader().load("spoilt", 1, folder)
    assert str(tmp_path) not in str(failure.value)


async def test_graph_that_refuses_random_inputs_is_served_unmeasured(tmp_path: Path, make_loader: MakeLoader) -> None:
    """A stranger's graph that only takes what nobody can guess answers one request at a time."""
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["y"])]
    model = onnx_bytes(nodes, {"x": ("n", 1)}, {"y": ("n", 7)}, {"shape": np.array([-1, 7])})
    loader = make_loader(layout=None, max_batch_rows=None)
    servable = await loader.load("seven", 1, write_onnx(tmp_path / "1", model))
    run = await servable.batchers["model"].run((np.ones((14, 1), np.float32),))
    await servable.close()
    assert run.outputs[0].shape == (2, 7)
    assert servable.plans["model"].source == "default"


async def test_folder_that_went_away_is_a_reason(tmp_path: Path, make_loader: MakeLoader) -> None:
    """Between listing and reading, anything may happen."""
    with pytest.raises(PackageError):
        await make_loader().load("gone", 1, tmp_path / "1")


async def test_a_stopping_server_measures_nothing_more(tmp_path: Path, make_loader: MakeLoader) -> None:
    """What would take seconds is refused at once; what was measured before is still loaded."""
    loader = make_loader()
    await (await loader.load("double", 1, write_package(tmp_path / "1"))).close()
    loader.stop()
    with pytest.raises(PackageError, match="the server is shutting down"):
        await loader.load("lenet", 2, write_onnx(tmp_path / "2", small_lenet()))
    await (await loader.load("double", 1, tmp_path / "1")).close()
