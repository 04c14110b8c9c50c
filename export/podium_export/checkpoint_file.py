"""Reads a file into tensors without running anything that it holds.

What a file is, is told from its first bytes, not from its name: checkpoints bear every suffix there is.
"""

import re
import struct
import warnings
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file

from podium_export.errors import CheckpointError
from podium_export.pickles import holds_dictionary, is_foreign_pickle, protocol_of, strings_of, wanted_classes
from podium_export.value_holders import advice, holders_named

USUAL_KEYS = (
    "state_dict",
    "model_state_dict",
    "model",
    "net",
    "network",
    "netG_state_dict",
    "params_ema",
    "params",
    "weights",
    "module",
)
"""The keys under which checkpoints usually nest the weights, in the order in which they are looked for."""

_OTHER_KINDS = (
    (b"version https://git-lfs", "a Git LFS pointer, not the weights: run `git lfs pull` where it came from"),
    (b"\x89HDF\r\n", "an HDF5 file, as Keras writes: convert its weights to PyTorch first"),
    (b"\x1f\x8b", "compressed with gzip: unpack it with gunzip (or tar -xzf) first"),
    (b"GGUF", "a GGUF file, which holds quantized weights of another runtime"),
    (b"\x93NUMPY", "one NumPy array, not a state dict"),
    (b"BZh", "compressed with bzip2: unpack it with bunzip2 first"),
    (b"\xfd7zXZ", "compressed with xz: unpack it with unxz first"),
    (b"Rar!", "a RAR archive: unpack it first"),
)


def read_checkpoint(path: Path, *, allow: Collection[str] = ()) -> Any:
    """Read what a checkpoint file holds, with every tensor on the CPU.

    Args:
        path: the file.
        allow: classes beside tensors that it may hold, see `value_holders`.

    Raises:
        OptionError: a class that may not be allowed.
        CheckpointError: there is no such file, it is something else than a checkpoint, it is cut, or reading
            it would run code.
    """
    holders_named(allow)
    _check_is_file(path)
    with path.open("rb") as stream:
        start = stream.read(512)
    _refuse_other_kinds(path, start)
    if _is_safetensors(path, start):
        return _read_safetensors(path)
    if path.suffix == ".safetensors":
        raise CheckpointError(f"{path}: not a safetensors file, or cut short: its header does not fit its length")
    return _read_pickle(path, start, allow)


def _check_is_file(path: Path) -> None:
    if not path.exists():
        raise CheckpointError(f"{path}: there is no such file")
    if not path.is_file():
        raise CheckpointError(f"{path}: not a file; give the checkpoint file itself")
    if path.stat().st_size == 0:
        raise CheckpointError(f"{path}: the file is empty (0 bytes): copy or download it again")


def _refuse_other_kinds(path: Path, start: bytes) -> None:
    for magic, what in _OTHER_KINDS:
        if start.startswith(magic):
            raise CheckpointError(f"{path}: this is {what}")
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise CheckpointError(
            f"{path}: this is a web page, not a checkpoint: the download gave a page (a login, an error or a "
            "preview) in place of the file; download the raw file"
        )
    if path.suffix == ".onnx":
        raise CheckpointError(f"{path}: this is an ONNX file: use `podium import {path.name} --task …`")
    if text.startswith((b"{", b"[")) and b"\x00" not in start:
        raise CheckpointError(f"{path}: this is text (JSON), not a checkpoint; it begins {start[:60]!r}")


def _is_safetensors(path: Path, start: bytes) -> bool:
    if len(start) < 9:
        return False
    (header_bytes,) = struct.unpack("<Q", start[:8])
    return start[8:9] == b"{" and 2 <= header_bytes <= path.stat().st_size - 8


def _read_safetensors(path: Path) -> Any:
    try:
        return load_file(path, device="cpu")
    except Exception as error:
        raise CheckpointError(
            f"{path}: the safetensors file is cut or damaged ({error}): copy or download it again"
        ) from error


