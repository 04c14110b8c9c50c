"""ONNX files made elsewhere are checked, compared with their plain run, and taken over with all their files."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from podium_export.assembling import Published
from podium_export.errors import ExportError, GraphError
from podium_export.importing import import_graph, imported_blueprint
from podium_export.onnx_file import read_onnx
from podium_export.package import Destination
from podium_export.session import Session


def _linear(folder: Path, batch: str | int = "N", *, mixing: bool = False, output: str | int | None = None) -> Path:
    """Write y = x W, or y = x W less the mean over the rows."""
    weights = numpy_helper.from_array(np.arange(12, dtype=np.float32).reshape(3, 4) / 10, "W")
    nodes = [helper.make_node("MatMul", ["x", "W"], ["z" if mixing else "y"], name="product")]
    if mixing:
        nodes.append(helper.make_node("ReduceMean", ["z", "axes"], ["m"], keepdims=1))
        nodes.append(helper.make_node("Sub", ["z", "m"], ["y"]))
    axes = numpy_helper.from_array(np.array([0], np.int64), "axes")
    graph = helper.make_graph(
        nodes,
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [output or batch, 4])],
        [weights, axes] if mixing else [weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, folder / "linear.onnx")
    return folder / "linear.onnx"


def _import(path: Path, repository: Path) -> Published:
    source = read_onnx(path)
    return import_graph(imported_blueprint(source), source, Destination(repository, "net"))


def test_a_file_is_published_with_what_it_computes(tmp_path: Path, repository: Path) -> None:
    """The package holds the file's bytes, its signature with the batch on axis 0, and examples of it."""
    path = _linear(tmp_path)
    published = _import(path, repository)
    assert (published.path / "model.onnx").read_bytes() == path.read_bytes()
    (graph,) = published.manifest.graphs
    assert graph.batch_axis == "batch"
    assert [dimension.axis or dimension.size for dimension in graph.inputs[0].shape] == ["batch", 3]
    assert published.manifest.parity.reference == "onnxruntime"
    assert published.manifest.provenance.architecture == "onnx"
    assert published.manifest.provenance.opset == 18
    with np.load(published.path / "golden.npz") as golden:
        expected = golden["1/model/inputs/x"] @ (np.arange(12, dtype=np.float32).reshape(3, 4) / 10)
        np.testing.assert_allclose(golden["1/model/outputs/y"], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dynamic", [True, False])
def test_rows_are_batched_only_where_they_are_independent(tmp_path: Path, repository: Path, dynamic: bool) -> None:
    """A fixed first axis, or rows that mix, make a graph that is never batched."""
    path = _linear(tmp_path, "N" if dynamic else 1, mixing=dynamic)
    assert _import(path, repository).manifest.graphs[0].batch_axis == ""


def test_weights_in_other_files_come_along(tmp_path: Path, repository: Path) -> None:
    """External data lies in the version folder itself, listed with its digest, and the graph finds it there."""
    model = onnx.load(_linear(tmp_path))
    (tmp_path / "sub").mkdir()
    onnx.save(model, tmp_path / "big.onnx", save_as_external_data=True, location="sub/w.bin", size_threshold=0)
    published = _import(tmp_path / "big.onnx", repository)
    names = {entry.name for entry in published.manifest.files}
    assert names == {"model.onnx", "model.onnx.0.data", "golden.npz"}
    x = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(
        Session(published.path / "model.onnx").run([x])[0], Session(tmp_path / "linear.onnx").run([x])[0]
    )


def test_weights_outside_the_folder_or_missing_are_refused(tmp_path: Path) -> None:
    """A name that leads out of the folder is not followed."""
    model = onnx.load(_linear(tmp_path))
    onnx.save(model, tmp_path / "big.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    (tmp_path / "w.bin").rename(tmp_path / "elsewhere")
    with pytest.raises(GraphError, match=r'weights in "w\.bin", which is missing'):
        read_onnx(tmp_path / "big.onnx")
    prepared = onnx.load(tmp_path / "big.onnx", load_external_data=False)
    for entry in prepared.graph.initializer[0].external_data:
        if entry.key == "location":
            entry.value = "../../etc/passwd"
    (tmp_path / "big.onnx").write_bytes(prepared.SerializeToString())
    with pytest.raises(GraphError, match="outside its folder"):
        read_onnx(tmp_path / "big.onnx")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no graph in it"),
        (b"hello world, this is no graph", "not an ONNX file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
    ],
)
def test_what_is_no_onnx_file_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    """Each kind is named."""
    (tmp_path / "net.onnx").write_bytes(content)
    with pytest.raises(GraphError, match=said):
        read_onnx(tmp_path / "net.onnx")
    with pytest.raises(GraphError, match="no such file"):
        read_onnx(tmp_path / "other.onnx")


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    """A copy that broke off is no graph."""
    path = _linear(tmp_path)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(GraphError, match="not an ONNX file, or cut short"):
        read_onnx(path)


def test_a_graph_that_breaks_the_rules_is_refused(tmp_path: Path) -> None:
    """ONNX's checker is asked before anything runs."""
    model = onnx.load(_linear(tmp_path))
    model.graph.node[0].input[1] = "nowhere"
    (tmp_path / "bad.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(GraphError, match=r"checker refuses it.*nowhere"):
        read_onnx(tmp_path / "bad.onnx")


def test_a_signature_that_lies_is_refused(tmp_path: Path, repository: Path) -> None:
    """An output declared with one row, which follows the batch, is no signature to serve by."""
    path = _linear(tmp_path, output=1)
    with pytest.raises(ExportError, match=r'output "y" has axis 0 fixed at 1'):
        _import(path, repository)


def test_real_files_are_taken_over_or_refused_with_the_reason(data: Path, repository: Path) -> None:
    """Names with ":" and dims "?" come through; what a package cannot hold is said, with the other way."""
    published = _import(data / "onnx" / "basic-pitch-nmp.onnx", repository)
    (graph,) = published.manifest.graphs
    assert graph.batch_axis == "batch"
    assert graph.inputs[0].name == "serving_default_input_2:0"
    for name, said in (
        ("test_string_concat", r"tensor\(string\).*put the file alone into"),
        ("test_sequence_insert_at_back", r"seq\(tensor\(int64\)\).*put the file alone into"),
        ("mul_1", "checker refuses it: W in initializer"),
    ):
        with pytest.raises(GraphError, match=said):
            _import(data / "onnx" / f"{name}.onnx", repository)
