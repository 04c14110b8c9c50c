"""Finds what a path means: a version folder, a model folder (its newest version), or an ONNX file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from google.protobuf import json_format
from podium.v1 import model_manifest_pb2

from podium_export.errors import PackageError

MANIFEST = "model.json"


@dataclass(frozen=True, slots=True)
class Opened:
    """What a path holds.

    Attributes:
        path: the version folder, or the ONNX file.
        title: what to call it: "digits, version 3", or the file's name.
        manifest: what the package says of itself; None: an ONNX file without one.
        graphs: the ONNX files by the graph's name.
    """

    path: Path
    title: str
    manifest: model_manifest_pb2.ModelManifest | None
    graphs: Mapping[str, Path]


def open_path(path: Path) -> Opened:
    """Find what is to be looked at.

    Raises:
        PackageError: there is nothing of the kind; the message says what there is instead.
    """
    if not path.exists():
        raise PackageError(f"{path}: there is no such file or folder")
    if path.is_file():
        return _open_version(path.parent) if path.name == MANIFEST else Opened(path, path.name, None, {"": path})
    if _is_version(path):
        return _open_version(path)
    versions = sorted(int(folder.name) for folder in path.iterdir() if _is_numbered_version(folder))
    if versions:
        return _open_version(path / str(versions[-1]))
    models = sorted(m.name for m in path.iterdir() if m.is_dir() and any(map(_is_numbered_version, m.iterdir())))
    if models:
        raise PackageError(f"{path}: this is a repository; name one of its models: {', '.join(models)}")
    raise PackageError(
        f"{path}: neither a version folder (with {MANIFEST} or an ONNX file), nor a folder of numbered versions, "
        "nor an ONNX file"
    )


def read_manifest(folder: Path) -> model_manifest_pb2.ModelManifest:
    """Read a version folder's manifest; fields of later formats are passed over.

    Raises:
        PackageError: it is missing or is not a manifest.
    """
    path = folder / MANIFEST
    try:
        text = path.read_text(encoding="utf-8")
        return json_format.Parse(text, model_manifest_pb2.ModelManifest(), ignore_unknown_fields=True)
    except (OSError, UnicodeDecodeError, json_format.ParseError) as error:
        raise PackageError(f"{path}: not readable as a manifest: {error}") from error


def _is_version(folder: Path) -> bool:
    return folder.is_dir() and ((folder / MANIFEST).is_file() or any(folder.glob("*.onnx")))


def _is_numbered_version(folder: Path) -> bool:
    return folder.name.isascii() and folder.name.isdigit() and _is_version(folder)


def _open_version(folder: Path) -> Opened:
    resolved = folder.resolve()
    title = resolved.name
    if resolved.name.isdigit():
        title = f"{resolved.parent.name}, version {resolved.name}"
    if not (folder / MANIFEST).is_file():
        files = sorted(folder.glob("*.onnx"))
        return Opened(folder, title, None, {"" if len(files) == 1 else f.stem: f for f in files})
    manifest = read_manifest(folder)
    graphs = {graph.name: folder / graph.file for graph in manifest.graphs}
    for name, file in graphs.items():
        if not file.is_file():
            raise PackageError(f'{folder}: the manifest names {file.name} for graph "{name}", which is not there')
    return Opened(folder, title, manifest, graphs)
