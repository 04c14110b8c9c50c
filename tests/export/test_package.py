"""Packages appear whole or not at all, and never in another's place."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest
from google.protobuf import json_format
from podium.v1 import model_manifest_pb2 as pb
from podium_export.errors import OptionError, PackageError
from podium_export.package import MANIFEST, Destination, publish, staging, write_manifest


def _publish(repository: Path, name: str = "net", version: int | None = None, content: str = "graph") -> Path:
    with staging(repository) as folder:
        (folder / "model.onnx").write_text(content)
        write_manifest(folder, pb.ModelManifest(format=1))
        return publish(folder, Destination(repository, name, version))


def test_takes_the_next_free_version(repository: Path) -> None:
    """The number after the highest is taken, whatever gaps there are and whatever state those versions are in."""
    assert _publish(repository).name == "1"
    assert _publish(repository).name == "2"
    (repository / "net" / "7").mkdir()
    (repository / "net" / "notes").mkdir()
    assert _publish(repository).name == "8"
    assert _publish(repository, version=3).name == "3"


def test_never_overwrites_a_version(repository: Path) -> None:
    """A version that exists is refused, an empty folder too, and what is there stays as it was."""
    first = _publish(repository, version=1, content="first")
    with pytest.raises(PackageError, match=r"1 exists, and a version is never overwritten; the next free one is 2"):
        _publish(repository, version=1, content="second")
    assert (first / "model.onnx").read_text() == "first"
    (repository / "net" / "5").mkdir()
    with pytest.raises(PackageError, match="never overwritten"):
        _publish(repository, version=5)
    assert list((repository / "net" / "5").iterdir()) == []


def test_two_exports_at_once_get_two_versions(repository: Path) -> None:
    """Many publish at the same time; each gets a number of its own and nothing is lost."""

    def publish_one(number: int) -> Path:
        return _publish(repository, content=str(number))

    with ThreadPoolExecutor(16) as pool:
        paths = list(pool.map(publish_one, range(32)))
    assert sorted(int(path.name) for path in paths) == list(range(1, 33))
    assert sorted((path / "model.onnx").read_text() for path in paths) == sorted(map(str, range(32)))


def test_a_race_for_one_version_has_one_winner(repository: Path) -> None:
    """Of many who ask for the same number one gets it; the others are refused and leave no trace."""

    def attempt(number: int) -> str:
        try:
            return str(_publish(repository, version=1, content=str(number)))
        except PackageError as error:
            return str(error)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(attempt, range(16)))
    assert sum(result == str(repository / "net" / "1") for result in results) == 1
    assert [path.name for path in repository.iterdir()] == ["net"]
    assert [path.name for path in (repository / "net").iterdir()] == ["1"]


def test_a_failure_leaves_nothing(repository: Path) -> None:
    """Whatever stops an export, an interrupt too, the repository is as before."""
    for failure in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(failure), staging(repository) as folder:  # noqa: PT012
            (folder / "model.onnx").write_text("half")
            raise failure
    assert list(repository.iterdir()) == []


def test_writes_in_a_hidden_folder_until_the_rename(repository: Path) -> None:
    """While a package is written, all that a server could see of it begins with a dot."""
    with staging(repository) as folder:
        (folder / "model.onnx").write_text("graph")
        assert [path.name[0] for path in repository.iterdir()] == ["."]
        published = publish(folder, Destination(repository, "net"))
    assert sorted(path.name for path in repository.iterdir()) == ["net"]
    assert published.stat().st_mode & 0o755 == 0o755


def test_the_manifest_lists_every_other_file(repository: Path) -> None:
    """Names, lengths and SHA-256 are those of the files; the manifest is the contract's JSON."""
    path = _publish(repository, content="abc")
    manifest = json_format.Parse((path / MANIFEST).read_text(), pb.ModelManifest())
    (entry,) = manifest.files
    assert (entry.name, entry.size_bytes) == ("model.onnx", 3)
    assert entry.sha256 == sha256(b"abc").hexdigest()
    assert "size_bytes" in json.loads((path / MANIFEST).read_text())["files"][0]


@pytest.mark.parametrize("name", ["digits", "efficientnet-lite0", "7", "a.b_c-d", "x" * 100])
def test_takes_names_that_the_wire_can_carry(repository: Path, name: str) -> None:
    """Letters, digits, dots, underscores and dashes."""
    Destination(repository, name).check()


@pytest.mark.parametrize("name", ["", "a/b", "a@b", "..", ".hidden", "-x", "with space", "ünlaut", "x" * 101, "a\n"])
def test_refuses_other_names(repository: Path, name: str) -> None:
    """ "/" and "@" mean version and alias; a leading dot would hide the model."""
    with pytest.raises(OptionError, match=r"1 to 100 letters, digits"):
        Destination(repository, name).check()


def test_refuses_a_version_that_is_no_positive_number(repository: Path) -> None:
    """Versions begin at 1."""
    with pytest.raises(OptionError, match="--version 0: a version is 1 or more"):
        Destination(repository, "net", 0).check()


def test_refuses_a_repository_that_cannot_be_one(tmp_path: Path) -> None:
    """A file in place of the folder is said to be one."""
    (tmp_path / "models").write_text("")
    with pytest.raises(PackageError, match="this is a file; give a folder"):
        Destination(tmp_path / "models", "net").check()
    with pytest.raises(PackageError, match="cannot be written"), staging(tmp_path / "models" / "deeper"):
        pass


def test_sweeps_what_a_killed_export_left(repository: Path) -> None:
    """A hidden folder a day old goes; one that another export may be writing stays."""
    old, young = repository / ".podium-export-old", repository / ".podium-export-young"
    for folder in (old, young):
        folder.mkdir(parents=True)
    yesterday = time.time() - 25 * 3600
    os.utime(old, (yesterday, yesterday))
    _publish(repository)
    assert not old.exists()
    assert young.exists()
