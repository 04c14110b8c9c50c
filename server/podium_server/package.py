"""A version folder as it lies on disk: read, with every promise that can be checked without running it checked."""

import hashlib
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from google.protobuf import json_format
from numpy.typing import NDArray
from podium.v1 import model_manifest_pb2 as pb

from podium_server.external_data import external_files

MANIFEST = "model.json"
GOLDEN = "golden.npz"
FORMAT = 1
# Far beyond what an export writes, and within what a server can read.
MAX_MANIFEST_BYTES = 256 * 2**20
MAX_GOLDEN_BYTES = 2**30
_GOLDEN_KEY = re.compile(r"([^/]+)/([^/]+)/(inputs|outputs)/(.+)", re.DOTALL)


class PackageError(Exception):
    """A version folder is not what it should be; the message names the file, what is wrong, what would be right."""


@dataclass(frozen=True, slots=True)
class GoldenCase:
    """One golden example of one graph: inputs and the outputs that PyTorch gave for them, by tensor name.

    Attributes:
        name: the case, such as "0".
        graph: the graph's name.
    """

    name: str
    graph: str
    inputs: Mapping[str, NDArray[Any]]
    outputs: Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Package:
    """A version folder.

    Attributes:
        path: the folder.
        manifest: what it says of itself; of an ONNX file alone, a manifest with that one graph, whose signature is
            still to be read from the file.
        digests: SHA-256 of each graph's file, by graph name.
        checked: whether the folder has a manifest, so that digests and golden examples vouch for it.
    """

    path: Path
    manifest: pb.ModelManifest
    digests: Mapping[str, str]
    checked: bool

    def graph_path(self, graph: pb.Graph) -> Path:
        """The graph's ONNX file."""
        return self.path / graph.file

    def golden(self) -> Iterator[GoldenCase]:
        """Read the golden examples.

        Raises:
            PackageError: the file is missing or cannot be read.
        """
        if self.checked:
            yield from _read_golden(self.path / GOLDEN)


def read_package(path: Path) -> Package:
    """Read a version folder and compare every file with its digest.

    Args:
        path: the folder: a package with a manifest, or one ONNX file alone.

    Raises:
        PackageError: no manifest and not exactly one ONNX file; a manifest of another format or that is not one; a
            file that is missing, changed or outside the folder; a folder that is a link out of the repository.
    """
    _check_place(path)
    if not (path / MANIFEST).exists():
        return _read_lone_onnx(path)
    _check_inside(path, path / MANIFEST, MANIFEST)
    manifest = _read_manifest(path / MANIFEST)
    digests = {entry.name: _check_digest(path, entry) for entry in manifest.files}
    graphs: dict[str, str] = {}
    for graph in manifest.graphs:
        if graph.file not in digests:
            raise PackageError(f"{MANIFEST}: graph '{graph.name}' is in '{graph.file}', which `files` does not list")
        for location in _external_files(path / graph.file):
            if location not in digests:
                raise PackageError(f"'{graph.file}' has weights in {location[:200]!r}, which `files` does not list")
        if graph.name in graphs:
            raise PackageError(f"{MANIFEST}: two graphs are named '{graph.name}'; each needs a name of its own")
        graphs[graph.name] = digests[graph.file]
    if not graphs:
        raise PackageError(f"{MANIFEST}: `graphs` is empty; a package has at least one")
    return Package(path, manifest, graphs, checked=True)


def _check_place(path: Path) -> None:
    """Refuse a folder that lies elsewhere: what is served is what lies in the repository."""
    try:
        inside = path.resolve().is_relative_to(path.absolute().parents[1].resolve())
    except (OSError, RuntimeError) as error:  # links in a circle
        raise PackageError("the version folder is a link that leads nowhere") from error
    if not inside:
        raise PackageError(
            "the version folder, or its model's, is a link out of the repository; copy the files there, or let the "
            "repository itself be a link"
        )


def _check_inside(folder: Path, path: Path, name: str) -> None:
    """Refuse what is no file, or a link out of the folder."""
    if path.exists() and not path.is_file():
        raise PackageError(f"'{name}' is no file")
    if path.resolve().parent != folder.resolve():
        raise PackageError(f"'{name}' lies outside of the version folder; put the file itself there")


def _external_files(path: Path) -> list[str]:
    """Where the weights of a graph are that are not in its own file."""
    try:
        return sorted(external_files(path))
    except ValueError as error:
        raise PackageError(f"'{path.name}' {error}") from error


