"""Version folders that are not what they should be: each is refused by name and reason, and by nothing else."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from podium_server.package import Package, PackageError, read_package

from tests.server.packages import GOLDEN_X, digest, graph, scaled, seal, write_onnx, write_package


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good package."""
    return write_package(tmp_path / "1")


def read_all(folder: Path) -> Package:
    """Read a package with its golden examples."""
    package = read_package(folder)
    list(package.golden())
    return package


def test_package_is_read_with_its_examples(folder: Path) -> None:
    """Manifest, digests and golden arrays are as they were written."""
    package = read_package(folder)
    (case,) = package.golden()
    assert package.checked
    assert package.digests == {"model": digest(folder / "model.onnx").sha256}
    assert package.graph_path(package.manifest.graphs[0]) == folder / "model.onnx"
    assert (case.name, case.graph) == ("0", "model")
    assert np.array_equal(case.inputs["x"], GOLDEN_X)
    assert np.array_equal(case.outputs["y"], 2 * GOLDEN_X)


def test_tensor_names_may_hold_slashes(tmp_path: Path) -> None:
    """ONNX names such as "encoder/x:0" survive the keys of the golden file."""
    folder = write_package(
        tmp_path / "1", golden={"0/model/inputs/encoder/x:0": GOLDEN_X, "0/model/outputs/a/b": GOLDEN_X}
    )
    (case,) = read_package(folder).golden()
    assert (set(case.inputs), set(case.outputs)) == ({"encoder/x:0"}, {"a/b"})


def test_onnx_file_alone_is_a_version(tmp_path: Path) -> None:
    """It has no manifest and no examples, and is not vouched for."""
    package = read_package(write_onnx(tmp_path / "1", scaled()))
    assert not package.checked
    assert list(package.golden()) == []
    assert [(g.name, g.file) for g in package.manifest.graphs] == [("model", "model.onnx")]


