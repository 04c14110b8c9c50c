"""From a checkpoint file to the network's weights by name."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from podium_export.checkpoint_file import USUAL_KEYS, read_checkpoint
from podium_export.digest import sha256_of
from podium_export.errors import CheckpointError

_WRAPPERS = ("module.", "_orig_mod.")
_NO_WEIGHTS = ("optim", "sched", "scaler", "loss", "discriminator", "netd")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The weights of one file.

    Attributes:
        file_name: the file's name, without folders.
        sha256: the file's SHA-256, 64 lower-case hexadecimal digits.
        state: tensors on the CPU by key, float32 where they were of another width, without the prefixes that
            wrappers add.
    """

    file_name: str
    sha256: str
    state: Mapping[str, Tensor]


def load_checkpoint(path: Path, *, key: str = "", allow: Collection[str] = ()) -> Checkpoint:
    """Read a checkpoint's weights.

    Args:
        path: a .pth, .pt, .th, .tar, .ckpt or .safetensors file; its content decides, not its name.
        key: where in the file the weights are, as in "ema.model"; empty: looked for.
        allow: classes beside tensors that it may hold, such as "argparse.Namespace".

    Raises:
        OptionError: a class that may not be allowed.
        CheckpointError: the file cannot be read without running code, is cut, or holds no weights.
    """
    content = read_checkpoint(path, allow=allow)
    found = _at(content, key, path) if key else _find(content)
    if not found:
        raise CheckpointError(f"{path}: no weights in it; it holds {_outline(content)}")
    return Checkpoint(path.name, sha256_of(path), _clean(found))


def _find(content: Any) -> dict[str, Tensor]:
    """Look for the weights: under a usual key, else here, else under whatever else holds tensors."""
    if isinstance(content, list | tuple):
        return next((found for item in content if (found := _find(item))), {})
    if not isinstance(content, Mapping) or "param_groups" in content:
        return {}
    for key in USUAL_KEYS:
        if found := _find(content.get(key)):
            return found
    here = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
    parts = {
        str(key): found
        for key, value in content.items()
        if not any(word in str(key).lower() for word in _NO_WEIGHTS) and (found := _find(value))
    }
    if here or not parts:
        return here
    if len(parts) == 1:
        return next(iter(parts.values()))
    return {f"{part}.{key}": tensor for part, found in parts.items() for key, tensor in found.items()}


def _at(content: Any, key: str, path: Path) -> dict[str, Tensor]:
    """Go to the weights that the caller named."""
    for part in key.split("."):
        if not isinstance(content, Mapping) or part not in content:
            raise CheckpointError(f'{path}: it has no key "{part}" of "{key}"; there it holds {_outline(content)}')
        content = content[part]
    return _find(content)


def _clean(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Take off wrappers' prefixes, and bring floats to float32."""
    stripped = {key.replace("_orig_mod.", ""): tensor for key, tensor in state.items()}
    while any(all(key.startswith(prefix) for key in stripped) for prefix in _WRAPPERS):
        stripped = {key.partition(".")[2]: tensor for key, tensor in stripped.items()}
    return {key: _single(tensor) for key, tensor in stripped.items()}


def _single(tensor: Tensor) -> Tensor:
    tensor = tensor.detach()
    return tensor.to(torch.float32) if tensor.is_floating_point() else tensor


def _outline(content: Any) -> str:
    """Say in a few words what a file holds."""
    if isinstance(content, Mapping):
        entries = list(_entries(content))
        more = f", … {len(content) - len(entries)} more" if len(content) > len(entries) else ""
        return f"a dictionary with {', '.join(entries)}{more}" if entries else "an empty dictionary"
    if isinstance(content, Tensor):
        return f"one tensor of shape {tuple(content.shape)} without a name"
    return f"a {type(content).__name__}"


def _entries(content: Mapping[Any, Any]) -> Iterator[str]:
    for key, value in list(content.items())[:8]:
        yield f'"{key}" ({type(value).__name__})'