def _read_manifest(path: Path) -> pb.ModelManifest:
    try:
        if path.stat().st_size > MAX_MANIFEST_BYTES:
            raise PackageError(f"{MANIFEST} has {path.stat().st_size} bytes; at most {MAX_MANIFEST_BYTES} are read")
        manifest = json_format.Parse(path.read_text(encoding="utf-8"), pb.ModelManifest())
    except OSError as error:
        raise PackageError(f"{MANIFEST} cannot be read: {error.strerror}") from error
    except (json_format.ParseError, UnicodeDecodeError, RecursionError) as error:
        raise PackageError(f"{MANIFEST} is not a manifest: {error}") from error
    if manifest.format != FORMAT:
        raise PackageError(f"{MANIFEST}: `format` is {manifest.format}; this server reads format {FORMAT}")
    return manifest


def _check_digest(folder: Path, entry: pb.FileDigest) -> str:
    """Compare one file with what the manifest says of it; its SHA-256."""
    path = folder / entry.name
    try:
        return _check_file(folder, path, entry)
    except OSError as error:
        raise PackageError(f"'{entry.name}' cannot be read: {error.strerror}") from error
    except (ValueError, RuntimeError) as error:  # how pathlib refuses zero bytes in names, and links in a circle
        raise PackageError(f"{MANIFEST}: `files` names {entry.name!r}, which is no file of the folder") from error


def _check_file(folder: Path, path: Path, entry: pb.FileDigest) -> str:
    if path.resolve().parent != folder.resolve():
        raise PackageError(f"{MANIFEST}: `files` names '{entry.name}', which is not in the version folder itself")
    if not path.is_file():
        raise PackageError(f"'{entry.name}' is missing; {MANIFEST} lists it")
    if path.stat().st_size != entry.size_bytes:
        raise PackageError(
            f"'{entry.name}' has {path.stat().st_size} bytes, and {MANIFEST} says {entry.size_bytes}: "
            "the copy is incomplete or the file was changed"
        )
    digest = sha256_of(path)
    if digest != entry.sha256:
        raise PackageError(f"'{entry.name}' was changed: its SHA-256 is {digest}, and {MANIFEST} says {entry.sha256}")
    return digest


def _read_lone_onnx(path: Path) -> Package:
    files = sorted(file for file in path.glob("*.onnx") if file.is_file())
    if len(files) != 1:
        found = ", ".join(file.name for file in files) or "none"
        raise PackageError(f"no {MANIFEST}, and not exactly one .onnx file (found: {found})")
    _check_inside(path, files[0], files[0].name)
    for location in _external_files(files[0]):
        _check_inside(path, path / location, location[:200])
    manifest = pb.ModelManifest(
        format=FORMAT,
        task=pb.TASK_TENSOR,
        description="An ONNX file without a manifest: served as its own signature says, unchecked.",
        graphs=[pb.Graph(name="model", file=files[0].name)],
    )
    return Package(path, manifest, {"model": sha256_of(files[0])}, checked=False)


def _read_golden(path: Path) -> Iterator[GoldenCase]:
    _check_inside(path.parent, path, GOLDEN)
    try:
        with path.open("rb") as file:
            _check_unpacked(file)
            with np.load(file, allow_pickle=False) as archive:
                arrays = {key: archive[key] for key in archive.files}
    except PackageError:
        raise
    except OSError as error:
        raise PackageError(f"{GOLDEN} cannot be read: {error.strerror or error}") from error
    except Exception as error:  # numpy, zip and zlib each have errors of their own for a broken file
        raise PackageError(f"{GOLDEN} cannot be read: {error}") from error
    cases: dict[tuple[str, str], dict[str, dict[str, NDArray[Any]]]] = {}
    for key, array in arrays.items():
        match = _GOLDEN_KEY.fullmatch(key)
        if match is None:
            raise PackageError(
                f"{GOLDEN}: an array is named {key!r}; names are case/graph/inputs/tensor or …/outputs/…"
            )
        case, graph, side, tensor = match.groups()
        cases.setdefault((case, graph), {"inputs": {}, "outputs": {}})[side][tensor] = array
    for (case, graph), sides in cases.items():
        yield GoldenCase(case, graph, sides["inputs"], sides["outputs"])


def _check_unpacked(file: BinaryIO) -> None:
    """Refuse an archive that would fill the memory; a member is never more than the archive says of it."""
    with zipfile.ZipFile(file) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > MAX_GOLDEN_BYTES:
        raise PackageError(f"{GOLDEN} unpacks to {size} bytes; at most {MAX_GOLDEN_BYTES} are read")
    file.seek(0)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, as 64 lower-case hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