def flip_byte(folder: Path) -> None:
    data = bytearray((folder / "model.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    (folder / "model.onnx").write_bytes(data)


def truncate(folder: Path) -> None:
    os.truncate(folder / "model.onnx", 10)


def lose_model(folder: Path) -> None:
    (folder / "model.onnx").unlink()


def lose_golden(folder: Path) -> None:
    (folder / "golden.npz").unlink()


def lose_golden_and_its_digest(folder: Path) -> None:
    (folder / "golden.npz").unlink()
    seal(folder)


def model_becomes_a_folder(folder: Path) -> None:
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").mkdir()


def link_out_of_the_folder(folder: Path) -> None:
    shutil.move(folder / "model.onnx", folder.parent / "elsewhere.onnx")
    (folder / "model.onnx").symlink_to(folder.parent / "elsewhere.onnx")


def link_in_a_circle(folder: Path) -> None:
    (folder / "model.onnx").unlink()
    (folder / "model.onnx").symlink_to("model.onnx")


def name_listed(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        entry = digest(folder / "model.onnx")
        entry.name = name
        seal(folder, files=[entry, digest(folder / "model.onnx"), digest(folder / "golden.npz")])

    return change


def manifest_is(text: str | bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / "model.json").write_bytes(text if isinstance(text, bytes) else text.encode())

    return change


def manifest_becomes_a_folder(folder: Path) -> None:
    (folder / "model.json").unlink()
    (folder / "model.json").mkdir()


def manifest_with(**changes: Any) -> Callable[[Path], None]:
    return lambda folder: seal(folder, **changes)


def golden_is(data: bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / "golden.npz").write_bytes(data)
        seal(folder)

    return change


def golden_cut(folder: Path) -> None:
    golden_is((folder / "golden.npz").read_bytes()[:200])(folder)


def golden_flipped(folder: Path) -> None:
    data = bytearray((folder / "golden.npz").read_bytes())
    for i in range(60, 90):
        data[i] ^= 255
    golden_is(bytes(data))(folder)


def golden_single_array(folder: Path) -> None:
    np.save(folder / "golden.npy", GOLDEN_X)
    golden_is((folder / "golden.npy").read_bytes())(folder)


def golden_of_objects(folder: Path) -> None:
    np.savez(folder / "golden.npz", allow_pickle=True, **{"0/model/inputs/x": np.array([{}], dtype=object)})
    seal(folder)


def golden_keys(*keys: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        np.savez(folder / "golden.npz", allow_pickle=False, **dict.fromkeys(keys, GOLDEN_X))
        seal(folder)

    return change


FAULTS: list[tuple[Callable[[Path], None], str]] = [
    (flip_byte, r"'model\.onnx' was changed: its SHA-256 is"),
    (truncate, r"'model\.onnx' has 10 bytes, and model\.json says \d+"),
    (lose_model, r"'model\.onnx' is missing"),
    (lose_golden, r"'golden\.npz' is missing"),
    (lose_golden_and_its_digest, r"golden\.npz"),
    (model_becomes_a_folder, r"'model\.onnx' is missing"),
    (link_out_of_the_folder, r"'model\.onnx'.*not in the version folder itself"),
    (link_in_a_circle, r"model\.onnx"),
    (name_listed("../1/model.onnx/../../outside"), r"'\.\./1/.*not in the version folder itself"),
    (name_listed("/etc/passwd"), r"'/etc/passwd'.*not in the version folder itself"),
    (name_listed(".."), r"'\.\.'.*not in the version folder itself"),
    (name_listed(""), r"''.*not in the version folder itself"),
    (name_listed("sub/model.onnx"), r"'sub/model\.onnx'.*not in the version folder itself"),
    (name_listed("a\0b"), r"'a\\x00b'|'a\0b'"),
    (name_listed("x" * 300), r"'x+'"),
    (manifest_is("{"), r"model\.json is not a manifest"),
    (manifest_is(""), r"model\.json is not a manifest"),
    (manifest_is("[]"), r"model\.json: `format` is 0"),
    (manifest_is("null"), r"model\.json is not a manifest"),
    (manifest_is("[" * 100_000), r"model\.json is not a manifest"),
    (manifest_is(b"\xff\xfe{}"), r"model\.json is not a manifest"),
    (manifest_is('{"format": "one"}'), r"model\.json is not a manifest"),
    (manifest_is('{"format": 1, "colour": 3}'), r'model\.json is not a manifest.*"colour"'),
    (manifest_is('{"format": 1, "task": "TASK_OF_TOMORROW"}'), r"model\.json is not a manifest"),
    (manifest_is("{}"), r"model\.json: `format` is 0; this server reads format 1"),
    (manifest_becomes_a_folder, r"model\.json"),
    (manifest_with(format=2), r"model\.json: `format` is 2; this server reads format 1"),
    (manifest_with(graphs=[]), r"model\.json: `graphs` is empty"),
    (manifest_with(graphs=[graph(file="other.onnx")]), r"model\.json.*'other\.onnx'.*does not list"),
    (manifest_with(graphs=[graph(), graph()]), r"model\.json.*two graphs are named 'model'"),
    (golden_is(b""), r"golden\.npz cannot be read"),
    (golden_is(b"PK\3\4 not a zip"), r"golden\.npz cannot be read"),
    (golden_is(b"no archive either"), r"golden\.npz cannot be read"),
    (golden_cut, r"golden\.npz cannot be read"),
    (golden_flipped, r"golden\.npz cannot be read"),
    (golden_single_array, r"golden\.npz cannot be read"),
    (golden_of_objects, r"golden\.npz cannot be read"),
    (golden_keys("x"), r"golden\.npz: .*'x'.*case/graph/inputs/tensor"),
    (golden_keys("0/model/x"), r"golden\.npz: .*'0/model/x'"),
    (golden_keys("0/model/sideways/x"), r"golden\.npz: .*'0/model/sideways/x'"),
]


@pytest.mark.parametrize(
    ("spoil", "reason"), FAULTS, ids=[f"{i}-{reason[:30]}" for i, (_, reason) in enumerate(FAULTS)]
)
def test_each_fault_is_refused_with_the_name_of_the_file(
    folder: Path, spoil: Callable[[Path], None], reason: str
) -> None:
    """PackageError and no other; no folder of this machine in the message."""
    spoil(folder)
    with pytest.raises(PackageError, match=reason) as failure:
        read_all(folder)
    assert str(folder.parent) not in str(failure.value)
    assert len(str(failure.value)) < 1000


@pytest.mark.parametrize("files", [[], ["a.onnx", "b.onnx"]], ids=["none", "two"])
def test_folder_without_manifest_has_exactly_one_onnx_file(tmp_path: Path, files: list[str]) -> None:
    """The message lists what was found."""
    for name in files:
        (tmp_path / name).write_bytes(scaled())
    with pytest.raises(PackageError, match=", ".join(files) or "found: none"):
        read_package(tmp_path)


def test_folder_named_as_an_onnx_file_is_none(tmp_path: Path) -> None:
    """Only files count."""
    (tmp_path / "model.onnx").mkdir()
    with pytest.raises(PackageError, match="found: none"):
        read_package(tmp_path)


def test_repository_behind_links_is_read(folder: Path, tmp_path: Path) -> None:
    """A link to the version folder is the operator's own choice."""
    (tmp_path / "link").symlink_to(folder)
    assert read_all(tmp_path / "link").checked
