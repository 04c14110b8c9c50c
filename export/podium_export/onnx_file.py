"""An ONNX file made elsewhere: read, checked and copied, the files of its weights with it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from podium_export.digest import sha256_of
from podium_export.errors import GraphError
from podium_export.frozen import constants_of


@dataclass(frozen=True, slots=True)
class OnnxFile:
    """A checked ONNX file.

    Attributes:
        path: where it is.
        model: the graph, without the weights that lie in other files.
        sha256: the file's SHA-256 in hexadecimal digits.
        beside: the files of weights that it names, relative to its folder.
    """

    path: Path
    model: onnx.ModelProto
    sha256: str
    beside: tuple[str, ...]


def read_onnx(path: Path) -> OnnxFile:
    """Read an ONNX file and have ONNX's own checker look at it.

    Raises:
        GraphError: it is no ONNX file, it breaks ONNX's rules, or a file that it names is missing.
    """
    if not path.is_file():
        raise GraphError(f"{path}: there is no such file" if not path.exists() else f"{path}: not a file")
    with path.open("rb") as stream:
        start = stream.read(64)
    if start.startswith(b"version https://git-lfs"):
        raise GraphError(f"{path}: a Git LFS pointer, not the graph: run `git lfs pull` where it came from")
    try:
        model = onnx.load(path, load_external_data=False)
    except DecodeError as error:
        raise GraphError(f"{path}: not an ONNX file, or cut short; it begins {start[:16]!r}") from error
    if not model.graph.node and not model.graph.output:
        raise GraphError(f"{path}: no graph in it: the file is empty, or not an ONNX file")
    beside = tuple(dict.fromkeys(_locations(model)))
    for name in beside:
        _check_beside(path, name)
    try:
        onnx.checker.check_model(str(path))
    except Exception as error:
        raise GraphError(
            f"{path}: ONNX's checker refuses it: {_first_line(error)}. "
            "Export it anew with a current tool, or serve it unchecked: put the file alone into "
            "<repository>/<name>/1/"
        ) from error
    return OnnxFile(path, model, sha256_of(path), beside)


def copy_onnx(source: OnnxFile, target: Path) -> None:
    """Copy the graph to a file of another name, and the files of weights beside it."""
    if not source.beside:
        shutil.copyfile(source.path, target)
        return
    names = {name: f"{target.name}.{number}.data" for number, name in enumerate(source.beside)}
    copied = onnx.ModelProto()
    copied.CopyFrom(source.model)
    for tensor in _external(copied):
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = names[entry.value]
    target.write_bytes(copied.SerializeToString())
    for name, new_name in names.items():
        shutil.copyfile(source.path.parent / name, target.parent / new_name)


def _external(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    for _, tensor in constants_of(model.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            yield tensor


def _locations(model: onnx.ModelProto) -> Iterator[str]:
    for tensor in _external(model):
        yield from (entry.value for entry in tensor.external_data if entry.key == "location")


def _check_beside(path: Path, name: str) -> None:
    """Refuse a name that leads out of the folder, as a prepared file might hold, or to nothing."""
    folder = path.parent.resolve()
    beside = (folder / name).resolve()
    if not beside.is_relative_to(folder):
        raise GraphError(f'{path}: it keeps weights in "{name}", which is outside its folder: move them beside it')
    if not beside.is_file():
        raise GraphError(f'{path}: it keeps weights in "{name}", which is missing: put that file beside it')


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