def _read_pickle(path: Path, start: bytes, allow: Collection[str]) -> Any:
    if start.startswith(b"PK\x03\x04"):
        _check_archive(path)
    elif not start.startswith(b"\x80"):
        raise CheckpointError(
            f"{path}: not a checkpoint that podium knows (PyTorch's zip or legacy format, or safetensors); "
            f"it begins {start[:16]!r}"
        )
    elif is_foreign_pickle(start):
        raise CheckpointError(
            f"{path}: a pickle that torch.save did not write, or a damaged one; podium reads none, since reading it "
            "could run code. If it holds arrays by name, save them as a checkpoint, where you trust the file:\n"
            f'  weights = pickle.loads(pathlib.Path("{path.name}").read_bytes())\n'
            f"  torch.save({{name: torch.as_tensor(array) for name, array in weights.items()}}, "
            f'"{path.stem}-weights.pth")'
        )
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(holders_named(allow)):
            warnings.filterwarnings("ignore", "Detected pickle protocol")  # what comes of it is said below
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise CheckpointError(_refusal(path, error)) from error


def _check_archive(path: Path) -> None:
    """Tell a cut or foreign zip file from one that PyTorch wrote."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile as error:
        raise CheckpointError(
            f"{path}: the file is cut short: it begins as a checkpoint and its end (the zip directory) is missing; "
            "copy or download it again"
        ) from error
    if any(name.endswith("constants.pkl") for name in names):
        raise CheckpointError(
            f"{path}: this is a TorchScript program, which holds code. Save its weights alone:\n"
            f'  torch.save(torch.jit.load("{path.name}").state_dict(), "{path.stem}-weights.pth")'
        )
    if not any(name.endswith("data.pkl") for name in names):
        inside = ", ".join(names[:3])
        raise CheckpointError(f"{path}: a zip archive that PyTorch did not write; it holds {inside}")


def _refusal(path: Path, error: Exception) -> str:
    """Say why a pickle was refused, and what to do."""
    text = str(error)
    wanted = re.search(r"GLOBAL ([\w.]+)", text) or re.search(r"[Uu]nsupported class ([\w.]+)", text)
    classes = wanted_classes(path)
    if any(name.startswith("torch.nn.modules.") for name in classes) and not holds_dictionary(path):
        own = next((name for name in classes if not name.startswith("torch.")), classes[0])
        return (
            f"{path}: a whole module was saved (torch.save(model)), so reading it would run the code of {own}. "
            "Save its weights alone, where that code is and where you trust the file:\n"
            f'  model = torch.load("{path.name}", map_location="cpu", weights_only=False)\n'
            f'  torch.save(model.state_dict(), "{path.stem}-weights.pth")'
        )
    name = wanted.group(1) if wanted else next(iter(classes), "")
    if name and "weights_only" in text:
        keys = strings_of(path)
        nested = next((f'["{key}"]' for key in USUAL_KEYS if key in keys), "")
        return (
            f"{path}: reading it would run code: it asks for {name}, and podium runs no code out of a checkpoint. "
            "Save its weights alone, where you trust the file:\n"
            f'  checkpoint = torch.load("{path.name}", map_location="cpu", weights_only=False)\n'
            f'  torch.save(checkpoint{nested}, "{path.stem}-weights.pth")'
            f"{advice(classes)}"
        )
    if (protocol := protocol_of(path)) > 2 and "Unsupported operand" in text:
        return (
            f"{path}: saved with pickle protocol {protocol}, of which PyTorch reads nothing without running code. Save "
            "it again with the usual one, where you trust the file:\n"
            f'  checkpoint = torch.load("{path.name}", map_location="cpu", weights_only=False)\n'
            f'  torch.save(checkpoint, "{path.stem}-weights.pth")'
        )
    reason = next((line.strip() for line in text.splitlines() if line.strip()), type(error).__name__)
    return (
        f"{path}: the file is cut short or damaged, or no checkpoint at all "
        f"({type(error).__name__}: {reason[:200]}): copy or download it again"
    )
