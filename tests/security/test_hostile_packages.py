"""Folders made to harm: each is refused with its reason, and the models beside it are served."""

import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from google.protobuf import json_format
from onnx import TensorProto, helper
from podium.v1 import model_manifest_pb2 as pb
from podium_server.external_data import external_files
from podium_server.package import PackageError, read_package
from podium_server.version_entry import VersionState

from tests.security.conftest import Start
from tests.server.packages import GOLDEN_X, scaled, seal, write_onnx, write_package

OUTSIDE = np.full(3, 7, "<f4")
Spoil = Callable[[Path], None]


def with_weights_in(location: str, where: str = "initializer") -> bytes:
    """y = x · w, of which w is in another file: as an initializer, a constant's attribute, or in a branch."""
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", "0"), ("length", "12")):
        weights.external_data.add(key=key, value=value)
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 3]) for name in "xy")
    nodes, initializers = [helper.make_node("Mul", ["x", "w"], ["y"])], [weights]
    if where != "initializer":
        constant = helper.make_node("Constant", [], ["w"])
        constant.attribute.add(name="value", type=onnx.AttributeProto.TENSOR).t.CopyFrom(weights)
        nodes, initializers = [constant, *nodes], []
    if where == "branch":
        branch = helper.make_graph(nodes, "branch", [], [y])
        true = helper.make_tensor("true", TensorProto.BOOL, [], [True])
        nodes = [helper.make_node("If", ["true"], ["y"], then_branch=branch, else_branch=branch)]
        initializers = [true]
    graph = helper.make_graph(nodes, "graph", [x], [y], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return bytes(model.SerializeToString())


def _up(folder: Path) -> str:
    (folder.parent / "outside.bin").write_bytes(OUTSIDE.tobytes())
    return "../outside.bin"


def _absolute(folder: Path) -> str:
    file = folder.parent / "outside.bin"
    file.write_bytes(OUTSIDE.tobytes())
    return str(file)


def _link(folder: Path) -> str:
    (folder.parent / "outside.bin").write_bytes(OUTSIDE.tobytes())
    (folder / "weights.bin").symlink_to("../outside.bin")
    return "weights.bin"


def _linked_folder(folder: Path) -> str:
    (folder.parent / "outside.bin").write_bytes(OUTSIDE.tobytes())
    (folder / "data").symlink_to("..")
    return "data/outside.bin"


@pytest.mark.parametrize("where", ["initializer", "attribute", "branch"])
@pytest.mark.parametrize("leave", [_up, _absolute, _link, _linked_folder])
def test_weights_outside_of_the_folder_are_refused(tmp_path: Path, leave: Callable[[Path], str], where: str) -> None:
    """Wherever in the graph they are named: a file of the machine would become a model's answer."""
    folder = tmp_path / "repository" / "model" / "1"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(with_weights_in(leave(folder), where))
    with pytest.raises(PackageError, match="lies outside of the version folder"):
        read_package(folder)


def test_weights_that_the_manifest_does_not_vouch_for_are_refused(tmp_path: Path) -> None:
    """Beside the graph, and without a digest: they could be changed after all was checked."""
    folder = tmp_path / "repository" / "model" / "1"
    write_onnx(folder, with_weights_in("weights.bin"))
    np.savez(folder / "golden.npz", allow_pickle=False, **{"0/model/inputs/x": GOLDEN_X})
    seal(folder)
    (folder / "weights.bin").write_bytes(OUTSIDE.tobytes())
    with pytest.raises(PackageError, match=r"'model\.onnx' has weights in 'weights\.bin', which `files` does not list"):
        read_package(folder)
    seal(folder)
    assert set(read_package(folder).digests) == {"model"}


@pytest.mark.parametrize("where", ["initializer", "attribute", "branch"])
def test_places_of_weights_are_read_from_the_bytes(tmp_path: Path, where: str) -> None:
    """Without onnx, which a server has not."""
    file = tmp_path / "model.onnx"
    file.write_bytes(with_weights_in("some/where.bin", where))
    assert external_files(file) == {"some/where.bin"}
    file.write_bytes(scaled())
    assert external_files(file) == frozenset()


@pytest.mark.parametrize("cut", range(1, 100, 7))
def test_a_file_that_is_cut_short_is_no_onnx_file(tmp_path: Path, cut: int) -> None:
    """As one that is still being copied."""
    file = tmp_path / "model.onnx"
    file.write_bytes(scaled()[:-cut])
    with pytest.raises(ValueError, match=r"is cut short|is no ONNX file"):
        external_files(file)


def test_graphs_nested_without_end_are_refused(tmp_path: Path) -> None:
    """A graph in an attribute of a node of a graph, and so on: Python's stack is not the limit."""
    content = b""
    for _ in range(1_000):
        for tag in (0x32, 0x2A, 0x0A):  # graph of an attribute, attribute of a node, node of a graph
            content = bytes([tag]) + _length(len(content)) + content
    file = tmp_path / "model.onnx"
    file.write_bytes(b"\x3a" + _length(len(content)) + content)
    with pytest.raises(ValueError, match="has graphs that are nested too deeply"):
        external_files(file)


def _length(number: int) -> bytes:
    """A number of seven bits a byte."""
    content = bytearray()
    while number >= 0x80:
        content.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*content, number])


def _link_of_the_version(folder: Path) -> None:
    elsewhere = folder.parents[2] / "elsewhere"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)


def _link_of_the_model(folder: Path) -> None:
    elsewhere = folder.parents[2] / "elsewhere"
    folder.parent.rename(elsewhere)
    folder.parent.symlink_to(elsewhere)


def _link_of_a_file(folder: Path) -> None:
    outside = folder.parents[2] / "outside.onnx"
    (folder / "model.onnx").rename(outside)
    (folder / "model.onnx").symlink_to(outside)


def _link_of_the_manifest(folder: Path) -> None:
    outside = folder.parents[2] / "outside.json"
    (folder / "model.json").rename(outside)
    (folder / "model.json").symlink_to(outside)


def _circle(folder: Path) -> None:
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").symlink_to("model.onnx")


def _pipe(folder: Path) -> None:
    (folder / "model.json").unlink()
    os.mkfifo(folder / "model.json")


def _endless(folder: Path) -> None:
    (folder / "model.json").unlink()
    (folder / "model.json").symlink_to("/dev/zero")


def _huge_manifest(folder: Path) -> None:
    with (folder / "model.json").open("r+b") as file:
        file.truncate(2**40)  # takes no room on the disk


def _deep_manifest(folder: Path) -> None:
    deep = '{"config": ' * 5_000 + "{}" + "}" * 5_000
    (folder / "model.json").write_text('{"format": 1, "provenance": {"config": ' + deep + "}}")


def _pickle(folder: Path) -> None:
    golden: dict[str, Any] = {"0/model/inputs/x": np.array([{"a": 1}], object), "0/model/outputs/y": 2 * GOLDEN_X}
    np.savez(folder / "golden.npz", **golden)
    seal(folder)


def _bomb(folder: Path) -> None:
    """Some megabytes that unpack to gigabytes."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (2**28, 3)})
    with (
        zipfile.ZipFile(folder / "golden.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("0/model/inputs/x.npy", "w", force_zip64=True) as member,
    ):
        member.write(header.getvalue())
        for _ in range(2 * 80):
            member.write(bytes(8 * 2**20))
    seal(folder)


def _lying_array(folder: Path) -> None:
    """An array that says it is of terabytes."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (2**40, 3)})
    with zipfile.ZipFile(folder / "golden.npz", "w") as archive:
        archive.writestr("0/model/inputs/x.npy", header.getvalue() + b"1234")
    seal(folder)


def _custom_operator(folder: Path) -> None:
    node = helper.make_node("Evil", ["x"], ["y"], domain="my.domain")
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", 3]) for name in "xy")
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("my.domain", 1)]
    model = helper.make_model(helper.make_graph([node], "graph", [x], [y]), opset_imports=opsets, ir_version=9)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    seal(folder)


def _huge_size_of_a_file(folder: Path) -> None:
    manifest = json_format.Parse((folder / "model.json").read_text(), pb.ModelManifest())
    manifest.files[0].size_bytes = 2**62
    (folder / "model.json").write_text(json_format.MessageToJson(manifest))


def _name_of_another_folder(folder: Path) -> None:
    manifest = json_format.Parse((folder / "model.json").read_text(), pb.ModelManifest())
    manifest.files[0].name = "../../../../etc/passwd"
    (folder / "model.json").write_text(json_format.MessageToJson(manifest))


def _huge_pictures(folder: Path) -> None:
    preprocessing = {"height": 2**31, "width": 2**31, "color_mode": "COLOR_MODE_RGB", "layout": "IMAGE_LAYOUT_NCHW"}
    fields = json_format.ParseDict({"image_preprocessing": preprocessing}, pb.ModelManifest())
    seal(
        folder,
        task=pb.TASK_IMAGE_CLASSIFICATION,
        classification=pb.Classification(labels=["a", "b", "c"]),
        image_preprocessing=fields.image_preprocessing,
    )


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_link_of_the_version, "is a link out of the repository; copy the files there"),
        (_link_of_the_model, "is a link out of the repository; copy the files there"),
        (_link_of_a_file, "'model.onnx', which is not in the version folder itself"),
        (_link_of_the_manifest, "'model.json' lies outside of the version folder"),
        (_circle, "'model.onnx'"),
        (_pipe, "'model.json' is no file"),
        (_endless, "'model.json' is no file"),
        (_huge_manifest, "model.json has 1099511627776 bytes; at most"),
        (_deep_manifest, "model.json is not a manifest: "),
        (_pickle, "golden.npz cannot be read: Object arrays cannot be loaded when allow_pickle=False"),
        (_bomb, "golden.npz unpacks to 13421"),
        (_lying_array, "golden.npz cannot be read: "),
        (_custom_operator, "my.domain:Evil(-1) is not a registered function/op"),
        (_huge_size_of_a_file, "bytes, and model.json says 4611686018427387904"),
        (_name_of_another_folder, "'../../../../etc/passwd', which is not in the version folder itself"),
        (_huge_pictures, "height is 2147483648; it must be 1 … 16384"),
    ],
)
async def test_a_folder_made_to_harm_is_refused_and_its_neighbour_served(
    start: Start, repository: Path, spoil: Spoil, words: str
) -> None:
    """The reason is the version's; the process goes on."""
    spoil(write_package(repository / "hostile" / "1"))
    running = await start()
    entry = running.server.catalogue.entry("hostile", 1)
    assert entry.state is VersionState.UNAVAILABLE
    assert words in entry.reason
    assert running.server.catalogue.resolve("double").version == 1
    assert "root:" not in entry.reason


def test_links_within_the_repository_are_followed(tmp_path: Path) -> None:
    """As ConfigMaps of Kubernetes lay files out; and the repository itself may be a link."""
    write_package(tmp_path / "store" / "..2026" / "double" / "1")
    (tmp_path / "store" / "double").symlink_to("..2026/double")
    (tmp_path / "repository").symlink_to("store")
    assert read_package(tmp_path / "repository" / "double" / "1").checked
